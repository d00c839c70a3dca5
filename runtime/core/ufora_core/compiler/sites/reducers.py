"""The functions that fold what items yield, and what a call of one may look like.

A site is a call of one of them. Its *kind* says what ranges keep of the values: where that is the
values in order (``LIST``), the root calls the very function on them. So a function goes into the
table with nothing but the form of its calls, as long as it uses nothing of its iterable but the
items, in order.
"""

from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import BuiltinFunctionType

from ufora_core.compiler.effects.qualified_names import qualified_name


class SiteKind(Enum):
    """What becomes of the items' values."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"
    ANY = "any"
    ALL = "all"
    LIST = "list"
    TUPLE = "tuple"
    SET = "set"
    FROZENSET = "frozenset"
    DICT = "dict"
    COUNT = "len"
    #: The first value that there is.
    FIRST = "next"
    #: Counts by key.
    COUNTER = "collections.Counter"
    #: Calls that stand side by side.
    CALLS = "calls"


#: Kinds of which one item decides what all of it comes to.
DECIDED = frozenset({SiteKind.ANY, SiteKind.ALL, SiteKind.FIRST})
#: Kinds whose values are hashed, one after the other in one place.
KEYED = frozenset({SiteKind.SET, SiteKind.FROZENSET, SiteKind.DICT})


@dataclass(frozen=True, slots=True)
class Reducer:
    """A function that folds items, and how it is called."""

    #: Qualified name; ``str.join`` for that method.
    name: str
    kind: SiteKind = SiteKind.LIST
    #: The one operand that it may have besides its items: its keyword, and whether the operand may
    #: stand behind the items as well (or, without a keyword, only there).
    keyword: str = ""
    by_position: bool = False
    #: Operands in front of the items, and whether they are functions called on items.
    before: int = 0
    combines: bool = False
    #: It may fail before it takes the first item.
    begins: bool = False
    #: Whether it may have a key function; keys are computed with the items.
    keyed: bool = False
    #: It takes all items before it looks at the first.
    gathers: bool = False
    #: Set for a method: the classes of objects whose method it is.
    owners: frozenset[type] = frozenset()
    #: The method adds to the object; it has done so with the items before one that fails.
    adds: bool = False
    #: Whether a list comprehension is taken over together with the fold. Where the name may well
    #: mean another function, which only gets the list, it is not.
    fuses: bool = False

    @property
    def built_in(self) -> bool:
        """True for a function that is called by its bare name."""
        return self.name.startswith("builtins.")

    @property
    def method(self) -> bool:
        """True for a method of some object."""
        return bool(self.owners)

    def is_meant(self, function: object, names: Mapping[str, object]) -> bool:
        """Whether ``function`` is this one; ``names`` are the names of built-in things."""
        if self.built_in:
            return function is names[self.name.removeprefix("builtins.")]
        if self.method:
            owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
            return (
                type(function) is BuiltinFunctionType
                and type(owner) in self.owners
                and name == self.name.rpartition(".")[2]
            )
        return qualified_name(function) == self.name


JOIN = "str.join"
UPDATE = "set.update"
SORTED = "builtins.sorted"


def _built_in(kind: SiteKind, **form: object) -> Reducer:
    fuses = kind in (SiteKind.SUM, SiteKind.MIN, SiteKind.MAX, SiteKind.COUNT)
    return Reducer(f"builtins.{kind.value}", kind, fuses=fuses, **form)  # type: ignore[arg-type]


#: By the last part of their names.
REDUCERS: Mapping[str, Reducer] = {
    each.name.rpartition(".")[2]: each
    for each in (
        _built_in(SiteKind.SUM, keyword="start", by_position=True, begins=True),
        _built_in(SiteKind.MIN, keyword="default", keyed=True),
        _built_in(SiteKind.MAX, keyword="default", keyed=True),
        *map(_built_in, (SiteKind.ANY, SiteKind.ALL, SiteKind.LIST, SiteKind.TUPLE)),
        *map(_built_in, (SiteKind.SET, SiteKind.FROZENSET, SiteKind.DICT, SiteKind.COUNT)),
        _built_in(SiteKind.FIRST, by_position=True),
        Reducer(SORTED, keyword="reverse", keyed=True, gathers=True, fuses=True),
        Reducer("builtins.bytes"),
        Reducer("builtins.bytearray"),
        Reducer(JOIN, owners=frozenset({str, bytes}), gathers=True, fuses=True),
        Reducer("list.extend", owners=frozenset({list, deque, array}), adds=True),
        Reducer(UPDATE, owners=frozenset({set, dict}), adds=True),
        Reducer("functools.reduce", by_position=True, before=1, combines=True),
        Reducer("math.fsum"),
        Reducer("math.prod", keyword="start"),
        *map(Reducer, ("statistics.mean", "statistics.fmean")),
        Reducer("statistics.median", gathers=True),
        Reducer("collections.Counter", SiteKind.COUNTER),
        Reducer("collections.OrderedDict"),
        Reducer("collections.deque", keyword="maxlen", by_position=True, begins=True),
        Reducer("array.array", before=1, begins=True),
        Reducer("numpy.fromiter", keyword="dtype", by_position=True, begins=True),
        Reducer("operator.countOf", by_position=True),
    )
}
