"""What native code gathered, as segments of a loop's result and as Python's objects."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from ufora_core.compiler.sites.reducers import KEYED, SiteKind
from ufora_worker.loops.counts import CountedByKey
from ufora_worker.loops.segments import append
from ufora_worker.loops.shapes import Accumulator, Collected
from ufora_worker.loops.sums import Summed
from ufora_worker.native.ir.nodes import Sink, Unit
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_BOOL,
    NUMPY_FLOAT,
    NUMPY_INT,
    Tuple,
    Type,
    leaves,
)
from ufora_worker.native.runs import Run, Status

_PACKED = {INT: ("ints", "q"), FLOAT: ("floats", "d")}
#: What these are as Python's objects, counts tell; for NaNs see ``has_nan``.
_COUNTABLE = frozenset({INT, FLOAT, BOOL, CHAR})
#: To send one of these takes about so long.
_PACKED_NS = 10.0


def add_run(results: Accumulator, run: Run, unit: Unit, kind: SiteKind, lo: int) -> bool:
    """Adds what the items ``[lo, run.next)`` came to. True: they decided the loop."""
    hi = run.next
    if run.status is Status.DECIDED:
        return results.add(True, lo, hi)
    if hi == lo:
        return False
    match unit.sink:
        case Sink.TOTAL:
            append(results.segments, "total", run.total, lo, hi)
        case Sink.COUNT:
            append(results.segments, "count", run.count, lo, hi)
        case Sink.LEAST | Sink.GREATEST if run.best is not None:
            best_of = min if unit.sink is Sink.LEAST else max
            append(results.segments, "best", run.best, lo, hi, best_of)
        case Sink.SUM | Sink.COMPENSATED_SUM if run.sum is not None:
            assert isinstance(results, Summed)
            results.go_on(run.sum, hi)
        case Sink.ROWS:
            return results.add(list(rows(unit.emits, run)), lo, hi)
        case sink if sink.fills_columns:
            return _add_columns(results, run, unit.emits, kind, lo)
    return False


def has_nan(run: Run, unit: Unit) -> bool:
    """Whether a value is a NaN of Python's own, which CPython may have as an object already."""
    if not unit.sink.fills_columns:
        return False
    kinds = zip(leaves(unit.emits), run.columns, strict=True)
    return any(bool((column != column).any()) for leaf, column in kinds if leaf in _WITH_NAN)


_WITH_NAN = (FLOAT, COMPLEX)


def _add_columns(results: Accumulator, run: Run, type: Type, kind: SiteKind, lo: int) -> bool:
    if isinstance(results, Summed) and type == FLOAT:
        results.add_doubles(run.columns[0], lo, run.next)
        return False
    if isinstance(results, Collected) and type in _PACKED and kind not in KEYED:
        form, code = _PACKED[type]
        if not _follows(results, form, lo):
            append(results.segments, form, array(code), lo, lo)
        last = results.segments[-1]
        last.value.frombytes(memoryview(run.columns[0]).cast("B"))
        last.hi = run.next
        results.shipping_ns = _PACKED_NS
        return False
    values = objects(type, run.columns)
    if isinstance(results, CountedByKey) and _COUNTABLE.issuperset(leaves(type)):
        results.count(values, lo, run.next)
        return False
    if kind in KEYED and isinstance(results, Collected):
        entries = values if kind is SiteKind.DICT else dict.fromkeys(values)
        return results.add_entries(entries, lo, run.next)
    return results.add(list(values), lo, run.next)


def rows(type: Type, run: Run) -> Iterator[list[Any]]:
    """The rows that a run gave, as Python's lists."""
    values, start = list(objects(type, run.columns)), 0
    for end in run.ends:
        yield values[start:end]
        start = end


def _follows(results: Accumulator, form: str, lo: int) -> bool:
    """Whether items from ``lo`` on go on with the last segment."""
    return bool(results.segments) and (results.segments[-1].form, results.segments[-1].hi) == (
        form,
        lo,
    )


def objects(type: Type, columns: Sequence[Any]) -> Iterator[Any]:
    """The values that these columns hold, as Python's objects of ``type``."""
    return _objects(type, iter(columns))


def _objects(type: Type, columns: Iterator[Any]) -> Iterator[Any]:
    if isinstance(type, Tuple):
        parts = [_objects(item, columns) for item in type.items]
        return zip(*parts, strict=True)
    column = next(columns)
    if type in (BOOL, NUMPY_BOOL):
        column = column.astype(bool)
    if type in (NUMPY_BOOL, NUMPY_INT, NUMPY_FLOAT):
        return iter(column)
    values = column.tolist()
    return map(chr, values) if type == CHAR else iter(values)
