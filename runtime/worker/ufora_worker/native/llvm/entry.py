"""The way into native code: an entry calls ``drive`` and says what came of it."""

import ctypes
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ufora_worker.native.ir.nodes import Sink, Unit
from ufora_worker.native.ir.types import BOOL, FLOAT, NUMPY_BOOL, NUMPY_FLOAT
from ufora_worker.native.llvm.columns import Columns, column_count
from ufora_worker.native.llvm.frame import Field
from ufora_worker.native.llvm.slots import slots
from ufora_worker.native.runs import Run, Status

#: How deep recursive functions may nest unless told otherwise; CPython's own limit is 1000 frames,
#: some of which are in use already.
DEPTH_LIMIT = 500
#: The deepest limit that is taken: so many stack frames of 4 KiB fit in a thread's usual 8 MiB.
DEEPEST = 2000

_DRIVE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)


class MachineCode(Protocol):
    """Machine code in memory, which stays there as long as this object lives."""

    @property
    def address(self) -> int:
        """Where ``drive`` begins."""


class Attention(Protocol):
    """How running native code is asked to listen (see ``native.attention``)."""

    @property
    def address(self) -> int:
        """Of a 64-bit word that native code reads at the back edges of its loops."""

    @property
    def callback(self) -> Any:
        """The ctypes function ``int64 callback(void)`` that is called while the word is not 0;
        what it returns is not 0 to stop."""


class Entry:
    """Machine code of one unit, and the frame it is called with; for one thread at a time."""

    def __init__(self, unit: Unit, code: MachineCode, *, depth_limit: int = DEPTH_LIMIT) -> None:
        """``depth_limit``: how deep recursive functions may nest before the item bails, up to
        ``DEEPEST``."""
        self._code = code
        self._drive = _DRIVE(code.address)
        self._sink = unit.sink
        self._emits = unit.emits
        parameters = unit.functions[0].parameters[1:]
        #: How many words ``run`` takes.
        self.words = sum(len(slots(parameter.type)) for parameter in parameters)
        self._lengths = list(_lengths(unit))
        self._width = column_count(unit)
        self._first_column = int(Field.WORDS) + self.words
        self._frame: Any = (ctypes.c_int64 * (self._first_column + self._width))()
        self._frame[Field.DEPTH] = min(depth_limit, DEEPEST)
        self._address = ctypes.addressof(self._frame)
        self._attention: Attention | None = None
        self._columns: Columns | None = None

    def run(
        self,
        lo: int,
        hi: int,
        words: Sequence[int],
        columns: Columns | None,
        attention: Attention,
    ) -> Run:
        """Run items ``lo`` to ``hi`` (not included), without Python's lock.

        ``words`` are the captured values, slot by slot. ``columns`` are for units that fill some;
        the run hands out views of them, which the next run with the same columns overwrites.

        Raises:
            ValueError: the numbers of words or columns are not those of the unit, ``lo`` is
                negative, or an array that spans the items has less.
        """
        if len(words) != self.words or lo < 0:
            raise ValueError(
                f"native code got {len(words)} words from item {lo} on, "
                f"and takes {self.words} words and items from 0 on"
            )
        if any(words[position] < hi for position in self._lengths):
            raise ValueError(f"native code got an array that is too short for item {hi - 1}")
        if attention is not self._attention:
            self._listen_to(attention)
        if columns is not self._columns:
            self._fill(columns)
        self._frame[Field.WORDS : self._first_column] = words
        return self._result(Status(self._drive(lo, hi, self._address)))

    def _listen_to(self, attention: Attention) -> None:
        callback = ctypes.cast(attention.callback, ctypes.c_void_p).value
        assert callback is not None
        self._frame[Field.ATTENTION] = attention.address
        self._frame[Field.CALLBACK] = callback
        self._attention = attention

    def _fill(self, columns: Columns | None) -> None:
        addresses = columns.addresses if columns else ()
        if len(addresses) != self._width:
            raise ValueError(f"native code got {len(addresses)} columns and fills {self._width}")
        self._frame[Field.CAPACITY] = columns.capacity if columns else 0
        self._frame[self._first_column :] = addresses
        self._columns = columns

    def _result(self, status: Status) -> Run:
        frame, columns = self._frame, self._columns
        count = frame[Field.COUNT]
        run = Run(status, frame[Field.NEXT], count)
        match self._sink:
            case Sink.TOTAL:
                run.total = (frame[Field.TOTAL_HIGH] << 64) | frame[Field.TOTAL_LOW] % 2**64
            case Sink.LEAST | Sink.GREATEST if count:
                run.best = self._best(frame[Field.BEST])
            case Sink.COLUMNS | Sink.ROWS if columns is not None:
                run.columns = tuple(array[:count] for array in columns.arrays)
                if columns.ends is not None:
                    run.ends = columns.ends[: frame[Field.ROWS]].tolist()
        return run

    def _best(self, bits: int) -> bool | int | float:
        if self._emits in (FLOAT, NUMPY_FLOAT):
            return float(struct.unpack("<d", struct.pack("<q", bits))[0])
        return bool(bits) if self._emits in (BOOL, NUMPY_BOOL) else bits


def _lengths(unit: Unit) -> Iterator[int]:
    """Which words are the lengths of arrays that span the items."""
    position = 0
    for parameter in unit.functions[0].parameters[1:]:
        if parameter.name in unit.spans:
            yield position + 1
        position += len(slots(parameter.type))
