"""Which objects of the store are needed, by whom, and when they can go.

An object lives while a job that has not ended needs it, or a session that sent or received it has
not released it, or (``ANNOUNCED_FOR``) it has just been sent and its job is on the way. Payloads
that carry their bytes are no objects of the store and are not counted.
"""

from collections.abc import Iterable

from ufora_core.protocol.parts import Payload
from ufora_core.protocol.worker import ForgetObjects
from ufora_manager.scheduler.commands import Command, DeleteObjects, TellWorker
from ufora_manager.scheduler.state import Job, Kind, State, StoredObject, Worker

#: Seconds that an object waits for the job that it was sent for.
ANNOUNCED_FOR = 600.0


def bulk(payloads: Iterable[Payload | None]) -> list[Payload]:
    """Those that are kept in the store instead of inside the message."""
    return [each for each in payloads if each is not None and each.data is None]


def announce(state: State, payloads: Iterable[Payload], now: float) -> None:
    """Keep these objects for a while: somebody is about to submit a job with them."""
    for payload in bulk(payloads):
        entry = _entry(state, payload)
        entry.kept_until = now + ANNOUNCED_FOR
        entry.stored = True
        state.announced.pop(payload.digest, None)
        state.announced[payload.digest] = None
        _changed(state, entry)


def announce_made(
    state: State, worker: Worker, payloads: Iterable[Payload | None], now: float
) -> None:
    """``worker`` made these for a job that nobody has submitted to this manager: keep them for a
    while, since a client may know them from the manager before."""
    for payload in bulk(payloads):
        entry = _entry(state, payload)
        entry.workers[worker.name] = None
        worker.made[payload.digest] = None
        entry.kept_until = now + ANNOUNCED_FOR
        state.announced.pop(payload.digest, None)
        state.announced[payload.digest] = None
        _changed(state, entry)


def need(state: State, job: Job) -> None:
    """A new job needs its program and its inputs; its session has sent them."""
    for payload in bulk((job.program, *job.needs)):
        entry = _entry(state, payload)
        # Who names an object that nobody made here has sent it before.
        entry.stored = entry.stored or not entry.workers
        entry.jobs[job.id] = None
        entry.sessions[job.session] = None
        entry.kept_until = 0.0
        state.announced.pop(payload.digest, None)
        state.sessions[job.session].objects[payload.digest] = None
        _changed(state, entry)


def receive(state: State, job: Job) -> None:
    """An ended job's objects are at its worker, and its session may ask for them."""
    if job.answer is None:
        return
    for payload in bulk((job.answer.result, *job.answer.objects)):
        entry = _entry(state, payload)
        entry.sessions[job.session] = None
        entry.workers[job.worker] = None
        state.host(job.worker).made[payload.digest] = None
        state.sessions[job.session].objects[payload.digest] = None
        _changed(state, entry)


def stop_needing(state: State, job: Job, now: float) -> list[Command]:
    """An ended job needs nothing any more."""
    payloads = bulk((job.program, *job.needs))
    for payload in payloads:
        state.objects[payload.digest].jobs.pop(job.id, None)
    return _collect(state, (payload.digest for payload in payloads), now)


def release(state: State, session: str, digests: Iterable[str], now: float) -> list[Command]:
    """A session has no more use for these objects; those it never had are passed over."""
    held = state.sessions[session].objects
    released = [digest for digest in dict.fromkeys(digests) if digest in held]
    for digest in released:
        del held[digest]
        del state.objects[digest].sessions[session]
        _changed(state, state.objects[digest])
    return _collect(state, released, now)


def expire(state: State, now: float) -> list[Command]:
    """Stop waiting for jobs that never came."""
    late: list[str] = []
    for digest in state.announced:
        if state.objects[digest].kept_until > now:
            break
        late.append(digest)
    for digest in late:
        del state.announced[digest]
        state.objects[digest].kept_until = 0.0
        _changed(state, state.objects[digest])
    return _collect(state, late, now)


def forget_worker(state: State, worker: Worker) -> None:
    """A worker is gone, and with it whatever only it had."""
    for digest in worker.made:
        entry = state.objects[digest]
        del entry.workers[worker.name]
        _changed(state, entry)


def store(state: State, digests: Iterable[str]) -> list[Command]:
    """These objects came into the manager's store; those that nobody needs any more go again."""
    unneeded: list[str] = []
    for digest in digests:
        entry = state.objects.get(digest)
        if entry is None:
            unneeded.append(digest)
        else:
            entry.stored = True
            state.note(Kind.OBJECT, digest)
            for name in entry.workers:
                _no_longer_alone(state.host(name), digest)
    return [DeleteObjects(tuple(unneeded))] if unneeded else []


def disown(state: State, worker: Worker, digest: str) -> None:
    """The worker says that it does not have this object, whoever made it."""
    if worker.made.pop(digest, digest) is None:
        entry = state.objects[digest]
        del entry.workers[worker.name]
        _changed(state, entry)
        recount(worker)


def held_alone(state: State, worker: Worker) -> dict[str, int]:
    """Objects that are lost when ``worker`` and all others that retire are gone: their bytes."""
    return {
        digest: state.objects[digest].size
        for digest in worker.made
        if not state.objects[digest].stored
        and not any(_stays(state, other) for other in state.objects[digest].workers)
    }


def recount(worker: Worker) -> None:
    """What a retiring worker holds alone may have changed."""
    if worker.retirement is not None:
        worker.retirement.left = None


def unwanted(state: State, payloads: Iterable[Payload | None]) -> tuple[str, ...]:
    """Digests of those objects that nobody has a use for (a cancelled job's late result)."""
    return tuple(each.digest for each in bulk(payloads) if each.digest not in state.objects)


def _entry(state: State, payload: Payload) -> StoredObject:
    entry = state.objects.get(payload.digest)
    if entry is None:
        entry = state.objects[payload.digest] = StoredObject(payload.digest, payload.size)
    return entry


def _no_longer_alone(worker: Worker, digest: str) -> None:
    if worker.retirement is not None and worker.retirement.left is not None:
        worker.retirement.left.pop(digest, None)


def _stays(state: State, name: str) -> bool:
    worker = state.workers.get(name)
    return worker is not None and worker.retirement is None


def _changed(state: State, entry: StoredObject) -> None:
    state.note(Kind.OBJECT, entry.digest)
    for name in entry.workers:
        recount(state.host(name))


def _collect(state: State, digests: Iterable[str], now: float) -> list[Command]:
    gone: dict[str, None] = {}
    for digest in digests:
        entry = state.objects.get(digest)
        if entry is None or entry.jobs or entry.sessions or entry.kept_until > now:
            continue
        _changed(state, entry)
        for name in entry.workers:
            del state.host(name).made[digest]
        del state.objects[digest]
        state.announced.pop(digest, None)
        gone[digest] = None
    if not gone:
        return []
    # Thieves fetch objects from each other, so any worker may have a copy.
    forget = ForgetObjects(digests=tuple(gone))
    told: list[Command] = [TellWorker(worker, forget) for worker in state.workers]
    return [DeleteObjects(tuple(gone)), *told]
