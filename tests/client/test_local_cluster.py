"""A cluster of real processes on this machine: how it starts, how it ends, and what is left."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import pyfora
from pyfora import _environment, _local, _processes
from pyfora._processes import Child, ClusterStartError
from pyfora._scratch import ScratchFolder

PATIENCE = 60.0


def square(number: int) -> int:
    return number * number


# ------------------------------------------------------------------ one child


def child_of(script: str, folder: Path) -> Iterator[Child]:
    """A child that runs a script of the test's in place of a part of the cluster."""
    (folder / "scripted_child.py").write_text(textwrap.dedent(script))
    env = {**_environment.for_processes(), "PYTHONPATH": str(folder)}
    child = Child("scripted_child", "the part", env, folder / "part.log")
    yield child
    _processes.stop([child])


@pytest.fixture
def child(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Child]:
    yield from child_of(request.param, tmp_path)


READY = """
    import os, socket, sys
    lifeline = socket.socket(fileno=int(os.environ["UFORA_LIFELINE_FD"]))
    lifeline.sendall(b'{"ready": ')
    lifeline.sendall(b'true}\\n')
    lifeline.recv(1)
"""


@pytest.mark.parametrize("child", [READY], indirect=True)
def test_a_child_is_ready_at_its_line_of_json_and_ends_with_its_lifeline(child: Child) -> None:
    _processes.wait_until_ready([child], PATIENCE)
    assert child.ready
    child.lifeline.close()
    assert child.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("child", ["import sys; print('port taken'); sys.exit(3)"], indirect=True)
def test_a_child_that_ends_at_its_start_is_an_error_with_its_last_words(child: Child) -> None:
    with pytest.raises(ClusterStartError, match=r"the part ended at its start with status 3"):
        _processes.wait_until_ready([child], PATIENCE)
    assert child.tail() == "; its last words:\n  port taken"


@pytest.mark.parametrize("child", ["import os; os.kill(os.getpid(), 9)"], indirect=True)
def test_a_child_that_is_killed_at_its_start_is_told_apart(child: Child) -> None:
    with pytest.raises(ClusterStartError, match=r"killed by SIGKILL; it logged nothing"):
        _processes.wait_until_ready([child], PATIENCE)


STRANGER = """
    import os, socket
    lifeline = socket.socket(fileno=int(os.environ["UFORA_LIFELINE_FD"]))
    lifeline.sendall(b"hello\\n")
    lifeline.recv(1)
"""


@pytest.mark.parametrize("child", [STRANGER], indirect=True)
def test_a_child_that_says_something_else_than_json_is_an_error(child: Child) -> None:
    with pytest.raises(ClusterStartError, match=r"b'hello' where a line of JSON was due"):
        _processes.wait_until_ready([child], PATIENCE)


@pytest.mark.parametrize("child", ["import signal; signal.pause()"], indirect=True)
def test_a_child_that_is_never_ready_is_an_error_after_the_timeout(child: Child) -> None:
    with pytest.raises(ClusterStartError, match=r"the part was not ready after 0.1 s"):
        _processes.wait_until_ready([child], 0.1)


DEAF = """
    import os, signal, socket
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    lifeline = socket.socket(fileno=int(os.environ["UFORA_LIFELINE_FD"]))
    lifeline.sendall(b"{}\\n")
    while True:
        signal.pause()
"""


@pytest.mark.parametrize("child", [DEAF], indirect=True)
def test_a_child_that_does_not_stop_is_killed(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_processes, "_STOP_SECONDS", 0.05)
    _processes.wait_until_ready([child], PATIENCE)
    _processes.stop([child])
    assert child.process.returncode == -signal.SIGKILL


def test_children_inherit_everything_but_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UFORA_MANAGER_ADDRESS", "10.0.0.1")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    inherited = _environment.for_processes()
    assert inherited["PYTHONPATH"] == "/somewhere"
    assert "UFORA_MANAGER_ADDRESS" not in inherited


