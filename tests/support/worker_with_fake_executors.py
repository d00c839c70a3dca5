"""``ufora-worker`` as it is, but for its executors' program."""

from pathlib import Path

from ufora_worker.__main__ import main

main([str(Path(__file__).parent / "fake_executor.py")])
