"""What a campaign keeps account of: differences do not end it, and crashes lose next to nothing."""

from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from fuzzing import brisk, items
from fuzzing.blocks import pointing_at
from fuzzing.campaign import Share
from fuzzing.comparison import Different, Outcome
from fuzzing.items import Subject
from fuzzing.parts import Part
from fuzzing.tally import Note, Tally
from fuzzing.worker import Worker
from ufora_worker.native.ir.nodes import Unit
from ufora_worker.native.llvm.entry import Entry


class EverySeventh(Part):
    """A part in which every seventh number shows a difference."""

    batch = 4

    def look(self, numbers: Sequence[int]) -> list[Outcome | Different]:
        return [self._look(number) for number in numbers]

    def _look(self, number: int) -> Outcome | Different:
        return Different("seven") if number % 7 == 0 else Outcome(accepted=True, items=2)

    def shrunk(self, number: int) -> str:
        return f"{number}, but smaller"


def test_a_worker_goes_on_behind_a_difference(tmp_path: Path) -> None:
    note = tmp_path / "note"
    worker = Worker("seven", EverySeventh(), note)
    worker.look([range(1, 5), range(5, 9), range(9, 13), range(13, 16)], 1e9)
    tally = worker.tally
    assert (tally.numbers, tally.accepted, tally.items) == (15, 13, 26)
    assert tally.different == [7, 14]
    assert "7, but smaller" in tally.failures[0]
    assert Note.read(note) == Note(0, 0, tally)


class Crashing(Share):
    """A share whose first process dies at its second batch."""

    def process(self, first: int, note: Path) -> tuple[int, str]:
        """Five numbers were looked at, or one."""
        if first == self.first:
            Note(48, 64, Tally(numbers=5, accepted=4)).write(note)
            return -11, "no more"
        Note(0, 0, Tally(numbers=1, accepted=1)).write(note)
        assert first == 80
        return 0, ""


def test_another_process_goes_on_behind_a_crash(tmp_path: Path) -> None:
    tally = Crashing("programs", 16, 1000, 2, 0.0).run(tmp_path / "note")
    assert (tally.numbers, tally.accepted) == (7, 5)
    assert tally.different == [48]
    assert tally.failures == ["programs 48 to 63: the process ended with -11:\nno more"]


def test_a_unit_that_llvm_does_not_accept_is_told_apart_from_the_others_of_its_batch() -> None:
    def entries_of(units: Sequence[Unit]) -> list[Entry]:
        raise RuntimeError("one of them")

    def entry_of(unit: Unit, *, thorough: bool) -> Entry:
        if unit.functions[0].parameters[1:]:
            raise RuntimeError("this one")
        return brisk.entry_of(unit, thorough=thorough)

    subjects = [Subject(f"[{text} for x in range(3)]\n", {"n": 5}) for text in ("x", "x + n", "-x")]
    with patch.object(items, "entries_of", entries_of), patch.object(items, "entry_of", entry_of):
        first, second, third = items.check_all(subjects)
    assert first == third == Outcome(accepted=True, items=3)
    assert str(second) == "the compiler fails: RuntimeError: this one"


def test_a_traceback_may_point_at_the_whole_call_around_a_list_and_nowhere_else() -> None:
    def form(first: int, last: int) -> dict[str, str]:
        return {"raised at[1][3]": f"int {first:#x}", "raised at[1][4]": f"int {last:#x}", "n": "3"}

    here = form(13, 40)
    assert pointing_at(here, form(9, 41)) == here
    for elsewhere in (form(9, 30), form(14, 39), form(13, 41)):
        assert pointing_at(here, elsewhere) == elsewhere
