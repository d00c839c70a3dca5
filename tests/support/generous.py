"""Loops that give away whatever they have, for tests in which thieves are to get something."""

from typing import Any

import pytest


def _weightless(*values: Any) -> float:
    return 0.0


_GENEROUS = {
    "loop.WORTH_GIVING_NS": 0,
    "sums.NEAR_NS": 0.0,
    "segments.row_ns": _weightless,
    "segments.weigh": _weightless,
    "counts.weigh": _weightless,
    "tasks.weigh": _weightless,
    "moments._CHEAP_NS": 0,
    "moments.LOOK_NS": 0,
}


def give_everything(patch: pytest.MonkeyPatch) -> None:
    """From now on everything seems worth giving away, as if sending it took no time."""
    for name, value in _GENEROUS.items():
        patch.setattr(f"ufora_worker.loops.{name}", value)
