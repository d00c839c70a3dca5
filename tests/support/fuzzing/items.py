"""Runs the items of a program's site in CPython and as machine code, and compares."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from fuzzing.brisk import entries_of, entry_of
from fuzzing.comparison import (
    CAPACITY,
    Different,
    Expected,
    Native,
    Outcome,
    compare,
    narrowed,
)
from fuzzing.patience import TooLong, time_limit
from translating import SiteCase
from ufora_worker.native.ir.nodes import Unit
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.entry import Entry
from ufora_worker.native.optimise import optimise
from ufora_worker.native.refusal import Refused
from ufora_worker.native.translate.capture import Packed, pack

_T = TypeVar("_T")

#: Processor seconds that a program gets in CPython.
_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Subject:
    """A module whose last statement is a site, and the local variables that the site finds."""

    text: str
    scope: Mapping[str, object]
    #: Compiled as the product does it.
    thorough: bool = False
    #: Processor seconds that it gets in CPython.
    seconds: float = _SECONDS
    #: The sign of a NaN counts.
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A site that was translated, and what CPython makes of its items."""

    subject: Subject
    items: Sequence[object]
    unit: Unit
    values: Sequence[Packed]
    expected: Expected


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
    columns = Columns.for_unit(unit, CAPACITY) if unit.sink.fills_columns else None
    native = Native(unit, entry, words, columns, prepared.subject.signed)
    try:
        return compare(native, prepared.expected)
    except Different as different:
        raise narrowed(native, prepared.items, prepared.expected) or different from None


def _original(case: SiteCase, item: object) -> list[Any] | Exception:
    try:
        return case.values(item)
    except MemoryError:
        raise
    except Exception as error:
        return error
