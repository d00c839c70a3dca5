"""The frame: the 64-bit words through which Python and native code talk.

First what both sides always have, then the captured values, slot by slot, and then the addresses
of the columns. An Entry owns one frame and uses it again and again.
"""

import struct
from enum import IntEnum, auto


class Field(IntEnum):
    """Index of a word in the frame."""

    #: Address of the attention word.
    ATTENTION = 0
    #: Address of ``int64 callback(void)``.
    CALLBACK = auto()
    #: How deep recursive functions may nest.
    DEPTH = auto()
    #: How many values the columns hold; 0: there are none, and values are added to the sum.
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
    #: In and out: the bits of the sum and of its error.
    SUM = auto()
    ERROR = auto()
    #: The first captured value's first slot.
    WORDS = auto()


def bits(number: float) -> int:
    """A double as a word of the frame."""
    return int(struct.unpack("<q", struct.pack("<d", number))[0])


def number(bits: int) -> float:
    """A word of the frame as a double."""
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])
