"""When the journal is written: a moment after something changed, in a thread of its own.

A change waits ``BATCH_SECONDS`` for others, so that a block which begins and ends in that time
costs one row, and the round trip of a small block costs no wait for a disk. What may be lost with
the process is what it did in its last moments, and nobody relies on that:

* A job that came: its client submits it again when it is back. A worker that has its root by then
  says so, and the root is taken over instead of placed again (``scheduler.strays``).
* A root that left for its worker: the journal calls it waiting. Nothing is placed after the restart
  until the workers are back and have said what they run (``scheduler.restoring``). Only when that
  worker dies together with the manager, within the same moment, may a root run again that had
  begun.
* A root that ended: its worker repeats that until a heartbeat is answered, and heartbeats are
  answered when the journal has what came before them (``after_written``). Its client may know the
  result already, so objects that the journal does not name are kept for a while
  (``restart.keep_for_a_while``, ``scheduler.strays``).
* A client's word that it needs an object or a job no longer: the session ends at last, and with it
  what it kept.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ufora_manager.errors import JournalError
from ufora_manager.journal import Journal, remove
from ufora_manager.restart import Beginning
from ufora_manager.scheduler.records import Change, changes, everything

log = logging.getLogger(__name__)

#: Seconds that a change waits for others to be written with it.
BATCH_SECONDS = 0.02
#: Seconds between attempts to begin a new journal after one could not be written.
RETRY_SECONDS = 30.0


class Bookkeeper:
    """Keeps the journal up to date with the scheduler's state.

    A journal that cannot be written would, after a restart, tell of roots that ended long ago as if
    they were to be run. So it is removed at the first failure, and begun anew when the disk allows.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, beginning: Beginning, ahead: float) -> None:
        """``ahead`` is Unix time minus the loop's time."""
        self._loop = loop
        self._state = beginning.state
        self._path = beginning.path
        self._ahead = ahead
        #: None after a failure, until another can be begun.
        self._journal = beginning.journal
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[Journal] | None = None
        self._waiting: list[Callable[[], None]] = []
        #: How often a journal could not be written.
        self.failures = 0 if self._journal is not None else 1
        self._state.unsaved = {}

    @property
    def works(self) -> bool:
        """False from a failure to the next journal."""
        return self._journal is not None

    def changed(self) -> None:
        """Something may have changed: write it soon."""
        if self._state.unsaved and self._timer is None and self._writing is None:
            pause = BATCH_SECONDS if self._journal is not None else RETRY_SECONDS
            self._timer = self._loop.call_later(pause, self._flush)

    def after_written(self, callback: Callable[[], None]) -> None:
        """Call back once everything that has happened until now is in the journal; at once when
        it is, or when there is no journal to wait for."""
        nothing_new = not self._state.unsaved and self._writing is None
        if nothing_new or self._journal is None:
            callback()
            return
        self._waiting.append(callback)
        if self._writing is None:
            self._flush()

    async def close(self) -> None:
        """Write what is left."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
            await asyncio.sleep(0)  # for what follows from it
        if self._journal is not None and self._state.unsaved:
            self._flush()
            assert self._writing is not None
            await asyncio.wait([self._writing])
            await asyncio.sleep(0)
        if self._timer is not None:
            self._timer.cancel()
        self._thread.shutdown()
        if self._journal is not None:
            self._journal.close()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        journal = self._journal
        batch = changes(self._state) if journal is not None else everything(self._state)
        waiting, self._waiting = self._waiting, []
        work = self._loop.run_in_executor(self._thread, self._write, journal, batch)
        self._writing = work
        work.add_done_callback(lambda done: self._written(done, waiting))

    def _write(self, journal: Journal | None, batch: Sequence[Change]) -> Journal:
        """In the thread: write the batch; into a new journal when there is none."""
        if journal is None:
            try:
                remove(self._path)
            except OSError as error:
                raise JournalError(f"{self._path} cannot be removed: {error}") from None
            journal = Journal(self._path)
            write = partial(journal.renew, batch, self._ahead)
        else:
            write = partial(journal.write, batch)
        try:
            write()
        except BaseException:
            journal.close()
            raise
        return journal

    def _written(self, work: asyncio.Future[Journal], waiting: list[Callable[[], None]]) -> None:
        self._writing = None
        error = work.exception()
        if error is not None:
            self._lose_journal(error)
        elif self._journal is None:
            self._journal = work.result()
            log.info("the journal %s is written again", self._path)
        for callback in waiting:
            callback()
        if self._waiting:
            self._flush()
        else:
            self.changed()

    def _lose_journal(self, error: BaseException) -> None:
        self.failures += 1
        was_there, self._journal = self._journal is not None, None
        self._state.unsaved = {}
        advice = "the cluster goes on, but forgets its jobs if this manager ends"
        try:
            remove(self._path)
        except OSError as reason:
            advice += f"; remove {self._path} before the next start ({reason.strerror})"
        if was_there:
            log.error(
                "%s; %s. Free space in %s, or make it writable: a new journal is begun then",
                *(error, advice, self._path.parent),
            )
