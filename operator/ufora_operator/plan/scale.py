"""How many workers there are to be: up at once, down only as far as they are empty."""

from dataclasses import dataclass, replace

from ufora_operator.plan.departure import Departure, Standing, departure
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.situation import Situation
from ufora_operator.plan.types import Blocked, Notice

#: Workers that an Event names, since its text is short.
NAMED = 8


@dataclass(frozen=True, slots=True)
class Scaling:
    """A decision on the number of workers."""

    replicas: int
    retire: tuple[str, ...] = ()
    unretire: tuple[str, ...] = ()
    blocked: Blocked | None = None
    forced: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def scale(situation: Situation, wanted: int, rolled: frozenset[str]) -> Scaling:
    """Bring the number of workers to ``wanted``; the orders of ``rolled`` are not taken back.

    ``rolled`` are the workers that a roll-out has ordered to retire.
    """
    decision = _down(situation, wanted) if wanted < situation.replicas else _up(situation, wanted)
    return replace(decision, unretire=_orders_to_take_back(situation, wanted, rolled))


def _down(situation: Situation, wanted: int) -> Scaling:
    """A StatefulSet drops its highest ordinal first, so the first that must stay ends it."""
    if situation.facts is None:
        return Scaling(situation.replicas, blocked=situation.blind)
    force = situation.cluster.spec.workers.drain.on_timeout == "Force"
    leaving = [
        departure(situation, situation.worker_name(ordinal))
        for ordinal in reversed(range(wanted, situation.replicas))
    ]
    going: list[Departure] = []
    for each in leaving:
        if not each.may_go(force=force):
            break
        going.append(each)
    retire = tuple(each.name for each in leaving if each.name not in situation.orders)
    forced = tuple(each for each in going if each.standing is not Standing.FREE)
    replicas = situation.replicas - len(going)
    return Scaling(
        replicas,
        retire=retire,
        blocked=_blocked(leaving[len(going) :]),
        forced=tuple(each.name for each in forced),
        notices=(
            *_told(situation, retire, wanted),
            *_lowered(situation.replicas, replicas),
            *_killed(forced),
        ),
    )


def _blocked(staying: list[Departure]) -> Blocked | None:
    if not staying:
        return None
    first = staying[0]
    late = first.standing is Standing.OVERDUE
    more = f"; {len(staying) - 1} more are to go after it" if len(staying) > 1 else ""
    reason = Reason.DRAIN_TIMED_OUT if late else Reason.DRAINING
    return Blocked(reason, first.message + more)


def _up(situation: Situation, wanted: int) -> Scaling:
    """A pod whose name is still under an order from an earlier life would get no work, so it is
    made only when the manager says that the order is off."""
    replicas = situation.replicas
    while replicas < wanted and situation.worker_name(replicas) not in situation.known_orders:
        replicas += 1
    if replicas == situation.replicas or situation.observed.workers is None:
        return Scaling(replicas)
    message = f"from {situation.replicas} to {replicas} workers"
    return Scaling(replicas, notices=(Notice("Normal", Reason.SCALING_UP, message),))


def _orders_to_take_back(
    situation: Situation, wanted: int, rolled: frozenset[str]
) -> tuple[str, ...]:
    facts = situation.facts
    if facts is None:
        return ()
    return tuple(
        name
        for name in facts.retire_orders
        if name not in rolled and _is_over(situation, name, wanted)
    )


def _is_over(situation: Situation, name: str, wanted: int) -> bool:
    """True when the order has done what it was for, or is not wanted any more."""
    ordinal = situation.ordinal(name)
    if ordinal is None:
        return False  # not one of our pods, so not our order either
    pod, registered = situation.pod(name), situation.worker(name) is not None
    if ordinal >= situation.replicas:
        # Kubernetes is deleting this pod, or has done so. While it is there, it must not get work.
        return pod is None and not registered
    if ordinal >= wanted or pod is None or pod.terminating:
        return False
    return pod.ready and registered


def _told(situation: Situation, retire: tuple[str, ...], wanted: int) -> tuple[Notice, ...]:
    if not retire:
        return ()
    message = f"to {wanted} workers: told {_named(retire)} to retire"
    return (Notice("Normal", Reason.SCALING_DOWN, message),)


def _named(workers: tuple[str, ...]) -> str:
    more = len(workers) - NAMED
    return ", ".join(workers[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _lowered(before: int, after: int) -> tuple[Notice, ...]:
    if before == after:
        return ()
    return (Notice("Normal", Reason.SCALED_DOWN, f"from {before} to {after} workers"),)


def _killed(forced: tuple[Departure, ...]) -> tuple[Notice, ...]:
    return tuple(
        Notice(
            "Warning",
            Reason.DRAIN_FORCED,
            f"{each.message}, but drain.onTimeout is Force and its time is over: it is stopped",
        )
        for each in forced
    )
