"""Runs the items of a program's site in CPython and as machine code, and compares.

What native code yields for the items that it does has to be what CPython yields, type by type and
bit by bit (any NaN is as good as any other); an item that raises in CPython has to bail.
"""

import gc
import math
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from fuzzing.brisk import entries_of, entry_of
from machine_code import Listener
from translating import SiteCase
from ufora_worker.native.ir.nodes import Sink, Unit
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.entry import Entry
from ufora_worker.native.optimise import optimise
from ufora_worker.native.refusal import Refused
from ufora_worker.native.runs import Run, Status
from ufora_worker.native.segments import objects, rows
from ufora_worker.native.translate.capture import Packed, pack

_T = TypeVar("_T")

#: Processor seconds that a program gets in CPython, and values that one call collects at most.
_SECONDS, _CAPACITY = 0.1, 8192


#: What the items yield in CPython, or raise.
Expected = Sequence[list[Any] | Exception]


class Different(AssertionError):
    """Native code gives something else than CPython."""


class TooLong(BaseException):
    """A program does not end in its time."""


@dataclass(slots=True)
class Outcome:
    """What came of one program."""

    accepted: bool = False
    #: Items that native code did, and those that it left to CPython.
    items: int = 0
    bailed: int = 0
    #: It took too long, or too much memory, in CPython.
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A module whose last statement is a site, and the local variables that the site finds."""

    text: str
    scope: Mapping[str, object]
    #: Compiled as the product does it.
    thorough: bool = False
    #: Processor seconds that it gets in CPython.
    seconds: float = _SECONDS


@dataclass(frozen=True, slots=True)
class Prepared:
    """A site that was translated, and what CPython makes of its items."""

    subject: Subject
    items: Sequence[object]
    unit: Unit
    values: Sequence[Packed]
    expected: Expected


@dataclass(frozen=True, slots=True)
class Native:
    """Machine code of a site, with the values that it is given."""

    unit: Unit
    entry: Entry
    words: Sequence[int]
    columns: Columns | None

    def run(self, lo: int, hi: int) -> Run:
        """Run these items, or as many of them as possible."""
        return self.entry.run(lo, hi, self.words, self.columns, _LISTENER)


_LISTENER = Listener()


def check(subject: Subject) -> Outcome:
    """Compare all items of the program's site.

    Raises:
        Different: a value is not CPython's.
    """
    (outcome,) = check_all([subject])
    if isinstance(outcome, Different):
        raise outcome
    return outcome


def check_all(subjects: Sequence[Subject]) -> list[Outcome | Different]:
    """Compare all items of several programs, which become machine code together."""
    prepared = [caught(partial(_prepared, each)) for each in subjects]
    entries = iter(_entries([each for each in prepared if isinstance(each, Prepared)]))
    return [
        caught(partial(_compared, each, next(entries))) if isinstance(each, Prepared) else each
        for each in prepared
    ]


def caught(work: Callable[[], _T]) -> _T | Different:
    """What it gives, or the difference that it raises."""
    try:
        return work()
    except Different as different:
        return different


# ------------------------------------------------------------------ from text to machine code


def _prepared(subject: Subject) -> Prepared | Outcome:
    """
    Raises:
        Different: the compiler fails.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = SiteCase(subject.text, subject.scope)
        try:
            unit, values = _translated(case)
        except Refused:
            return Outcome()
        except Exception as error:
            raise _failing(error) from error
        warnings.simplefilter("error", RuntimeWarning)
        try:
            with time_limit(subject.seconds):
                expected = [_original(case, item) for item in case.items]
        except (TooLong, MemoryError):
            return Outcome(abandoned=True)
    return Prepared(subject, case.items, unit, values, expected)


def _translated(case: SiteCase) -> tuple[Unit, list[Packed]]:
    translation = case.translation()
    unit = optimise(translation.unit)
    values = zip(unit.functions[0].parameters[1:], translation.values, strict=True)
    return unit, [pack(parameter.type, value) for parameter, value in values]


def _entries(prepared: Sequence[Prepared]) -> list[Entry | Different]:
    """Machine code of each, or how the compiler fails."""
    quick = [each for each in prepared if not each.subject.thorough]
    try:
        made = iter(entries_of([each.unit for each in quick]) if quick else [])
    except RuntimeError:  # one of them is wrong: which one?
        return [_entry(each) for each in prepared]
    return [_entry(each) if each.subject.thorough else next(made) for each in prepared]


