"""Functions of Python, its library and NumPy that have no effects, by qualified name.

What is not here is taken to have effects. A name goes in only if calling the function again, later,
elsewhere or not at all makes no difference that a program can see (beyond its result).
"""

from collections.abc import Mapping

from ufora_core.compiler.effects.rules import Result, Rule, rules

_SCALAR = Rule(Result.SCALAR)
_OWN = Rule(Result.OWN)
_ORDERED = Rule(Result.SCALAR, ordered=True)
_CONTENTS = Rule(Result.CONTENTS, ordered=True)
_KEEPS = Rule(Result.KEEPS, ordered=True)
_SAME = Rule(Result.SAME)
_COMPUTED = Rule(Result.COMPUTED)

_BUILTINS: Mapping[str, Rule] = {
    **rules("bin chr complex float hex oct ord", _SCALAR),
    **rules("callable", Rule(Result.SCALAR, bool, touches=False)),
    **rules("all any bool", Rule(Result.SCALAR, bool)),
    **rules("int len", Rule(Result.SCALAR, int)),
    **rules("ascii format repr str", Rule(Result.SCALAR, str, text=True)),
    "range": Rule(Result.SCALAR, range),
    "slice": Rule(Result.SCALAR, slice),
    "bytes": Rule(Result.SCALAR, bytes, ordered=True),
    **rules("abs divmod pow round", _COMPUTED),
    "sum": Rule(Result.COMPUTED, ordered=True),
    **rules("max min", Rule(Result.ITEM, calls=("key",))),
    "bytearray": Rule(Result.OWN, bytearray, ordered=True),
    "enumerate": Rule(Result.CONTENTS, enumerate, ordered=True),
    "zip": Rule(Result.CONTENTS, zip, ordered=True),
    "reversed": Rule(Result.CONTENTS, reversed, ordered=True),
    "iter": _CONTENTS,
    "next": Rule(Result.ITEM, changes=(0,)),
    "list": Rule(Result.CONTENTS, list, ordered=True),
    "tuple": Rule(Result.CONTENTS, tuple, ordered=True),
    "set": Rule(Result.CONTENTS, set),
    "frozenset": Rule(Result.CONTENTS, frozenset),
    "dict": Rule(Result.KEEPS, dict, ordered=True),
    "dict.fromkeys": Rule(Result.KEEPS, dict, ordered=True),
    "int.from_bytes": _SCALAR,
    "float.fromhex": _SCALAR,
    **rules("bytes.fromhex bytes.maketrans", _SCALAR),
    "bytearray.fromhex": Rule(Result.OWN, bytearray),
    "str.maketrans": Rule(Result.KEEPS, dict),
    "sorted": Rule(Result.CONTENTS, list, calls=("key",)),
    "map": Rule(Result.CALLED, map, calls=(0,), ordered=True),
    "filter": Rule(Result.CONTENTS, filter, calls=(0,), ordered=True),
    "object": Rule(Result.OWN, object),
}

_MATH = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees erf erfc "
    "exp exp2 expm1 fabs factorial floor fmod frexp gamma gcd hypot isclose isfinite isinf "
    "isnan isqrt lcm ldexp lgamma log log10 log1p log2 modf nextafter perm pow radians "
    "remainder sin sinh sqrt tan tanh trunc ulp fma"
)
_CMATH = (
    "acos acosh asin asinh atan atanh cos cosh exp isclose isfinite isinf isnan log log10 phase "
    "polar rect sin sinh sqrt tan tanh"
)
_OPERATORS = (
    "abs add and_ concat floordiv index inv invert lshift matmul mod mul neg or_ pos pow rshift "
    "sub truediv xor"
)
_COMPARISONS = "contains countOf eq ge gt indexOf le length_hint lt ne not_ truth"

_ITERTOOLS: Mapping[str, Rule] = {
    **rules(
        "batched chain chain.from_iterable combinations combinations_with_replacement compress "
        "count cycle islice pairwise permutations product repeat tee zip_longest",
        _KEEPS,
    ),
    **rules("dropwhile filterfalse takewhile", Rule(Result.CONTENTS, calls=(0,), ordered=True)),
    "groupby": Rule(Result.KEEPS, calls=(1, "key"), ordered=True),
    "accumulate": Rule(Result.RETURNED, calls=(1, "func"), ordered=True),
    "starmap": Rule(Result.CALLED, calls=(0,), ordered=True),
}

_COLLECTIONS: Mapping[str, Rule] = {
    **rules("Counter OrderedDict deque", _KEEPS),
    "defaultdict": Rule(Result.KEEPS, calls=(0,)),
}

