"""The manager ends in the middle of the work, and comes back at the same address with its folder;
or only the way to it breaks. Users notice a delay."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import pyfora
from pyfora import _dialling
from restartable_cluster import PATIENCE, ForwardedPort, RestartableCluster, wait_until
from slow_items import COUNTED, count_slowly

#: Seconds for which the manager is away.
AWAY = 1.0


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RestartableCluster]:
    with RestartableCluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture
def effects(tmp_path: Path) -> Path:
    """A file to which blocks append a line for each thing that they do."""
    path = tmp_path / "effects.txt"
    path.touch()
    return path


@pytest.fixture
def _far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is on another machine: it does not see the manager's folder."""
    monkeypatch.setattr(_dialling, "shares", lambda path, proof: False)


@contextmanager
def meanwhile(happens: Callable[[], object]) -> Iterator[None]:
    """Something happens in another thread; it must have succeeded when the block ends."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            happens()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert errors == []


def restart(real: RestartableCluster, when: Callable[[], bool]) -> None:
    wait_until(when, "the work is in the middle")
    real.kill_manager()
    time.sleep(AWAY)
    real.start_manager()


def lines_in(path: Path) -> list[str]:
    return path.read_text().splitlines()


def append(path: str, line: str) -> None:
    with open(path, "a") as file:
        file.write(line + "\n")


def work(path: str, item: int) -> int:
    append(path, f"{item}")
    time.sleep(0.4)
    return item * item


# ------------------------------------------------------------------ blocks


def test_a_pure_block_on_both_workers_has_its_result(real: RestartableCluster) -> None:
    under_way = threading.Event()

    def watch(progress: pyfora.Progress | None) -> None:
        if progress is not None and progress.items_done > 50:
            under_way.set()

    with pyfora.connect(real.url) as cluster:
        with meanwhile(lambda: restart(real, under_way.is_set)):
            with cluster.remotely.downloadAll().with_progress(watch):
                result = sum(count_slowly(item) for item in range(800))
        assert result == 800 * COUNTED
        assert cluster.submit(pow, 2, 10).result(timeout=PATIENCE) == 1024


def test_a_block_with_effects_runs_once_and_prints_everything_in_order(
    real: RestartableCluster, effects: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(effects)
    with pyfora.connect(real.url) as cluster:
        with meanwhile(lambda: restart(real, lambda: len(lines_in(effects)) >= 8)):
            with cluster.remotely.downloadAll():
                for number in range(30):
                    append(path, f"{number}")
                    print("line", number)
                    time.sleep(0.1)
                result = number
        assert result == 29
    assert lines_in(effects) == [str(number) for number in range(30)]
    assert capsys.readouterr().out == "".join(f"line {number}\n" for number in range(30))


def test_futures_run_once_each_and_have_their_results(
    real: RestartableCluster, effects: Path
) -> None:
    with pyfora.connect(real.url) as cluster:
        futures = [cluster.submit(work, str(effects), item) for item in range(10)]
        restart(real, lambda: len(lines_in(effects)) >= 3)
        assert [each.result(timeout=PATIENCE) for each in futures] == [n * n for n in range(10)]
    assert sorted(lines_in(effects), key=int) == [str(item) for item in range(10)]


def test_a_remote_value_can_be_used_after_the_restart(real: RestartableCluster) -> None:
    with pyfora.connect(real.url) as cluster:
        values = cluster.define(list(range(100_000))).result(timeout=PATIENCE)
        restart(real, lambda: True)
        assert cluster.submit(sum, values).result(timeout=PATIENCE) == sum(range(100_000))
        assert len(values.to_local().result(timeout=PATIENCE)) == 100_000


@pytest.mark.usefixtures("_far_away")
def test_an_upload_that_was_under_way_is_made_again(real: RestartableCluster) -> None:
    data = os.urandom(20_000_000)
    answers: list[pyfora.Future[int]] = []
    with ForwardedPort(real.port, limit=8_000_000) as forwarded:
        with pyfora.connect(forwarded.url) as cluster:
            sending = threading.Thread(target=lambda: answers.append(cluster.submit(len, data)))
            sending.start()
            wait_until(forwarded.full.is_set, "a part of the upload is there")
            forwarded.stop()
            real.kill_manager()
            real.start_manager()
            forwarded.start()
            sending.join()
            assert answers[0].result(timeout=PATIENCE) == len(data)


@pytest.mark.usefixtures("_far_away")
def test_a_client_that_gives_up_says_what_is_lost(real: RestartableCluster, effects: Path) -> None:
    path = str(effects)
    with pyfora.connect(real.url, reconnect_seconds=1.0) as cluster:
        futures = [cluster.submit(work, path, item) for item in range(20)]
        wait_until(lambda: len(lines_in(effects)) >= 2, "they run")
        real.kill_manager()
        with pytest.raises(pyfora.ConnectionError) as raised:
            with cluster.remotely.downloadAll():
                append(path, "too late")
        message = str(raised.value)
        assert real.url in message and "within 1 s (connection refused)" in message
        assert " blocks and calls" in message and "pyfora.connect()" in message
        assert any(
            isinstance(each.exception(timeout=PATIENCE), pyfora.ConnectionError) for each in futures
        )
        assert cluster.is_closed()


# ------------------------------------------------------------------ a broken way to the manager


@pytest.mark.usefixtures("_far_away")
@pytest.mark.parametrize("away", [0.5, 5.0])
def test_a_forwarded_port_that_ends_and_comes_back_costs_a_delay_and_a_line_in_the_log(
    real: RestartableCluster,
    effects: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    away: float,
) -> None:
    path = str(effects)
    with ForwardedPort(real.port) as forwarded, pyfora.connect(forwarded.url) as cluster:

        def interrupt() -> None:
            wait_until(lambda: len(lines_in(effects)) >= 4, "the block runs")
            forwarded.stop()
            time.sleep(away)
            forwarded.start()

        with meanwhile(interrupt):
            with cluster.remotely.downloadAll():
                for number in range(20):
                    append(path, f"{number}")
                    print("line", number)
                    time.sleep(0.1)
                result = number
        assert result == 19
    assert lines_in(effects) == [str(number) for number in range(20)]
    assert capsys.readouterr().out == "".join(f"line {number}\n" for number in range(20))
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(warnings) == 1 and "trying again for 60 s" in warnings[0].getMessage()
