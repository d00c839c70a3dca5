"""The frame: the 64-bit words through which Python and native code talk.

First what both sides always have, then the captured values, slot by slot, and then the addresses
of the columns. An Entry owns one frame and uses it again and again.
"""

from enum import IntEnum, auto


class Field(IntEnum):
    """Index of a word in the frame."""

    #: Address of the attention word.
    ATTENTION = 0
    #: Address of ``int64 callback(void)``.
    CALLBACK = auto()
    #: How deep recursive functions may nest.
    DEPTH = auto()
    #: How many values the columns hold.
    CAPACITY = auto()
    #: Out: the first item that is not done.
    NEXT = auto()
    #: Out: how many values were emitted.
    COUNT = auto()
    #: Out: how many rows ended.
    ROWS = auto()
    #: Out: the total's low and high half.
    TOTAL_LOW = auto()
    TOTAL_HIGH = auto()
    #: Out: the bits of the least or greatest value.
    BEST = auto()
    #: The first captured value's first slot.
    WORDS = auto()
