"""The journal's file, and when it is written."""

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest

from scheduling import Cluster, bulk
from ufora_core.store import ObjectStore
from ufora_manager.bookkeeping import Bookkeeper
from ufora_manager.errors import JournalError
from ufora_manager.journal import Journal, put_aside
from ufora_manager.restart import begin, keep_for_a_while
from ufora_manager.scheduler.commands import DeleteObjects
from ufora_manager.scheduler.events import Tick
from ufora_manager.scheduler.objects import ANNOUNCED_FOR
from ufora_manager.scheduler.records import Change, OrderRecord, everything
from ufora_manager.scheduler.restoring import restored
from ufora_manager.scheduler.scheduler import Scheduler
from ufora_manager.scheduler.state import Kind, RetireOrder, State

CHANGE = Change(Kind.ORDER, "w0", OrderRecord("w0", 1.0, True))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def busy_state() -> State:
    """A state with one of everything."""
    cluster = Cluster()
    cluster.connect()
    cluster.join("w0")
    cluster.submit("done")
    cluster.end("done", "w0", result=bulk("f"))
    cluster.submit("running", needs=(bulk("a"),))
    cluster.submit("waiting")
    cluster.announce(bulk("b"))
    cluster.scheduler.state.unsaved = {}
    return cluster.scheduler.state


def test_what_was_written_is_read_again(path: Path) -> None:
    changes = everything(busy_state())
    journal = Journal(path)
    journal.renew(changes, ahead=7.0)
    journal.close()
    again = Journal(path)
    again.close()
    assert again.found is not None
    assert again.found.ahead == 7.0
    assert {str(each) for each in again.found.records} == {str(each.record) for each in changes}


def test_what_was_erased_is_gone(path: Path) -> None:
    journal = Journal(path)
    journal.renew([CHANGE], ahead=0.0)
    journal.write([Change(Kind.ORDER, "w0", None)])
    journal.close()
    again = Journal(path)
    again.close()
    assert again.found is not None and again.found.records == []


def test_journal_that_was_never_begun_is_as_good_as_none(path: Path) -> None:
    Journal(path).close()
    again = Journal(path)
    again.close()
    assert again.found is None


def test_times_of_an_earlier_manager_are_told_by_the_clock_of_this_one(path: Path) -> None:
    before = busy_state()
    journal = Journal(path)
    journal.renew(everything(before), ahead=1000.0)
    journal.close()
    beginning = begin(path, now=5.0, ahead=1100.0, hold=3.0)
    assert beginning.journal is not None
    beginning.journal.close()
    jobs = beginning.state.jobs
    assert jobs["waiting"].submitted_at == before.jobs["waiting"].submitted_at - 100.0


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 99])
def test_file_that_is_no_journal_is_put_aside(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(content)
    beginning = begin(path, now=5.0, ahead=0.0, hold=3.0)
    assert beginning.journal is not None
    beginning.journal.close()
    (aside,) = path.parent.glob("journal.db.broken-*")
    assert aside.read_bytes() == content
    assert aside.name in caplog.text
    assert beginning.state.jobs == {}


def test_database_of_another_program_is_put_aside(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    with pytest.raises(JournalError, match="of another program"):
        Journal(path)
    assert put_aside(path) is not None
    assert not path.exists()


def test_records_that_contradict_each_other_are_put_aside(path: Path) -> None:
    journal = Journal(path)
    changes = [each for each in everything(busy_state()) if each.kind is not Kind.SESSION]
    journal.renew(changes, ahead=0.0)
    journal.close()
    beginning = begin(path, now=5.0, ahead=0.0, hold=3.0)
    assert beginning.journal is not None
    beginning.journal.close()
    assert len(list(path.parent.glob("journal.db.broken-*"))) == 1


def test_objects_that_were_not_written_down_are_kept_for_a_while(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    kept = store.put(b"x" * 1000)
    state = State()
    keep_for_a_while(state, store, now=5.0)
    assert state.objects[kept.digest].size == 1000
    scheduler = Scheduler(state)
    assert scheduler.handle(Tick(ANNOUNCED_FOR)) == []
    assert scheduler.handle(Tick(ANNOUNCED_FOR + 6.0)) == [DeleteObjects((kept.digest,))]


def test_no_batch_is_written_in_part(path: Path) -> None:
    journal = Journal(path)
    journal.renew([], ahead=0.0)
    with pytest.raises(JournalError):
        journal.write([CHANGE, Change(Kind.ORDER, None, CHANGE.record)])  # type: ignore[arg-type]
    journal.close()
    again = Journal(path)
    again.close()
    assert again.found is not None and again.found.records == []


async def test_books_are_written_before_a_heartbeat_is_answered(path: Path) -> None:
    beginning = begin(path, now=5.0, ahead=0.0, hold=0.0)
    books = Bookkeeper(asyncio.get_running_loop(), beginning, ahead=0.0)
    state = beginning.state
    written = asyncio.Event()
    books.after_written(written.set)
    assert written.is_set(), "there is nothing to wait for"
    written.clear()
    state.orders["w0"] = _order()
    state.note(Kind.ORDER, "w0")
    books.changed()
    books.after_written(written.set)
    assert not written.is_set()
    await written.wait()
    assert _names_in(path) == ["w0"]
    await books.close()


async def test_books_are_written_at_the_end(path: Path) -> None:
    beginning = begin(path, now=5.0, ahead=0.0, hold=0.0)
    books = Bookkeeper(asyncio.get_running_loop(), beginning, ahead=0.0)
    beginning.state.orders["w1"] = _order()
    beginning.state.note(Kind.ORDER, "w1")
    books.changed()
    await books.close()
    assert _names_in(path) == ["w1"]


async def test_full_disk_is_said_once_and_the_journal_is_begun_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr("ufora_manager.bookkeeping.RETRY_SECONDS", 0.0)
    caplog.set_level(logging.INFO)
    beginning = begin(path, now=5.0, ahead=0.0, hold=0.0)
    books = Bookkeeper(asyncio.get_running_loop(), beginning, ahead=0.0)
    with monkeypatch.context() as broken:
        broken.setattr(Journal, "write", full)
        broken.setattr(Journal, "renew", full)
        for number in range(3):
            beginning.state.orders[f"w{number}"] = _order()
            beginning.state.note(Kind.ORDER, f"w{number}")
            books.changed()
            while books.failures <= number:
                await asyncio.sleep(0)
        assert not books.works
        assert not path.exists(), "it would tell of what is no longer so"
    beginning.state.note(Kind.ORDER, "w0")
    books.changed()
    while not books.works:
        await asyncio.sleep(0)
    assert _names_in(path) == ["w0", "w1", "w2"]
    assert caplog.text.count("the disk is full") == 1
    assert "is written again" in caplog.text
    await books.close()


def test_state_after_a_restart_is_the_state_before() -> None:
    before = busy_state()
    after = restored([x.record for x in everything(before) if x.record], now=200.0)
    for job in before.jobs.values():
        job.asked_on = 0  # its client has a new link, and asks again
    assert after.jobs == before.jobs
    assert list(after.waiting) == list(before.waiting)
    assert after.ended == before.ended
    assert after.objects == before.objects
    assert after.missing.keys() == before.workers.keys()


def _order() -> RetireOrder:
    return RetireOrder(1.0, True)


def _names_in(path: Path) -> list[str]:
    database = sqlite3.connect(path)
    names = [name for (name,) in database.execute("SELECT key FROM records ORDER BY key")]
    database.close()
    return names
