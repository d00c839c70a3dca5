"""A campaign: many numbers of one part, in a process for each core."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from fuzzing.worker import Tally

_MODULES = Path(__file__).parents[1]


def run(part: str, first: int, count: int, seconds: float = 1e6) -> Tally:
    """Look at ``count`` numbers, or as many as there is time for. A worker that crashes or hangs is
    a failure of the number that it was at."""
    total = Tally()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        workers = []
        for core in range(min(cores, count)):
            note = Path(folder, str(core))
            arguments = [part, first + core, cores, count - core, seconds, note]
            workers.append((stack.enter_context(_started(arguments)), note))
        for process, note in workers:
            out, complaints = process.communicate()
            _add(total, _result(part, process.returncode, out, complaints, note))
    return total


def _started(arguments: list[object]) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(_MODULES), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "fuzzing.worker", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _result(part: str, status: int, out: str, complaints: str, note: Path) -> Tally:
    if status == 0:
        return Tally(**json.loads(out.splitlines()[-1]))
    number = note.read_text("utf-8").strip() if note.exists() else "at its start"
    return Tally(failure=f"{part} {number}: the process ended with {status}:\n{complaints}")


def _add(total: Tally, more: Tally) -> None:
    for name, value in asdict(more).items():
        setattr(total, name, getattr(total, name) + value)
