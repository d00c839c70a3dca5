"""What an executor's messages, and its end, do to the books."""

from msgspec.structs import replace

from ufora_core.protocol.executor import (
    FromExecutor,
    Judged,
    LoopClosed,
    Offer,
    Printed,
    RangeBegun,
    RangeDone,
    RangeStopped,
    Ready,
    RootEnded,
    Waiting,
)
from ufora_core.protocol.parts import Failure
from ufora_core.protocol.worker import Piece, Range, RootDone, RootOutput, RootStarted
from ufora_worker.errors import RefusedEvent
from ufora_worker.state.commands import GiveUp, TellManager
from ufora_worker.state.events import ExecutorEnded
from ufora_worker.state.executor_table import MAY_SEND, ExecutorRecord, Run, Status, Wait
from ufora_worker.state.leases import Home, Lease, Queued
from ufora_worker.state.ledger import MOST_STRIKES, Ledger
from ufora_worker.state.orders import cancelled

#: Seconds before an executor that ended is started again: the first time at once, then longer.
RESTART_SECONDS = 0.25
MOST_RESTART_SECONDS = 5.0
#: Ends in a row before ``Ready`` after which the worker gives up: something is wrong with it.
MOST_FAILED_STARTS = 6


def apply(ledger: Ledger, index: int, message: FromExecutor) -> None:
    """Take a message of executor ``index``.

    Raises:
        RefusedEvent: an executor in this state does not send that.
    """
    executor = ledger.executors[index]
    if executor.status not in MAY_SEND[type(message)]:
        raise RefusedEvent(f"executor {index} is {executor.status.value} and sent {message}")
    match message:
        case Ready():
            executor.failed_starts = 0
            ledger.free(executor)
        case Offer(range=range, number=number):
            _offer(ledger, executor, range, number)
        case RangeDone(job=job, loop=loop, piece=piece):
            _range_done(ledger, executor, job, loop, piece)
        case RangeBegun():
            _range_begun(ledger, executor, message)
        case RangeStopped():
            _range_stopped(ledger, executor, message)
        case Judged(job=job, repeatable=repeatable):
            _judged(ledger, executor, job, repeatable)
        case Waiting() | LoopClosed():
            _apply_owner(ledger, executor, message)
        case Printed() | RootEnded():
            _apply_root(ledger, executor, message)


def _apply_owner(ledger: Ledger, executor: ExecutorRecord, message: Waiting | LoopClosed) -> None:
    if executor.job != message.job:
        raise RefusedEvent(
            f"executor {executor.index} works for job {executor.job} and sent {message}"
        )
    match message:
        case Waiting(loop=loop):
            _wait(ledger, executor, loop)
        case LoopClosed():
            _close_loop(ledger, executor, message)


def _apply_root(ledger: Ledger, executor: ExecutorRecord, message: Printed | RootEnded) -> None:
    if executor.root != message.job:
        raise RefusedEvent(
            f"executor {executor.index} runs the root of job {executor.root} and sent {message}"
        )
    match message:
        case Printed(job=job, stream=stream, text=text):
            output = RootOutput(job=job, stream=stream, text=text, at=executor.printed)
            executor.printed += len(text)
            ledger.commands.append(TellManager(output))
        case RootEnded():
            _root_ended(ledger, executor, message)


def _judged(ledger: Ledger, executor: ExecutorRecord, job: str, repeatable: bool) -> None:
    root = ledger.roots.get(job)
    if root is None or root.executor != executor.index or root.repeatable is not None:
        raise RefusedEvent(f"executor {executor.index} was not asked about job {job}")
    root.repeatable = repeatable
    ledger.commands.append(TellManager(RootStarted(job=job, repeatable=repeatable)))


def _wait(ledger: Ledger, executor: ExecutorRecord, loop: int) -> None:
    if executor.status is Status.STOPPING:
        return
    if executor.status is Status.WAITING:
        raise RefusedEvent(f"executor {executor.index} waits already and sent Waiting({loop})")
    executor.frames.append(Wait(loop))
    ledger.move(executor, Status.WAITING)


# ------------------------------------------------------------------ ranges given away


