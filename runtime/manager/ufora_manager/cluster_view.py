"""The cluster as JSON, for people and tools (``GET /api/v1/cluster``)."""

from collections.abc import Callable

from ufora_core import __version__
from ufora_core.protocol.version import VERSION
from ufora_manager.scheduler.state import Job, JobState, State, Worker

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def describe(state: State, now: float, wall_clock: Callable[[float], float]) -> Json:
    """Workers and jobs as they are. ``wall_clock`` turns the scheduler's time into Unix time."""
    jobs = list(state.jobs.values())
    return {
        "release": __version__,
        "protocol": VERSION,
        "workers": [_worker(each, wall_clock) for each in state.workers.values()],
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


def _worker(worker: Worker, wall_clock: Callable[[float], float]) -> Json:
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
    }


def _job(job: Job, now: float) -> Json:
    return {
        "job": job.id,
        "title": job.title,
        "state": job.state.value,
        "worker": job.worker or None,
        "seconds": (job.ended_at if job.state.ended else now) - job.submitted_at,
    }
