"""How the tables describe a function of a library: what it returns, calls and changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class Result(Enum):
    """Where a call's result comes from."""

    #: A new immutable value.
    SCALAR = auto()
    #: A new object that holds nothing but immutable values.
    OWN = auto()
    #: A new object that holds items of the arguments (``list``, ``zip``).
    CONTENTS = auto()
    #: A new object that holds the arguments themselves (``repeat``, ``partial``).
    KEEPS = auto()
    #: An item of the arguments, or one of them (``max``, ``dict.get``).
    ITEM = auto()
    #: An argument itself or a view of it (``reshape``, ``dict.items``).
    SAME = auto()
    #: What operators of the items return (``sum``, ``abs``).
    COMPUTED = auto()
    #: What the callback returns, or an item (``reduce``).
    RETURNED = auto()
    #: A new object that holds what the callback returns (``map``).
    CALLED = auto()
    #: An item of the arguments, and not of the object whose method it is (``choice``).
    PICKED = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """A function of a library that has no effect but what is said here.

    Positions count from 0; RECEIVER is the object whose method it is.
    """

    result: Result
    #: Class of the result, where there is just one.
    cls: type | None = None
    #: Parameters, by position and keyword, that hold a function to call.
    calls: tuple[int | str, ...] = ()
    #: Arguments that are changed in place.
    changes: tuple[int, ...] = ()
    #: Whether what is changed may keep the arguments or their items.
    keeps: bool = True
    #: Whether the order in which its arguments give their items shows in the result.
    ordered: bool = False
    #: Whether the text of its arguments shows (``str``, ``format``).
    text: bool = False
    #: Whether operators of the arguments or their items are used at all.
    touches: bool = True


RECEIVER = -1


def rules(names: str, rule: Rule, prefix: str = "") -> Mapping[str, Rule]:
    """The same rule for each of the names."""
    return {f"{prefix}{name}": rule for name in names.split()}
