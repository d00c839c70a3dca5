"""The files by which probes see a worker, and the probe."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ufora_worker import probe
from ufora_worker.supervisor.health import HealthFiles


def asked(question: str, folder: Path, port: int = 30009) -> int:
    env = {"UFORA_DATA_DIR": str(folder), "UFORA_WORKER_BASE_PORT": str(port)}
    return probe.run([question], env)


def test_a_worker_is_alive_while_its_loop_turns_and_ready_once_it_can_work(tmp_path: Path) -> None:
    health = HealthFiles(tmp_path, 30009)
    assert (asked("alive", tmp_path), asked("ready", tmp_path)) == (1, 1)
    health.beat(5.0, ready=False)
    assert (asked("alive", tmp_path), asked("ready", tmp_path)) == (0, 1)
    health.beat(5.1, ready=True)
    assert (asked("alive", tmp_path), asked("ready", tmp_path)) == (0, 0)
    health.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_loop_that_is_stuck_is_neither_alive_nor_ready(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    HealthFiles(tmp_path, 30009).beat(0.0, ready=True)
    before = time.time() - 11
    os.utime(tmp_path / "health" / "30009" / "alive", (before, before))
    assert (asked("alive", tmp_path), asked("ready", tmp_path)) == (1, 1)
    assert "the worker's loop has not turned for 11 s" in capsys.readouterr().err


def test_the_file_is_touched_once_a_second(tmp_path: Path) -> None:
    health = HealthFiles(tmp_path, 30009)
    health.beat(1.0, ready=False)
    file = tmp_path / "health" / "30009" / "alive"
    os.utime(file, (1.0, 1.0))
    health.beat(1.9, ready=False)
    assert file.stat().st_mtime == 1.0
    health.beat(2.0, ready=False)
    assert file.stat().st_mtime > 1.0


def test_workers_that_share_a_data_folder_do_not_speak_for_each_other(tmp_path: Path) -> None:
    first, second = HealthFiles(tmp_path, 30009), HealthFiles(tmp_path, 30011)
    first.beat(0.0, ready=True)
    assert (asked("ready", tmp_path), asked("ready", tmp_path, 30011)) == (0, 1)
    second.beat(0.0, ready=True)
    first.remove()
    assert (asked("ready", tmp_path), asked("ready", tmp_path, 30011)) == (1, 0)


def test_what_a_killed_worker_left_says_nothing(tmp_path: Path) -> None:
    HealthFiles(tmp_path, 30009).beat(0.0, ready=True)
    HealthFiles(tmp_path, 30009)
    assert asked("alive", tmp_path) == 1


def test_a_data_folder_that_cannot_be_written_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "health").touch()
    health = HealthFiles(tmp_path, 30009)
    health.beat(0.0, ready=True)
    health.beat(1.0, ready=True)
    assert ["probes cannot see this worker" in line for line in caplog.messages] == [True]


@pytest.mark.parametrize("arguments", [[], ["well"], ["alive", "ready"]], ids=str)
def test_a_probe_that_is_called_wrongly_says_how(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe.run(arguments, {}) == 2
    assert "say alive or ready" in capsys.readouterr().err


def test_the_probe_imports_the_standard_library_only() -> None:
    code = "import sys, ufora_worker.probe; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    ours = {
        name
        for name in loaded.stdout.split()
        if name.partition(".")[0] in {"ufora_core", "ufora_worker"}
    }
    assert ours == {"ufora_worker", "ufora_worker.probe"}
    assert "numpy" not in loaded.stdout and "zmq" not in loaded.stdout
