"""Workers are told to stop, or are killed, and the manager is stopped, in the middle of the work of
a real cluster: as Kubernetes does with pods."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pyfora
from restartable_cluster import PATIENCE, RestartableCluster, wait_until
from slow_items import COUNTED, count_slowly

#: Items of a loop that is pure and runs for some seconds.
ITEMS = 1600


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RestartableCluster]:
    with RestartableCluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[RestartableCluster]:
    """Its workers take a second for what they still run, and no more."""
    with RestartableCluster(tmp_path, drain_seconds=1) as cluster:
        yield cluster


@pytest.fixture
def deserted(tmp_path: Path) -> Iterator[RestartableCluster]:
    """A manager without workers."""
    with RestartableCluster(tmp_path, workers=0) as cluster:
        yield cluster


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A file to which jobs write a line when they begin."""
    path = tmp_path / "notes.txt"
    path.touch()
    return path


def run_until(gate: str, notes: str) -> int:
    """Note that it begins, and end when there is a file ``gate``; the worker's process."""
    with open(notes, "a") as file:
        file.write("begun\n")
    while not os.path.exists(gate):
        time.sleep(0.01)
    return os.getppid()


def count_all() -> int:
    return sum(count_slowly(item) for item in range(ITEMS))


def begun(notes: Path) -> int:
    return len(notes.read_text().splitlines())


def unfinished(real: RestartableCluster) -> list[dict[str, object]]:
    return [each for each in real.state()["jobs"] if each["state"] in ("waiting", "placed")]


def worker_of_the_only_job(real: RestartableCluster) -> str:
    (job,) = unfinished(real)
    return str(job["worker"])


def judged(real: RestartableCluster) -> bool:
    """The only job runs, and its worker has found that it may run again."""
    return any(each["repeatable"] for each in unfinished(real))


def known(real: RestartableCluster) -> set[str]:
    return {each["name"] for each in real.state()["workers"]}


def leaves(real: RestartableCluster, name: str) -> bool:
    """The manager knows that this worker is about to stop, or has stopped."""
    workers = {each["name"]: each for each in real.state()["workers"]}
    return name not in workers or workers[name]["retiring"] is not None


# ------------------------------------------------------------------ a worker is told to stop


def test_a_worker_that_is_told_to_stop_ends_its_block_and_gets_no_other(
    real: RestartableCluster, notes: Path
) -> None:
    gate = notes.with_name("gate")
    with pyfora.connect(real.url) as cluster:
        running = cluster.submit(run_until, str(gate), str(notes))
        wait_until(lambda: begun(notes) == 1, "it runs")
        name = worker_of_the_only_job(real)
        leaving = real.workers.pop(name)
        (other,) = real.workers.values()
        leaving.terminate()
        wait_until(lambda: leaves(real, name), "the manager knows")
        later = [cluster.submit(os.getppid) for _ in range(4)]
        assert [each.result(timeout=PATIENCE) for each in later] == [other.pid] * 4
        assert leaving.poll() is None
        gate.touch()
        assert running.result(timeout=PATIENCE) == leaving.pid
        assert leaving.wait(PATIENCE) == 0
    assert begun(notes) == 1


def test_an_idle_worker_that_is_told_to_stop_waits_for_nothing(real: RestartableCluster) -> None:
    leaving = real.workers["worker-0"]
    leaving.terminate()
    told = time.monotonic()
    assert leaving.wait(PATIENCE) == 0
    assert time.monotonic() - told < 4.0  # a loaded machine; its bound would be a minute


def test_a_worker_does_not_wait_longer_than_it_may(hasty: RestartableCluster, notes: Path) -> None:
    with pyfora.connect(hasty.url) as cluster:
        endless = cluster.submit(run_until, str(notes.with_name("gate")), str(notes))
        wait_until(lambda: begun(notes) == 1, "it runs")
        leaving = hasty.workers[worker_of_the_only_job(hasty)]
        leaving.terminate()
        told = time.monotonic()
        assert leaving.wait(PATIENCE) == 0
        assert 1.0 <= time.monotonic() - told < 8.0
        assert isinstance(endless.exception(timeout=PATIENCE), pyfora.WorkerDiedError)