_HEAPQ: Mapping[str, Rule] = {
    **rules("heapify heappop", Rule(Result.ITEM, changes=(0,))),
    **rules("heappush heappushpop heapreplace", Rule(Result.ITEM, changes=(0,))),
    **rules("nlargest nsmallest", Rule(Result.CONTENTS, list, calls=(2, "key"), ordered=True)),
    "merge": Rule(Result.CONTENTS, calls=("key",), ordered=True),
}

_BISECT: Mapping[str, Rule] = {
    **rules("bisect bisect_left bisect_right", Rule(Result.SCALAR, int, calls=("key",))),
    **rules("insort insort_left insort_right", Rule(Result.SCALAR, calls=("key",), changes=(0,))),
}

_RE: Mapping[str, Rule] = {
    **rules("compile escape fullmatch match search", _SCALAR),
    **rules("findall finditer split", _OWN),
    **rules("sub subn", Rule(Result.SCALAR, calls=(1, "repl"))),
}

_TIMES: Mapping[str, Rule] = {
    **rules(
        "date datetime time timedelta timezone date.fromisoformat date.fromordinal "
        "datetime.combine datetime.fromisoformat datetime.fromordinal datetime.strptime",
        _SCALAR,
    )
}

_HASHES = "md5 new sha1 sha224 sha256 sha384 sha512 sha3_256 sha3_512 blake2b blake2s"

_NUMPY_NEW = (
    "absolute add all allclose amax amin angle any append arange arccos arccosh arcsin arcsinh "
    "arctan arctan2 arctanh argmax argmin argsort argwhere array array_equal around average "
    "bincount bitwise_and bitwise_not bitwise_or bitwise_xor ceil choose clip column_stack "
    "concatenate conj conjugate convolve copy copysign corrcoef correlate cos cosh count_nonzero "
    "cov cross cumprod cumsum deg2rad degrees delete diff digitize divide divmod dot empty_like "
    "equal exp exp2 expm1 eye fabs flatnonzero float_power floor floor_divide fmax fmin fmod full "
    "full_like gcd gradient greater greater_equal heaviside histogram hstack hypot identity in1d "
    "inner insert interp intersect1d invert isclose isfinite isin isinf isnan kron lcm ldexp "
    "left_shift less less_equal lexsort linspace log log10 log1p log2 logaddexp logical_and "
    "logical_not logical_or logical_xor logspace matmul max maximum mean median min minimum mod "
    "modf multiply nanargmax nanargmin nanmax nanmean nanmin nanstd nansum nanvar negative nonzero "
    "not_equal ones ones_like outer percentile polyfit polyval power prod ptp quantile rad2deg "
    "radians reciprocal remainder repeat right_shift rint roll round searchsorted setdiff1d sign "
    "signbit sin sinc sinh size sort sqrt square stack std subtract sum take tan tanh tensordot "
    "tile trace trapezoid triu tril true_divide trunc union1d unique vander var vdot vstack where "
    "zeros_like argpartition array_equiv bitwise_count block cbrt cumulative_prod "
    "cumulative_sum diagflat dstack ediff1d einsum empty extract frexp histogram2d indices "
    "isreal iscomplex logaddexp2 meshgrid nan_to_num nancumprod "
    "nancumsum nanmedian nanpercentile nanprod nanquantile nextafter packbits partition poly "
    "polyadd polyder polyint polymul polysub positive ravel_multi_index roots select "
    "setxor1d spacing trapz tri tril_indices triu_indices unpackbits unravel_index unwrap "
    "vecdot zeros linalg.det linalg.inv linalg.norm linalg.solve linalg.eig linalg.eigh "
    "linalg.eigvals linalg.svd linalg.qr linalg.cholesky linalg.lstsq linalg.matrix_power "
    "linalg.matrix_rank linalg.pinv linalg.cond linalg.eigvalsh linalg.slogdet fft.fft fft.ifft "
    "fft.rfft fft.irfft fft.fft2 fft.ifft2"
)
_NUMPY_SAME = (
    "asarray ascontiguousarray atleast_1d atleast_2d atleast_3d broadcast_to diagonal diag "
    "expand_dims flip fliplr flipud imag moveaxis ravel real reshape rot90 squeeze swapaxes "
    "transpose"
)

