"""What goes wrong in a real cluster: each failure is one clear sentence, and all else goes on."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import pyfora

#: Seconds in which everything that is awaited here must have happened, on a loaded machine too.
PATIENCE = 30.0


@pytest.fixture(scope="module")
def local() -> Iterator[pyfora.LocalCluster]:
    with pyfora.LocalCluster(workers=2, cores_per_worker=1) as cluster:
        yield cluster


@pytest.fixture
def cluster(local: pyfora.LocalCluster) -> Iterator[pyfora.Cluster]:
    with local.connect() as connected:
        yield connected
        # Whatever happened, the cluster still works.
        assert connected.submit(pow, 2, 10).result(timeout=PATIENCE) == 1024


def wait_until(condition: Callable[[], bool], what: str, within: float = PATIENCE) -> float:
    """Seconds until ``condition`` held."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within, f"not within {within} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - started


def state_of(local: pyfora.LocalCluster) -> dict[str, Any]:
    with urllib.request.urlopen(f"{local.url}/api/v1/cluster") as answer:
        state: dict[str, Any] = json.load(answer)
    return state


def all_idle(local: pyfora.LocalCluster) -> bool:
    workers = state_of(local)["workers"]
    return len(workers) == 2 and all(each["idle"] == each["executors"] for each in workers)


def test_a_block_that_ends_its_process_fails_and_names_the_worker(cluster: pyfora.Cluster) -> None:
    with pytest.raises(pyfora.WorkerDiedError, match=r"worker.*os\._exit\(3\)|exit code 3"):
        with cluster.remotely.downloadAll():
            os._exit(3)


def test_a_block_that_crashes_fails_and_names_the_signal(cluster: pyfora.Cluster) -> None:
    with pytest.raises(pyfora.WorkerDiedError, match="SIGSEGV"):
        with cluster.remotely.downloadAll():
            import ctypes

            ctypes.string_at(0)


def test_sys_exit_in_a_block_is_the_exception_that_python_raises(cluster: pyfora.Cluster) -> None:
    with pytest.raises(SystemExit) as raised:
        with cluster.remotely.downloadAll():
            sys.exit("enough")
    assert raised.value.code == "enough"


def test_a_block_that_exhausts_memory_fails_and_says_how_much_there_was() -> None:
    with pyfora.LocalCluster(workers=1, cores_per_worker=1, memory_mb=400) as local:
        with local.connect() as cluster:
            with pytest.raises((MemoryError, pyfora.OutOfMemoryError)):
                with cluster.remotely.downloadAll():
                    hoard = []
                    while True:
                        hoard.append(bytearray(10_000_000))
            assert cluster.submit(pow, 2, 10).result(timeout=PATIENCE) == 1024


def test_a_value_that_cannot_travel_hurts_only_when_it_is_used(cluster: pyfora.Cluster) -> None:
    with open(os.devnull) as handle:
        with cluster.remotely.downloadAll():
            unused = 1 if handle is None else 2
        assert unused == 2
        with pytest.raises(pyfora.UnconvertibleValueError, match="handle"):
            with cluster.remotely.downloadAll():
                handle.read()


def test_a_module_of_the_project_with_a_syntax_error_is_a_syntax_error_there(
    cluster: pyfora.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_module.py").write_text("x = 1\ndef f(:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SyntaxError) as raised:
        with cluster.remotely.downloadAll():
            import broken_module  # type: ignore[import-not-found]  # noqa: F401
    assert raised.value.filename == str(tmp_path / "broken_module.py")
    assert raised.value.lineno == 2


def test_a_package_that_the_worker_lacks_is_named_before_the_block_starts(
    cluster: pyfora.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "only_here.py").write_text("def f():\n    return 1\n")
    monkeypatch.syspath_prepend(str(packages))
    only_here = __import__("only_here")
    printed = []
    with pytest.raises(pyfora.MissingPackageError, match="only_here"):
        with cluster.remotely.downloadAll():
            printed.append("the block started")
            only_here.f()
    assert printed == []


def test_ctrl_c_stops_the_job_on_the_workers(local: pyfora.LocalCluster, tmp_path: Path) -> None:
    with start_endless_client(local, tmp_path) as client:
        try:
            wait_until(lambda: not all_idle(local), "the job runs")
            client.send_signal(signal.SIGINT)
            stopped = wait_until(lambda: all_idle(local), "the job stopped", within=5.0)
            _, stderr = client.communicate(timeout=PATIENCE)
        finally:
            client.kill()
    assert stopped < 2.0  # one second for the job, and what this poll of the state adds
    assert "KeyboardInterrupt" in stderr


def test_jobs_of_a_killed_client_stop(local: pyfora.LocalCluster, tmp_path: Path) -> None:
    client = start_endless_client(local, tmp_path)
    try:
        wait_until(lambda: not all_idle(local), "the job runs")
    finally:
        client.kill()
        client.communicate()
    wait_until(lambda: all_idle(local), "the job stopped", within=6.0)


def start_endless_client(local: pyfora.LocalCluster, folder: Path) -> "subprocess.Popen[str]":
    wait_until(lambda: all_idle(local), "what ran before is over")
    script = folder / "endless.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import pyfora
            cluster = pyfora.connect({local.url!r})
            with cluster.remotely.downloadAll():
                result = sum(n * n for n in range(10**12))
            """
        )
    )
    return subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_an_embedded_cluster_ends_with_its_program_even_if_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "embedded.py"
    script.write_text(
        "import pyfora, sys\n"
        "cluster = pyfora.connect()\n"
        "cluster.submit(pow, 2, 3).result()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    client = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        cluster_processes = psutil.Process(client.pid).children(recursive=True)
        assert len(cluster_processes) >= 3
    finally:
        client.kill()
        client.communicate()
    _, alive = psutil.wait_procs(cluster_processes, timeout=10)
    assert alive == []