def _offer(ledger: Ledger, executor: ExecutorRecord, range: Range, number: int | None) -> None:
    if not 0 <= range.lo < range.hi:
        raise RefusedEvent(f"executor {executor.index} offered items [{range.lo}, {range.hi})")
    if executor.status is Status.STOPPING:
        return  # part of what nobody needs any more
    source = executor.source_of(range, number)
    if source is not None:
        lease = None if source.lease is None else ledger.leases.get(source.lease)
        if lease is not None:
            _split(ledger, lease, range)
    elif number is None and executor.job == range.job:
        ledger.leases.add(range, Home(executor.index), Queued())
    else:
        raise RefusedEvent(f"executor {executor.index} offered what it does not run: {range}")


def _leases_of(ledger: Ledger, executor: ExecutorRecord) -> list[Lease]:
    """What the executor runs, outermost first."""
    found = map(ledger.leases.get, executor.leases)
    return [lease for lease in found if lease is not None]


def _split(ledger: Ledger, lease: Lease, back: Range) -> None:
    front = lease.range
    if not (front.lo <= back.lo and back.hi == front.hi):
        raise RefusedEvent(
            f"[{back.lo}, {back.hi}) is not the back of lease {lease.id}, [{front.lo}, {front.hi})"
        )
    lease.range = replace(front, hi=back.lo)
    if lease.beyond is None or back.lo < lease.beyond:
        hi = back.hi if lease.beyond is None else min(back.hi, lease.beyond)
        part = replace(back, hi=hi)
        ledger.leases.part(lease, part, Queued())


def _close_loop(ledger: Ledger, executor: ExecutorRecord, message: LoopClosed) -> None:
    ledger.close(message.job, message.loop, message.beyond)
    over = message.beyond == 0  # else the owner goes on waiting for what comes before
    if over and executor.status is not Status.STOPPING:
        _stop_waiting(ledger, executor, Wait(message.loop))


def _stop_waiting(ledger: Ledger, executor: ExecutorRecord, wait: Wait) -> None:
    """The executor waits for this loop no more; what it was given to run meanwhile it has not
    begun, for it would have answered that first."""
    frames = executor.frames
    if frames[-2:-1] == [wait]:
        run = frames.pop()
        assert isinstance(run, Run)
        executor.unanswered.append(run)
        lease = None if run.lease is None else ledger.leases.get(run.lease)
        if lease is not None:
            ledger.requeue(lease, [(lease.range.lo, lease.range.hi)])
    if frames[-1:] == [wait]:
        frames.pop()
        ledger.go_on(executor)


# ------------------------------------------------------------------ ranges run


def _range_done(
    ledger: Ledger, executor: ExecutorRecord, job: str, loop: int, piece: Piece
) -> None:
    if executor.status is Status.STOPPING:
        _answered(ledger, executor, job, loop, None)
        return
    run = executor.top
    if run is None or not run.of(job, loop) or piece.lo != run.range.lo:
        raise RefusedEvent(
            f"executor {executor.index} reports items [{piece.lo}, {piece.hi}) of loop {loop} of "
            f"job {job}, which it does not run"
        )
    lease = None if run.lease is None else ledger.leases.get(run.lease)
    if lease is not None and not _fits(piece, lease.range):
        raise RefusedEvent(
            f"executor {executor.index} reports items [{piece.lo}, {piece.hi}) of "
            f"[{lease.range.lo}, {lease.range.hi})"
        )
    executor.frames.pop()
    if lease is not None:
        ledger.leases.remove(lease)
        ledger.deliver(lease.range, lease.origin, piece)
    ledger.go_on(executor)


def _range_begun(ledger: Ledger, executor: ExecutorRecord, message: RangeBegun) -> None:
    if executor.status is Status.STOPPING:
        return  # part of what nobody needs any more
    run, piece = executor.top, message.piece
    if run is None or not run.of(message.job, message.loop):
        raise RefusedEvent(
            f"executor {executor.index} reports items [{piece.lo}, {piece.hi}) of loop "
            f"{message.loop} of job {message.job}, which it does not run"
        )
    lease = None if run.lease is None else ledger.leases.get(run.lease)
    range = run.range if lease is None else lease.range
    if piece.lo != range.lo or not range.lo < piece.hi < range.hi:
        raise RefusedEvent(f"[{piece.lo}, {piece.hi}) is not the front of [{range.lo}, {range.hi})")
    run.range = replace(run.range, lo=piece.hi)
    if lease is not None:
        lease.range = replace(range, lo=piece.hi)
        ledger.deliver(range, lease.origin, piece)


