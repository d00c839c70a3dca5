"""What must be true of a ``State`` between any two events. Tests check it after each one."""

from ufora_manager.scheduler.objects import held_alone
from ufora_manager.scheduler.placement import choose
from ufora_manager.scheduler.state import Job, JobState, State, Worker
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
    assert (job.answer is not None) == job.state.ended, f"no answer; {story}"
    if placed:
        assert job.id in state.host(job.worker).roots, f"not at its worker; {story}"
    assert job.id not in state.strays, f"known, and a stray; {story}"
    if job.id in state.orphaned:
        assert job.state.ended, f"runs for nobody; {story}"
    else:
        assert job.id in state.sessions[job.session].jobs, f"unknown to its session; {story}"


def _check_orders(state: State) -> None:
    came = [state.jobs[job].number for job in state.waiting]
    assert came == sorted(came), "waiting jobs are not in the order in which they came"
    ended = [state.jobs[job].ended_at for job in state.ended]
    assert ended == sorted(ended), "ended jobs are not in the order in which they ended"
    assert list(state.orphaned.values()) == sorted(state.orphaned.values())


def _check_workers(state: State) -> None:
    assert not state.workers.keys() & state.missing.keys(), "there, and missing"
    assert not state.missing or state.held_until is not None, "nobody waits for the missing"
    for name, worker in (state.workers | state.missing).items():
        assert worker.name == name
        for job in state.roots(worker):
            assert job.state is JobState.PLACED and job.worker == name, story_of(job)
        for other in worker.told or ():
            assert other != name, f"worker {name} was sent to itself"
            assert not worker.hungry or other in state.workers, f"{name} was sent to {other}: gone"
        _check_retirement(state, worker)
    for stray in state.strays.values():
        assert stray.worker in state.workers, "a stray root on no worker"
    if state.waiting and state.held_until is None:
        assert choose(state.workers.values()) is None, "a job waits while a worker has room"


def _check_retirement(state: State, worker: Worker) -> None:
    name, retirement = worker.name, worker.retirement
    if retirement is None:
        assert name not in state.orders or name in state.missing, f"{name} does not retire"
        return
    assert name in state.orders or retirement.leaving or retirement.dismissed
    assert not worker.hungry and worker.told is None, f"{name} retires, and was sent to steal"
    for job in state.roots(worker):
        assert job.sent_at is not None, f"still on its way to {name}, which retires"
    if retirement.left is not None:
        assert retirement.left == held_alone(state, worker), f"{name} was counted wrongly"


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
        for name in entry.workers:
            assert digest in state.host(name).made
    for worker in (state.workers | state.missing).values():
        for digest in worker.made:
            assert worker.name in state.objects[digest].workers
    for digest in state.announced:
        assert digest in state.objects
