"""Loops that give away whatever they have, for tests in which thieves are to get something."""

from typing import Any

import pytest


def _weightless(*values: Any) -> float:
    return 0.0


_GENEROUS = {
    "loops.loop.WORTH_GIVING_NS": 0,
    "loops.sums.NEAR_NS": 0.0,
    "loops.segments.packed_ns": _weightless,
    "loops.segments.weigh": _weightless,
    "loops.counts.weigh": _weightless,
    "loops.counts._COUNT_NS": 0.0,
    "loops.tasks.weigh": _weightless,
    "loops.moments._CHEAP_NS": 0,
    "loops.moments.LOOK_NS": 0,
    "for_loops.turns._SETTLING_NS": -1,
    "for_loops.turns._APART_NS": -1,
}


def give_everything(patch: pytest.MonkeyPatch) -> None:
    """From now on everything seems worth giving away, as if sending it took no time."""
    for name, value in _GENEROUS.items():
        patch.setattr(f"ufora_worker.{name}", value)
