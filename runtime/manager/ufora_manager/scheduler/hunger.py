"""Telling hungry workers where there is work; the stealing itself is between workers."""

from ufora_core.protocol.worker import WorkAt
from ufora_manager.scheduler.commands import Command, TellWorker, WakeAt
from ufora_manager.scheduler.state import State, Worker

#: A root younger than this many seconds is not worth stealing from. Most small blocks end before,
#: and then no worker is bothered on their account.
WORTH_STEALING_AFTER = 0.02
#: Added to a wake-up, so that rounding does not bring it an instant too early.
_MARGIN = 0.001


def tell_hungry(state: State, now: float) -> list[Command]:
    """Tell each hungry worker who has work, where that is not what it knows already."""
    hungry = [
        worker
        for worker in state.workers.values()
        if worker.hungry > 0 and worker.retirement is None
    ]
    if not hungry:
        return []
    ages = _oldest_roots(state, now)
    sources = [name for name, age in ages.items() if age >= WORTH_STEALING_AFTER]
    ranked = sorted(sources, key=lambda name: (state.workers[name].hungry, name))
    commands: list[Command] = []
    for worker in hungry:
        others = tuple(name for name in ranked if name != worker.name)
        if worker.told is None or sorted(worker.told) != sorted(others):
            worker.told = others
            addresses = tuple(state.workers[name].address for name in others)
            commands.append(TellWorker(worker.name, WorkAt(workers=addresses)))
    return commands + _wake_for_young(state, ages, now)


def become_hungry(worker: Worker, slots: int) -> None:
    """Note how many executors have nothing to do; one that asks is always answered."""
    worker.hungry = slots
    worker.told = None


def _oldest_roots(state: State, now: float) -> dict[str, float]:
    """Age of the oldest root of each worker that has one, in seconds."""
    ages = {}
    for worker in state.workers.values():
        oldest = next(state.roots(worker), None)
        if oldest is not None:
            ages[worker.name] = now - oldest.placed_at
    return ages


def _wake_for_young(state: State, ages: dict[str, float], now: float) -> list[Command]:
    """Ask to be woken when the next root becomes worth stealing from."""
    young = [age for age in ages.values() if age < WORTH_STEALING_AFTER]
    if not young or state.wake_at > now:
        return []
    state.wake_at = now + WORTH_STEALING_AFTER - max(young) + _MARGIN
    return [WakeAt(state.wake_at)]
