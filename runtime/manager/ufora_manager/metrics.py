"""The cluster in figures (``GET /metrics``), in the text format that Prometheus reads."""

from collections.abc import Iterable, Mapping

from ufora_core import __version__
from ufora_core.protocol.version import VERSION
from ufora_manager.scheduler.retirement import left_with
from ufora_manager.scheduler.state import JobState, State, Worker

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Sample = tuple[Mapping[str, str], float]


def exposition(
    state: State, *, started_at: float, journal_works: bool | None, journal_failures: int
) -> str:
    """All figures as they are now. ``started_at`` is Unix time; ``journal_works`` is None for a
    manager that keeps no journal."""
    build = {"release": __version__, "protocol": str(VERSION)}
    lines = [
        *_gauge("ufora_build_info", "Release and protocol of this manager.", [(build, 1)]),
        *_gauge("ufora_start_time_seconds", "Unix time of its start.", [({}, started_at)]),
        *_workers(list(state.workers.values())),
        *_retiring(state, [each for each in state.workers.values() if each.retirement is not None]),
        *_jobs(state),
        *_gauge("ufora_sessions", "Clients, also those just away.", [({}, len(state.sessions))]),
        *_gauge("ufora_objects", "Objects that somebody needs.", [({}, len(state.objects))]),
        *_gauge(
            "ufora_objects_bytes",
            "Bytes of the objects that somebody needs.",
            [({}, sum(each.size for each in state.objects.values()))],
        ),
        *_counter(
            "ufora_journal_failures_total",
            "Attempts to write the journal that failed.",
            [({}, journal_failures)],
        ),
    ]
    if journal_works is not None:
        lines += _gauge(
            "ufora_journal_working",
            "1 while jobs survive a restart of the manager.",
            [({}, journal_works)],
        )
    return "\n".join(lines) + "\n"


def _workers(workers: list[Worker]) -> list[str]:
    executors = sum(each.executors for each in workers)
    idle = sum(each.idle for each in workers)
    memory = [({"worker": each.name}, float(each.memory_bytes)) for each in workers]
    return [
        *_gauge("ufora_workers", "Registered workers.", [({}, len(workers))]),
        *_gauge("ufora_executors", "Executors of registered workers.", [({}, executors)]),
        *_gauge("ufora_executors_idle", "Executors that have nothing to do.", [({}, idle)]),
        *_gauge("ufora_worker_memory_bytes", "Memory that a worker uses.", memory),
    ]


def _retiring(state: State, workers: list[Worker]) -> list[str]:
    left = {each.name: left_with(state, each) for each in workers}
    objects = [({"worker": name}, float(len(held))) for name, held in left.items()]
    return [
        *_gauge(
            "ufora_workers_retiring", "Workers that hand over what they hold.", [({}, len(workers))]
        ),
        *_gauge("ufora_worker_objects_left", "Objects that a retiring worker alone has.", objects),
    ]


def _jobs(state: State) -> list[str]:
    waiting = len(state.waiting)
    unfinished = len(state.jobs) - len(state.ended) - len(state.orphaned)
    now = {JobState.WAITING: waiting, JobState.PLACED: unfinished - waiting}
    return [
        *_gauge(
            "ufora_jobs",
            "Unfinished jobs.",
            [({"state": each.value}, count) for each, count in now.items()],
        ),
        *_counter(
            "ufora_jobs_ended_total",
            "Jobs that ended, by outcome: done, or the reason of the failure.",
            [({"outcome": each}, count) for each, count in sorted(state.outcomes.items())],
        ),
    ]


def _gauge(name: str, text: str, samples: Iterable[_Sample]) -> list[str]:
    return _metric(name, "gauge", text, samples)


def _counter(name: str, text: str, samples: Iterable[_Sample]) -> list[str]:
    return _metric(name, "counter", text, samples)


def _metric(name: str, kind: str, text: str, samples: Iterable[_Sample]) -> list[str]:
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        named = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{named}}} {value:.17g}" if named else f"{name} {value:.17g}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