def _entry(prepared: Prepared) -> Entry | Different:
    try:
        return entry_of(prepared.unit, thorough=prepared.subject.thorough)
    except Exception as error:
        return _failing(error)


def _failing(error: Exception) -> Different:
    return Different(f"the compiler fails: {type(error).__name__}: {error}")


def _compared(prepared: Prepared, entry: Entry | Different) -> Outcome:
    """
    Raises:
        Different: a value is not CPython's, or there is no machine code.
    """
    if isinstance(entry, Different):
        raise entry
    unit = prepared.unit
    words = [word for each in prepared.values for word in each.words]
    columns = Columns.for_unit(unit, _CAPACITY) if unit.sink.fills_columns else None
    native = Native(unit, entry, words, columns)
    try:
        return compare(native, prepared.expected)
    except Different as different:
        raise _narrowed(prepared, native) or different from None


def _narrowed(prepared: Prepared, native: Native) -> Different | None:
    """The difference that the first item alone makes; None where no single one does."""
    for index, item in enumerate(prepared.items):
        run = native.run(index, index + 1)
        if run.status is Status.BAILED:
            continue
        try:
            _judge(native.unit, run, index, prepared.expected)
        except Different as different:
            return Different(f"item {item!r}: {different}")
    return None


# ------------------------------------------------------------------ running and comparing


def _original(case: SiteCase, item: object) -> list[Any] | Exception:
    try:
        return case.values(item)
    except MemoryError:
        raise
    except Exception as error:
        return error


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TooLong after so much processor time (only in a process's main thread).

    Meanwhile nobody looks for garbage: a callback of the collector would swallow the exception.
    """

    def end(number: int, frame: object) -> None:
        raise TooLong

    collects = gc.isenabled()
    gc.disable()
    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        if collects:
            gc.enable()


def compare(native: Native, expected: Expected) -> Outcome:
    """Run all items, going on behind each that bails.

    Raises:
        Different: a value is not CPython's.
    """
    outcome = Outcome(accepted=True)
    lo = 0
    while lo < len(expected):
        run = native.run(lo, len(expected))
        _judge(native.unit, run, lo, expected)
        outcome.items += run.next - lo
        lo = run.next
        if run.status is Status.BAILED:
            outcome.bailed += 1
            lo += 1
        elif run.status is Status.FULL and run.count == 0:
            raise Different(f"item {lo} emits more than {_CAPACITY} values")
    return outcome


def _judge(unit: Unit, run: Run, lo: int, expected: Expected) -> None:
    """Look at all that a run says."""
    wanted: list[Any] = []
    for index in range(lo, run.next):
        values = expected[index]
        if isinstance(values, Exception):
            raise Different(f"item {index} raises {values!r}, and native code does not bail")
        wanted += values
    got, wanted = _facts(unit, run, wanted)
    if len(got) != len(wanted):
        raise Different(f"items {lo} to {run.next} yield {wanted}, and natively {got}")
    for one, other in zip(got, wanted, strict=True):
        if not same(one, other):
            raise Different(f"items {lo} to {run.next} yield {other!r}, and natively {one!r}")


def _facts(unit: Unit, run: Run, wanted: list[Any]) -> tuple[list[Any], list[Any]]:
    """What the run says, and what it should say where these are the values."""
    match unit.sink:
        case Sink.TOTAL:
            return [run.total], [sum(wanted)]
        case Sink.COUNT:
            return [run.count], [len(wanted)]
        case Sink.LEAST | Sink.GREATEST:
            best_of = min if unit.sink is Sink.LEAST else max
            return [run.best], [best_of(wanted) if wanted else None]
        case Sink.ANY | Sink.ALL:
            decides = unit.sink is Sink.ANY
            return [run.status is Status.DECIDED], [decides in wanted]
        case Sink.ROWS:
            return list(rows(unit.emits, run)), wanted
        case _:
            return list(objects(unit.emits, run.columns)), wanted


def same(one: object, other: object) -> bool:
    """Whether two values are the same to a user: class and bits, but all NaNs are one."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, complex) and isinstance(other, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, float) and isinstance(other, float):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return one.hex() == other.hex()
    return bool(one == other)
