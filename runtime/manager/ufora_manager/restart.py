"""What a manager knows when it starts: what the one before it wrote down, or nothing."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ufora_core.protocol.parts import Payload
from ufora_core.store import ObjectStore
from ufora_manager.errors import BrokenRecords, JournalError
from ufora_manager.journal import Journal, put_aside
from ufora_manager.scheduler import objects
from ufora_manager.scheduler.records import everything
from ufora_manager.scheduler.restoring import fresh, restored
from ufora_manager.scheduler.state import State

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first state of a manager, and the journal that goes on from there."""

    state: State
    path: Path
    #: None: it cannot be written (yet).
    journal: Journal | None


def begin(path: Path, now: float, ahead: float, hold: float) -> Beginning:
    """Go on where the journal at ``path`` ends; a journal that is of no use is put aside.

    ``now`` is the time on this manager's clock, ``ahead`` Unix time minus that. Without a journal
    no root is placed for ``hold`` seconds (see ``scheduler.restoring``).
    """
    journal = _opened(path)
    state = None
    if journal is not None and journal.found is not None:
        try:
            state = restored(journal.found.records, now, journal.found.ahead - ahead)
        except BrokenRecords as error:
            journal.close()
            journal = _anew(path, error)
        else:
            log.info(
                "the journal holds %d jobs, %d sessions and %d objects of an earlier manager",
                *(len(state.jobs), len(state.sessions), len(state.objects)),
            )
    if state is None:
        state = fresh(now, hold)
    if journal is not None:
        try:
            journal.renew(everything(state), ahead)
        except JournalError as error:
            journal.close()
            journal = None
            _complain(error)
    return Beginning(state, path, journal)


def keep_for_a_while(state: State, store: ObjectStore, now: float) -> None:
    """Announce the objects in ``store`` that ``state`` does not know, as if they had just come.

    An earlier manager may have told its clients of them in its last moments, which the journal has
    not heard of. Nobody needs the others, and they go in time.
    """
    left: list[Payload] = []
    for digest in [each for each in store.digests() if each not in state.objects]:
        with suppress(FileNotFoundError):  # a worker on this machine deletes it just now
            left.append(Payload(digest, store.path(digest).stat().st_size))
    objects.announce(state, left, now)
    if left:
        log.info(
            "an earlier manager left %d objects in %s that it has not written down; they are kept "
            "for %g s",
            *(len(left), store.directory, objects.ANNOUNCED_FOR),
        )


def _opened(path: Path) -> Journal | None:
    try:
        return Journal(path)
    except JournalError as error:
        return _anew(path, error)


def _anew(path: Path, reason: Exception) -> Journal | None:
    """A new journal in place of one that cannot be used for this reason."""
    aside = put_aside(path)
    if aside is None:
        _complain(reason)
        return None
    try:
        journal = Journal(path)
    except JournalError as error:
        _complain(error)
        return None
    log.error("%s; it was renamed to %s, and this manager starts without jobs", reason, aside.name)
    return journal


def _complain(reason: Exception) -> None:
    log.error("%s; jobs do not survive this manager until a journal can be written", reason)
