"""Methods and types of Python, its library and NumPy, and what they do.

Methods go by name alone: where the class of an object is not known, a name means what it means for
all built-in classes that have it, in the strictest reading (``pop`` changes its object).
"""

from collections.abc import Mapping

from ufora_core.compiler.effects.rules import RECEIVER, Result, Rule, rules

_SCALAR = Rule(Result.SCALAR)
_OWN = Rule(Result.OWN)
_CHANGES = Rule(Result.SCALAR, changes=(RECEIVER,))
_TAKES_ITEM = Rule(Result.ITEM, changes=(RECEIVER,))

#: What ``receiver.name(...)`` does, by name.
METHODS: Mapping[str, Rule] = {
    # str and bytes
    **rules(
        "capitalize casefold center count decode encode endswith expandtabs find index isalnum "
        "isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace "
        "istitle isupper ljust lower lstrip removeprefix removesuffix replace rfind rindex "
        "rjust rstrip startswith strip swapcase title translate upper zfill hex",
        _SCALAR,
    ),
    "join": Rule(Result.SCALAR, ordered=True),
    **rules("partition rpartition split rsplit splitlines", _OWN),
    **rules("format format_map", Rule(Result.SCALAR, str, text=True)),
    # numbers
    **rules(
        "as_integer_ratio bit_count bit_length conjugate is_integer limit_denominator to_bytes "
        "from_bytes quantize sqrt to_integral_value is_nan is_infinite "
        # of decimal numbers
        "adjusted as_tuple compare copy_abs copy_negate copy_sign exp fma is_finite is_signed "
        "is_zero ln log10 normalize scaleb to_integral_exact",
        _SCALAR,
    ),
    # list, deque, array, bytearray
    **rules("append appendleft insert remove clear reverse rotate", _CHANGES),
    **rules("extend extendleft", Rule(Result.SCALAR, changes=(RECEIVER,), ordered=True)),
    "sort": Rule(Result.SCALAR, calls=("key",), changes=(RECEIVER,)),
    **rules("pop popleft popitem", _TAKES_ITEM),
    "copy": Rule(Result.CONTENTS),
    # dict and Counter
    "get": Rule(Result.ITEM),
    **rules("items keys values", Rule(Result.SAME)),
    "setdefault": Rule(Result.ITEM, changes=(RECEIVER,)),
    **rules("update subtract", _CHANGES),
    "move_to_end": _CHANGES,
    **rules("most_common elements", Rule(Result.CONTENTS)),
    "total": Rule(Result.COMPUTED),
    # set and frozenset
    **rules("add discard", _CHANGES),
    **rules("difference_update intersection_update symmetric_difference_update", _CHANGES),
    **rules(
        "difference intersection symmetric_difference union",
        Rule(Result.CONTENTS),
    ),
    **rules("isdisjoint issubset issuperset", Rule(Result.SCALAR, bool)),
    # hashes
    **rules("digest hexdigest", _SCALAR),
    # regular expressions
    **rules("fullmatch match search group groups groupdict span start end expand", _SCALAR),
    **rules("findall finditer", _OWN),
    **rules("sub subn", Rule(Result.SCALAR, calls=(0, "repl"))),
    # dates
    **rules(
        "date isocalendar isoformat isoweekday strftime time timetuple toordinal total_seconds "
        "utcoffset weekday",
        _SCALAR,
    ),
    # random generators (those made in the item, with a seed)
    **rules(
        "betavariate binomial expovariate exponential gammavariate gauss getrandbits integers "
        "lognormvariate normal normalvariate paretovariate poisson randbytes randint random "
        "randrange standard_normal triangular uniform vonmisesvariate weibullvariate",
        Rule(Result.OWN, changes=(RECEIVER,), keeps=False),
    ),
    "choice": Rule(Result.PICKED, changes=(RECEIVER,), keeps=False, ordered=True),
    **rules(
        "choices sample permutation",
        Rule(Result.CONTENTS, changes=(RECEIVER,), keeps=False, ordered=True),
    ),
    "shuffle": Rule(Result.SCALAR, changes=(RECEIVER, 0), keeps=False),
    # exceptions
    "with_traceback": Rule(Result.SAME, changes=(RECEIVER,)),
    "add_note": _CHANGES,
    # numpy
    **rules(
        "all any argmax argmin argpartition argsort clip conj cumprod cumsum dot flatten item max "
        "mean min nonzero prod ptp round searchsorted std sum tobytes tolist trace var",
        _OWN,
    ),
    **rules("choose compress repeat take", _OWN),
    **rules("astype diagonal ravel reshape squeeze swapaxes transpose view", Rule(Result.SAME)),
    **rules("fill itemset partition_ put resize setflags", _CHANGES),
}

#: Methods of arrays whose later arguments may be an array to write into.
ARRAY_METHODS = frozenset(
    {
        *("all", "any", "argmax", "argmin", "choose", "clip", "compress", "cumprod", "cumsum"),
        *("dot", "max", "mean", "min", "prod", "ptp", "round", "std", "sum", "take", "trace"),
        "var",
    }
)

#: Methods that are harmless elsewhere and change an array in place.
CHANGING_ARRAYS = frozenset({"partition"})

#: Attributes whose names begin with two underscores and that tell nothing of this process.
READABLE_DUNDERS = frozenset({"__name__", "__qualname__", "__doc__", "__class__", "__module__"})
