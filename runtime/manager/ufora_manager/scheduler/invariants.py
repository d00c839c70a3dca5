"""What must be true of a ``State`` between any two events. Tests check it after each one."""

from ufora_manager.scheduler.placement import choose
from ufora_manager.scheduler.state import Job, JobState, State
from ufora_manager.scheduler.transitions import story_of


def check(state: State) -> None:
    """Raise AssertionError, with the story of the job concerned, when something does not fit."""
    for job in state.jobs.values():
        _check_job(state, job)
    _check_orders(state)
    _check_workers(state)
    _check_sessions(state)
    _check_objects(state)


def _check_job(state: State, job: Job) -> None:
    story = f"job {job.id}: {story_of(job)}"
    lists = [job.id in state.waiting, job.id in state.ended, job.id in state.orphaned]
    placed = job.state is JobState.PLACED
    assert sum(lists) == (0 if placed else 1), f"in {sum(lists)} lists; {story}"
    assert (job.id in state.waiting) == (job.state is JobState.WAITING), story
    assert (job.program is None) == job.state.ended, f"runs on, or cannot run; {story}"
    assert (job.answer is not None) == (job.id in state.ended), f"no answer; {story}"
    if placed:
        assert job.id in state.workers[job.worker].roots, f"not at its worker; {story}"
    if job.id in state.orphaned:
        assert job.state.ended, f"runs for nobody; {story}"
    else:
        assert job.id in state.sessions[job.session].jobs, f"unknown to its session; {story}"


def _check_orders(state: State) -> None:
    came = [state.jobs[job].submitted_at for job in state.waiting]
    assert came == sorted(came), "waiting jobs are not in the order in which they came"
    ended = [state.jobs[job].ended_at for job in state.ended]
    assert ended == sorted(ended), "ended jobs are not in the order in which they ended"
    assert list(state.orphaned.values()) == sorted(state.orphaned.values())


def _check_workers(state: State) -> None:
    for name, worker in state.workers.items():
        assert worker.name == name
        for job in state.roots(worker):
            assert job.state is JobState.PLACED and job.worker == name, story_of(job)
        for other in worker.told or ():
            assert other != name, f"worker {name} was sent to itself"
            assert not worker.hungry or other in state.workers, f"{name} was sent to {other}: gone"
    if state.waiting:
        assert choose(state.workers.values()) is None, "a job waits while a worker has room"


def _check_sessions(state: State) -> None:
    for session in state.sessions.values():
        for job in session.jobs:
            assert state.jobs[job].session == session.id
        for digest in session.objects:
            assert session.id in state.objects[digest].sessions


def _check_objects(state: State) -> None:
    for digest, entry in state.objects.items():
        wanted = entry.jobs or entry.sessions or digest in state.announced
        assert wanted, f"object {digest} is kept for nobody"
        for session in entry.sessions:
            assert digest in state.sessions[session].objects
        for job in entry.jobs:
            assert not state.jobs[job].state.ended, story_of(state.jobs[job])
        for worker in entry.workers:
            assert worker in state.workers
    for digest in state.announced:
        assert digest in state.objects
