"""The journal: what a manager must not forget, in one SQLite file of its data folder.

Each record of the scheduler's state is one row. A batch of changes is one transaction, so the file
always holds a state that the scheduler was in. It is written ahead (WAL) without waiting for the
disk: the death of the process loses nothing that was written, that of the machine at most the
last moments, never the file.
"""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ufora_manager.errors import JournalError
from ufora_manager.scheduler.records import RECORDS, Change, Record

#: Says in the file's header that it is a journal of this program, and of which layout.
_APPLICATION, _LAYOUT = 0x55464F52, 1
#: Seconds to wait for another process that reads the file (a backup, a curious person).
_BUSY = 5.0

_SCHEMA = """
CREATE TABLE records (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
                      PRIMARY KEY (kind, key));
CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), ahead REAL NOT NULL);
"""
_PUT = "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_SET_CLOCK = "INSERT INTO clock VALUES (1, ?) ON CONFLICT DO UPDATE SET ahead = excluded.ahead"
_ERASE = "DELETE FROM records WHERE kind = ? AND key = ?"

_encoder = msgspec.msgpack.Encoder()
_decoders = {kind.value: msgspec.msgpack.Decoder(type_) for kind, type_ in RECORDS.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """What an earlier manager left."""

    records: list[Record]
    #: Unix time minus the time on that manager's own clock, which all its records use.
    ahead: float


class Journal:
    """One open journal. Calls may come from any thread, one at a time."""

    def __init__(self, path: Path) -> None:
        """Open the journal, or make a new one; ``found`` says what is in it. ``renew`` comes next.

        Raises:
            JournalError: it cannot be opened, or is none.
        """
        self.path = path
        self.found: Found | None = None
        try:
            self._database = sqlite3.connect(
                path, timeout=_BUSY, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._failed("opened", error) from None
        try:
            self._open()
        except (sqlite3.Error, msgspec.DecodeError, KeyError) as error:
            self._database.close()
            raise self._failed("read", error) from None
        except BaseException:
            self._database.close()
            raise

    def renew(self, everything: Sequence[Change], ahead: float) -> None:
        """Replace all that is in the file; JournalError when it fails, and nothing has changed.

        ``ahead`` is Unix time minus the time on this manager's clock.
        """
        self._transact(everything, (("DELETE FROM records", ()), (_SET_CLOCK, (ahead,))))

    def write(self, changes: Sequence[Change]) -> None:
        """Put a batch of changes into the file, all of them or none; JournalError when it fails."""
        self._transact(changes)

    def close(self) -> None:
        """Close the file, with all that was written inside it."""
        with suppress(sqlite3.Error):
            self._database.close()

    def _transact(
        self, changes: Sequence[Change], first: Sequence[tuple[str, tuple[float, ...]]] = ()
    ) -> None:
        put = [
            (each.kind.value, each.key, _encoder.encode(each.record))
            for each in changes
            if each.record is not None
        ]
        erased = [(each.kind.value, each.key) for each in changes if each.record is None]
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for statement, values in first:
                self._database.execute(statement, values)
            self._database.executemany(_PUT, put)
            self._database.executemany(_ERASE, erased)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise self._failed("written", error) from None

    def _open(self) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables == 0:
            self._database.executescript(
                f"BEGIN; PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_LAYOUT};"
                f"{_SCHEMA} COMMIT;"
            )
            return
        (application,) = self._database.execute("PRAGMA application_id").fetchone()
        (layout,) = self._database.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION:
            raise JournalError(f"{self.path} is a database of another program")
        if layout != _LAYOUT:
            raise JournalError(f"{self.path} has layout {layout}; this manager reads {_LAYOUT}")
        self.found = self._read()

    def _read(self) -> Found | None:
        row = self._database.execute("SELECT ahead FROM clock").fetchone()
        if row is None:
            return None  # its manager ended before it had written anything
        rows = self._database.execute("SELECT kind, value FROM records ORDER BY rowid")
        return Found([_decoders[kind].decode(value) for kind, value in rows], row[0])

    def _failed(self, what: str, error: Exception) -> JournalError:
        return JournalError(f"the journal {self.path} cannot be {what}: {error}")


def put_aside(path: Path) -> Path | None:
    """Rename a journal that cannot be used, for whoever wants to look at it; its new name, or None
    when even that is impossible."""
    name = f"{path.name}.broken-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
    try:
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(path.with_name(name + suffix))
    except OSError:
        return None
    return path.with_name(name)


def remove(path: Path) -> None:
    """Delete a journal that does not hold the truth any more; OSError when that fails."""
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