#: Qualified name -> what it does.
FUNCTIONS: Mapping[str, Rule] = {
    **{f"builtins.{name}": rule for name, rule in _BUILTINS.items()},
    **rules(_MATH, _SCALAR, "math."),
    **rules("dist fsum prod sumprod", _ORDERED, "math."),
    **rules(_CMATH, _SCALAR, "cmath."),
    **rules(_OPERATORS, _COMPUTED, "operator."),
    **rules(_COMPARISONS, _SCALAR, "operator."),
    **{f"itertools.{name}": rule for name, rule in _ITERTOOLS.items()},
    "functools.reduce": Rule(Result.RETURNED, calls=(0,), ordered=True),
    **{f"collections.{name}": rule for name, rule in _COLLECTIONS.items()},
    **{f"heapq.{name}": rule for name, rule in _HEAPQ.items()},
    **{f"bisect.{name}": rule for name, rule in _BISECT.items()},
    **{f"re.{name}": rule for name, rule in _RE.items()},
    **{f"datetime.{name}": rule for name, rule in _TIMES.items()},
    **rules(
        "mean fmean median median_grouped median_low median_high mode stdev pstdev variance "
        "pvariance geometric_mean harmonic_mean correlation covariance",
        Rule(Result.COMPUTED, ordered=True),
        "statistics.",
    ),
    **rules("multimode quantiles", _CONTENTS, "statistics."),
    "statistics.linear_regression": _OWN,
    "copy.copy": Rule(Result.CONTENTS),
    "copy.deepcopy": _OWN,
    "json.dumps": Rule(Result.SCALAR, str, calls=("default",), text=True),
    "json.loads": _OWN,
    **rules(_HASHES, _OWN, "hashlib."),
    **rules(" ".join(f"openssl_{name}" for name in _HASHES.split()), _OWN, "hashlib."),
    **rules("blake2b blake2s", _OWN, "blake2."),
    **rules("b64encode b64decode", _SCALAR, "base64."),
    **rules("crc32 adler32 compress decompress", _SCALAR, "zlib."),
    **rules("hexlify unhexlify crc32", _SCALAR, "binascii."),
    **rules("pack unpack calcsize", _SCALAR, "struct."),
    **rules("random.Random numpy.random.default_rng", _OWN),
    "array.array": Rule(Result.OWN, ordered=True),
    "decimal.Decimal": _SCALAR,
    "fractions.Fraction": _SCALAR,
    "string.capwords": _SCALAR,
    **rules("dedent fill indent shorten", _SCALAR, "textwrap."),
    "textwrap.wrap": _OWN,
    **rules("category name normalize numeric decimal digit", _SCALAR, "unicodedata."),
    **rules(_NUMPY_NEW, Rule(Result.OWN, ordered=True), "numpy."),
    **rules(_NUMPY_SAME, _SAME, "numpy."),
    **rules("ndim shape", _SCALAR, "numpy."),
    **rules(
        "bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 "
        "complex64 complex128 dtype",
        _SCALAR,
        "numpy.",
    ),
}

#: Why functions are not in the table, where a general reason would not help: by the longest
#: prefix of the qualified name.
EFFECTS: Mapping[str, str] = {
    "builtins.print": "prints",
    "builtins.input": "reads the keyboard",
    "builtins.open": "opens a file",
    "builtins.id": "shows where an object lies in memory",
    "builtins.hash": "differs from process to process for texts",
    "builtins.exec": "runs code that is not known beforehand",
    "builtins.eval": "runs code that is not known beforehand",
    "builtins.compile": "makes code that is not known beforehand",
    "builtins.__import__": "imports a module",
    "builtins.globals": "hands out the global variables",
    "builtins.locals": "hands out the variables around it",
    "builtins.vars": "hands out an object's attributes",
    "random.": "draws from a random generator whose state the whole program shares",
    "numpy.random": "draws from a random generator whose state the whole program shares",
    "numpy.random.": "draws from a random generator whose state the whole program shares",
    "secrets.": "draws random numbers",
    "uuid.": "draws random numbers",
    "time.": "depends on the clock",
    "datetime.datetime.now": "depends on the clock",
    "datetime.datetime.utcnow": "depends on the clock",
    "datetime.datetime.today": "depends on the clock",
    "datetime.date.today": "depends on the clock",
    "os.": "reads or changes the machine that it runs on",
    "posix.": "reads or changes the machine that it runs on",
    "io.": "reads or writes a file",
    "pathlib.": "reads or changes the machine that it runs on",
    "shutil.": "reads or changes the machine that it runs on",
    "socket.": "uses the network",
    "urllib.": "uses the network",
    "subprocess.": "starts a process",
    "sys.": "reads or changes the interpreter that it runs on",
    "threading.": "uses threads",
    "logging.": "writes to a log",
    "warnings.": "writes a warning",
    "gc.": "reads or changes the interpreter that it runs on",
}


def known_effect(name: str) -> str | None:
    """What the function of this qualified name is known to do to the outside."""
    prefixes = [prefix for prefix in EFFECTS if name == prefix or _is_below(name, prefix)]
    return EFFECTS[max(prefixes, key=len)] if prefixes else None


def _is_below(name: str, prefix: str) -> bool:
    return prefix.endswith(".") and name.startswith(prefix)