def _fits(piece: Piece, range: Range) -> bool:
    whole = piece.hi == range.hi or piece.failed or piece.decides
    return whole and piece.lo == range.lo <= piece.hi <= range.hi


def _range_stopped(ledger: Ledger, executor: ExecutorRecord, message: RangeStopped) -> None:
    job, loop = message.job, message.loop
    if executor.status is Status.STOPPING:
        _answered(ledger, executor, job, loop, message.number)
        return
    if executor.answer(job, loop, message.number):
        return
    run = executor.top
    if run is None or not run.of(job, loop):
        raise RefusedEvent(
            f"executor {executor.index} stopped a range of loop {loop} of job {job}, which it does "
            "not run"
        )
    executor.frames.pop()
    lease = None if run.lease is None else ledger.leases.get(run.lease)
    if lease is not None and message.failure is not None:
        ledger.lose(lease, message.failure)
    elif lease is not None:
        ledger.requeue(lease, [(lease.range.lo, lease.range.hi)])
    ledger.go_on(executor)


def _answered(
    ledger: Ledger, executor: ExecutorRecord, job: str, loop: int, number: int | None
) -> None:
    """An executor that stops answers each of its ranges."""
    if not executor.answer(job, loop, number):
        run = next((x for x in reversed(executor.runs) if x.of(job, loop)), None)
        if run is None:
            raise RefusedEvent(
                f"executor {executor.index} answered for loop {loop} of job {job}, of which it "
                "had no range"
            )
        executor.frames.remove(run)
    if executor.root is None and not executor.runs and not executor.unanswered:
        ledger.free(executor)


# ------------------------------------------------------------------ ends


def _root_ended(ledger: Ledger, executor: ExecutorRecord, message: RootEnded) -> None:
    job = message.job
    done = RootDone(
        job=job,
        result=message.result,
        objects=message.objects,
        failure=message.failure,
        use=message.use,
    )
    ledger.end_root(job, cancelled(job) if ledger.roots[job].cancelled else done)
    ledger.free(executor)


def ended(ledger: Ledger, event: ExecutorEnded) -> None:
    """An executor's process is gone: its block fails, its range is run again.

    Raises:
        RefusedEvent: it was gone already.
    """
    executor = ledger.executors[event.executor]
    starting = executor.status is Status.STARTING
    ledger.move(executor, Status.DEAD)
    running = _leases_of(ledger, executor)
    innermost = None if executor.top is None else executor.top.lease
    executor.frames.clear()
    if executor.root is not None:
        _root_died(ledger, executor.root, event)
    ledger.cut(ledger.leases.of_origin(Home(executor.index)), 0)
    for lease in running:
        if ledger.leases.get(lease.id) is not None:
            _range_died(ledger, lease, event, guilty=lease.id == innermost)
    executor.deadline = None
    executor.unanswered.clear()
    executor.failed_starts += starting
    if executor.failed_starts >= MOST_FAILED_STARTS:
        ledger.commands.append(
            GiveUp(f"executor {executor.index} cannot be started: it {event.story}; see the log")
        )
    wait = RESTART_SECONDS * 2**executor.failed_starts if starting else 0.0
    executor.restart_at = ledger.now + min(wait, MOST_RESTART_SECONDS)


def _sentence(ledger: Ledger, event: ExecutorEnded, doing: str) -> str:
    return (
        f"Executor {event.executor} of worker {ledger.address.name} {event.story} while it ran "
        f"{doing}. The cluster goes on; other jobs are not affected."
    )


def _root_died(ledger: Ledger, job: str, event: ExecutorEnded) -> None:
    done = RootDone(job=job, failure=Failure(event.reason, _sentence(ledger, event, "the block")))
    if ledger.roots[job].cancelled:
        done = cancelled(job)
    ledger.end_root(job, done)


def _range_died(ledger: Ledger, lease: Lease, event: ExecutorEnded, *, guilty: bool) -> None:
    """``guilty`` is what ran just then, not what waited for it."""
    lease.strikes += guilty
    lease.holder = Queued()
    if lease.strikes >= MOST_STRIKES:
        items = f"items {lease.range.lo} to {lease.range.hi - 1} of a loop"
        sentence = _sentence(ledger, event, items)
        ledger.lose(lease, Failure(event.reason, f"{sentence} So did {MOST_STRIKES - 1} before."))
