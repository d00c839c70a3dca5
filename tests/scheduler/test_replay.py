"""The same events give the same commands, in every process."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def commands_under(hash_seed: str) -> str:
    support = str(HERE.parent / "support")
    replay = subprocess.run(
        [sys.executable, str(HERE / "replay_log.py")],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": support},
        capture_output=True,
        text=True,
        check=False,
    )
    assert replay.returncode == 0, replay.stderr
    return replay.stdout


def test_commands_do_not_depend_on_the_hash_seed() -> None:
    first = commands_under("1")
    assert "Place(" in first and "DeleteObjects(" in first and "WorkAt(" in first
    assert commands_under("2") == first