def test_children_hear_of_native_code_and_share_a_cache_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UFORA_NATIVE", "0")
    monkeypatch.delenv("UFORA_NATIVE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    inherited = _environment.for_processes()
    assert inherited["UFORA_NATIVE"] == "0"
    assert inherited["UFORA_NATIVE_CACHE"] == "/caches/ufora/native"
    monkeypatch.setenv("UFORA_NATIVE_CACHE", "/mine")
    assert _environment.for_processes()["UFORA_NATIVE_CACHE"] == "/mine"


# ------------------------------------------------------------------ its folder


def test_a_folder_is_private_and_goes_away(tmp_path: Path) -> None:
    folder = ScratchFolder(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "objects").mkdir()
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_folders_of_programs_that_were_killed_are_removed(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys; from pyfora._scratch import ScratchFolder; "
        "ScratchFolder(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    [left] = tmp_path.iterdir()
    mine = ScratchFolder(tmp_path)
    assert not left.exists()
    other = ScratchFolder(tmp_path)
    assert mine.path.exists() and other.path.exists()
    mine.remove()
    other.remove()


# ------------------------------------------------------------------ the cluster


def test_a_part_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ClusterStartError, match="pip install ufora-manager ufora-worker"):
        pyfora.LocalCluster()


@pytest.mark.parametrize("size", [{"workers": 0}, {"cores_per_worker": 0}])
def test_a_cluster_without_workers_or_cores_is_refused(size: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 of each"):
        pyfora.LocalCluster(**size)


def test_two_workers_run_what_is_sent_and_leave_nothing() -> None:
    with pyfora.LocalCluster(workers=2, cores_per_worker=1) as local:
        folder = local._scratch.path
        processes = psutil.Process().children(recursive=True)
        assert repr(local) == f"<pyfora.LocalCluster {local.url}>"
        with local.connect() as cluster:
            assert cluster.worker_count() == 2
            with cluster.remotely.downloadAll():
                total = sum(square(n) for n in range(1000))
            assert total == 332833500
            futures = [cluster.submit(square, n) for n in range(50)]
            assert [each.result(PATIENCE) for each in futures] == [n * n for n in range(50)]
    assert repr(local) == f"<pyfora.LocalCluster {local.url}, closed>"
    assert not folder.exists()
    _, alive = psutil.wait_procs(processes, timeout=0)
    assert alive == []
    local.close()


def test_a_cluster_that_ends_ends_its_connections(capfd: pytest.CaptureFixture[str]) -> None:
    with pyfora.LocalCluster(cores_per_worker=1) as local:
        cluster, other = local.connect(), local.connect()
        future = other.submit(square, 12)
        assert future.result(PATIENCE) == 144
        waiting = cluster.submit(time.sleep, 600)
    assert cluster.is_closed() and other.is_closed()
    with pytest.raises(pyfora.PyforaError, match="was closed by this program"):
        waiting.result(PATIENCE)
    assert capfd.readouterr().err == ""


def test_connect_without_an_address_starts_a_cluster_that_ends_with_the_connection() -> None:
    before = {each.pid for each in psutil.Process().children()}
    cluster = pyfora.connect()
    assert {each.pid for each in psutil.Process().children()} - before
    assert cluster.submit(square, 12).result(PATIENCE) == 144
    cluster.close()
    assert {each.pid for each in psutil.Process().children()} == before


def test_a_taken_port_is_a_reason_to_try_another(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = _local._free_ports
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = [taken.getsockname()[1], *ports(1)]
        answers = iter([first])
        monkeypatch.setattr(_local, "_free_ports", lambda count: next(answers, None) or ports(2))
        with pyfora.LocalCluster(cores_per_worker=1) as local:
            assert not local.url.endswith(f":{first[0]}")


SCRIPT = """
    import os, sys
    import psutil, pyfora

    def square(number):
        return number * number

    cluster = pyfora.connect()
    with cluster.remotely.downloadAll():
        total = sum(square(n) for n in range(100))
    print(total, *[each.pid for each in psutil.Process().children(recursive=True)], flush=True)
    sys.stdin.readline()
    {ending}
"""


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "sys.exit(1)",
        "raise KeyError",
        "del cluster",
        "os._exit(0)",
        "os.kill(os.getpid(), 9)",
        "if not os.fork(): sys.exit(0)",
    ],
)
def test_the_cluster_ends_with_the_program_however_that_ends(ending: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(SCRIPT).format(ending=ending))
    program = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with program:
        assert program.stdout is not None
        total, *pids = program.stdout.readline().split()
        processes = [psutil.Process(int(pid)) for pid in pids]
        program.communicate("\n", timeout=PATIENCE)
    assert total == "328350"
    assert len(processes) >= 3
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_cluster() -> None:
    with pyfora.LocalCluster(cores_per_worker=1) as local:
        for each in local._children:
            assert os.getpgid(each.process.pid) != os.getpgid(0)
