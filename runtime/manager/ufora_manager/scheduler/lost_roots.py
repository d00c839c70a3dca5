"""What becomes of a root whose worker is lost: it runs again where that is certain to be right.

A root that has not begun may go anywhere. One of which the worker said that nobody could notice a
second run is run again. For all others nobody knows how far they got, so their jobs fail.
"""

from ufora_core.protocol.parts import Failure
from ufora_manager.scheduler.commands import Command
from ufora_manager.scheduler.state import Job, State
from ufora_manager.scheduler.transitions import FAILED, WAITING, Cause, move

#: How often a root is run again because its worker was lost. One that loses worker after worker is
#: likely what ends them, and would go on to end the whole cluster.
MOST_REPEATS = 3


def lose(state: State, job: Job, now: float, why: str) -> list[Command]:
    """The placed root of ``job`` is lost; ``why`` says how, as the beginning of a sentence."""
    if job.sent_at is None:
        return return_to_queue(state, job, now, f"{why}, before the block began")
    if not job.repeatable:
        return _fail(
            state,
            job,
            now,
            f"{why}, while it ran this block; how far it got is not known, so it was not run "
            "again. Look at that worker's log, and run the block again if it may run twice",
        )
    if job.repeats >= MOST_REPEATS:
        return _fail(
            state,
            job,
            now,
            f"{why}, while it ran this block, which was run again {job.repeats} times before; each "
            "time its worker was lost, so the block may be the cause. Look at the workers' logs, "
            "and at the memory that the block needs",
        )
    job.repeats += 1
    why = f"{why}; the block is repeatable and runs again (repeat {job.repeats})"
    return return_to_queue(state, job, now, why)


def return_to_queue(state: State, job: Job, now: float, why: str) -> list[Command]:
    """Have a placed job wait once more, before all jobs that came after it."""
    return move(state, job, WAITING, Cause(now, why))


def _fail(state: State, job: Job, now: float, sentence: str) -> list[Command]:
    failure = Failure("worker-died", sentence)
    return move(state, job, FAILED, Cause(now, sentence, failure=failure))