@pytest.mark.parametrize("has_root", [True, False], ids=["root", "range"])
def test_a_loop_loses_no_item_when_one_of_its_workers_is_told_to_stop(
    real: RestartableCluster, has_root: bool
) -> None:
    with pyfora.connect(real.url) as cluster:
        future = cluster.submit(count_all)
        wait_until(lambda: judged(real), "it runs")
        wait_until(lambda: all(each["idle"] == 0 for each in real.state()["workers"]), "all work")
        host = worker_of_the_only_job(real)
        leaving = next(each for name, each in real.workers.items() if (name == host) is has_root)
        leaving.terminate()
        assert future.result(timeout=PATIENCE) == ITEMS * COUNTED
        assert leaving.wait(PATIENCE) == 0


# ------------------------------------------------------------------ a worker is killed


def test_a_block_that_nobody_sees_twice_runs_again_when_its_worker_is_killed(
    real: RestartableCluster,
) -> None:
    with pyfora.connect(real.url) as cluster:
        future = cluster.submit(count_all)
        wait_until(lambda: judged(real), "it may run again")
        killed = real.workers.pop(worker_of_the_only_job(real))
        killed.kill()
        killed.wait()
        wait_until(lambda: real.workers.keys() == known(real), "its silence was noticed")
        assert [each["state"] for each in unfinished(real)] == ["placed"]
        assert future.result(timeout=PATIENCE) == ITEMS * COUNTED


def test_a_block_with_effects_fails_when_its_worker_is_killed(
    real: RestartableCluster, notes: Path
) -> None:
    gate = notes.with_name("gate")
    with pyfora.connect(real.url) as cluster:
        future = cluster.submit(run_until, str(gate), str(notes))
        wait_until(lambda: begun(notes) == 1, "it runs")
        killed = real.workers.pop(worker_of_the_only_job(real))
        killed.kill()
        killed.wait()
        gate.touch()
        with pytest.raises(pyfora.WorkerDiedError, match="may run twice"):
            future.result(timeout=PATIENCE)
    assert begun(notes) == 1


# ------------------------------------------------------------------ the manager is stopped


def keep_folder(real: RestartableCluster) -> None:
    """A volume of its own, which the next pod gets."""


def empty_folder(real: RestartableCluster) -> None:
    """An ``emptyDir``."""
    real.empty_managers_folder()


FOLDERS = pytest.mark.parametrize("meanwhile", [keep_folder, empty_folder])


@FOLDERS
def test_jobs_go_on_when_the_managers_pod_is_replaced(
    real: RestartableCluster, notes: Path, meanwhile: Callable[[RestartableCluster], None]
) -> None:
    gate = notes.with_name("gate")
    with pyfora.connect(real.url) as cluster:
        futures = [cluster.submit(run_until, str(gate), str(notes)) for _ in range(4)]
        wait_until(lambda: begun(notes) == 2, "one runs on each worker, and two wait")
        real.stop_manager()
        meanwhile(real)
        real.start_manager()
        gate.touch()
        pids = {each.pid for each in real.workers.values()}
        assert {each.result(timeout=PATIENCE) for each in futures} <= pids
    assert begun(notes) == 4


@FOLDERS
def test_a_waiting_job_outlives_its_manager_where_there_are_no_workers(
    deserted: RestartableCluster, notes: Path, meanwhile: Callable[[RestartableCluster], None]
) -> None:
    gate = notes.with_name("gate")
    gate.touch()
    with pyfora.connect(deserted.url) as cluster:
        early = cluster.submit(run_until, str(gate), str(notes))
        wait_until(lambda: len(unfinished(deserted)) == 1, "it waits")
        last_moment = cluster.submit(run_until, str(gate), str(notes))
        deserted.stop_manager()
        meanwhile(deserted)
        deserted.start_manager()
        wait_until(lambda: len(unfinished(deserted)) == 2, "both wait again")
        deserted.start_worker("worker-0")
        pid = deserted.workers["worker-0"].pid
        assert early.result(timeout=PATIENCE) == last_moment.result(timeout=PATIENCE) == pid
    assert begun(notes) == 2
