"""The cluster as JSON, for people and tools (``GET /api/v1/cluster``)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ufora_core import __version__
from ufora_core.protocol.version import VERSION
from ufora_manager.scheduler.retirement import empty, ends, left_with
from ufora_manager.scheduler.state import Job, JobState, State, Worker

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class ManagerFacts:
    """What the manager says about itself."""

    name: str
    #: Unix time of its start.
    since: float
    #: Fingerprints of the tokens that it accepts, the one that it listens with first.
    tokens: tuple[str, ...] = ()


def describe(
    state: State, now: float, wall_clock: Callable[[float], float], manager: ManagerFacts
) -> dict[str, Json]:
    """Workers and jobs as they are. ``wall_clock`` turns the scheduler's time into Unix time."""
    jobs = list(state.jobs.values())
    return {
        "release": __version__,
        "protocol": VERSION,
        "manager": {
            "name": manager.name,
            "since": manager.since,
            "tokens": list(manager.tokens),
        },
        "idle_since": None if state.idle_since is None else wall_clock(state.idle_since),
        "retire_orders": list(state.orders),
        "workers": [describe_worker(state, each, wall_clock) for each in state.workers.values()],
        "jobs": [_job(each, now) for each in jobs],
        "counts": {
            "workers": len(state.workers),
            "executors": sum(each.executors for each in state.workers.values()),
            "idle": sum(each.idle for each in state.workers.values()),
            "sessions": len(state.sessions),
            "objects": len(state.objects),
            "jobs": {each.value: sum(job.state is each for job in jobs) for each in JobState},
        },
    }


def describe_worker(
    state: State, worker: Worker, wall_clock: Callable[[float], float]
) -> dict[str, Json]:
    """A worker that is registered."""
    address = worker.address
    return {
        "name": address.name,
        "address": address.host,
        "control_port": address.control_port,
        "data_port": address.data_port,
        "executors": worker.executors,
        "idle": worker.idle,
        "python": worker.python,
        "release": worker.release,
        "memory_bytes": worker.memory_bytes,
        "since": wall_clock(worker.joined_at),
        "roots": len(worker.roots),
        "tokens": list(worker.tokens),
        "incarnation": worker.incarnation,
        "retiring": _retiring(state, worker, wall_clock),
    }


def describe_order(
    state: State, name: str, wall_clock: Callable[[float], float]
) -> dict[str, Json]:
    """A worker that there may be an order for, registered or not."""
    worker = state.workers.get(name)
    if worker is not None:
        return describe_worker(state, worker, wall_clock)
    order = state.orders.get(name)
    retiring: Json = None
    if order is not None:
        retiring = {
            "since": wall_clock(order.since),
            "leaving": False,
            "exit": order.exit,
            "roots": 0,
            "ranges": 0,
            "objects": 0,
            "bytes": 0,
            "empty": True,
        }
    return {"name": name, "registered": False, "retiring": retiring}


def _retiring(state: State, worker: Worker, wall_clock: Callable[[float], float]) -> Json:
    retirement = worker.retirement
    if retirement is None:
        return None
    left = left_with(state, worker)
    return {
        "since": wall_clock(retirement.since),
        "leaving": retirement.leaving,
        "exit": ends(state, worker),
        "roots": max(retirement.roots or 0, len(worker.roots)),
        "ranges": retirement.ranges,
        "objects": len(left),
        "bytes": sum(left.values()),
        "empty": empty(state, worker),
    }


def _job(job: Job, now: float) -> Json:
    return {
        "job": job.id,
        "title": job.title,
        "state": job.state.value,
        "worker": job.worker or None,
        "repeatable": job.repeatable,
        "seconds": (job.ended_at if job.state.ended else now) - job.submitted_at,
    }
