"""Many clusters: what happens to one is nothing to the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.pump import Pump
from ufora_operator.controller.queue import Key, WorkQueue
from ufora_operator.controller.reconcile import Outcome, RoundFailed
from ufora_operator.errors import KubeError, LeadershipLost

BAD = Key("ns", "bad")


class Scripted:
    """Rounds of the test; ``told`` are failures that people were told of."""

    def __init__(self, action: Callable[[Key], Awaitable[Outcome]]) -> None:
        self.action = action
        self.rounds: list[Key] = []
        self.told: list[tuple[Key, int]] = []

    async def round(self, key: Key) -> Outcome:
        self.rounds.append(key)
        return await self.action(key)

    async def tell_of_failure(self, key: Key, error: Exception, times: int) -> None:
        self.told.append((key, times))


def pumped(queue: WorkQueue, concurrency: int = 2) -> tuple[Pump, Metrics]:
    metrics = Metrics("0.1.0")
    pump = Pump(queue, concurrency=concurrency, metrics=metrics, clock=time.monotonic)
    return pump, metrics


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        KubeError("get", 500, "Error", ""),
        RoundFailed([KubeError("apply", 409, "Conflict", "")]),
    ],
)
async def test_a_round_that_fails_leaves_200_others_alone(error: Exception) -> None:
    async def action(key: Key) -> Outcome:
        if key == BAD:
            raise error
        if len({each for each in scripted.rounds if each != BAD}) == 200:
            pump.stop()
        return Outcome()

    scripted = Scripted(action)
    pump, metrics = pumped(WorkQueue())
    pump.add(BAD)
    for number in range(200):
        pump.add(Key("ns", str(number)))
    await pump.run(scripted)
    assert scripted.rounds.count(BAD) == 1
    assert metrics.reconciles.labels("done")._value.get() == 200
    assert metrics.reconciles.labels("failed")._value.get() == 1
    assert scripted.told == ([] if isinstance(error, RoundFailed) else [(BAD, 1)])


async def test_a_round_that_hangs_holds_one_place_only() -> None:
    async def action(key: Key) -> Outcome:
        if key == BAD:
            await released.wait()
        elif len(scripted.rounds) == 21:
            assert pump.longest_round > 0
            released.set()
            pump.stop()
        return Outcome()

    released = asyncio.Event()
    scripted = Scripted(action)
    pump, _ = pumped(WorkQueue())
    pump.add(BAD)
    for number in range(20):
        pump.add(Key("ns", str(number)))
    await pump.run(scripted)
    assert len(scripted.rounds) == 21


async def test_a_lost_lease_ends_all_rounds() -> None:
    async def action(key: Key) -> Outcome:
        if key == BAD:
            raise LeadershipLost("gone")
        await asyncio.Event().wait()
        raise AssertionError("never here")

    scripted = Scripted(action)
    pump, _ = pumped(WorkQueue())
    pump.add(Key("ns", "other"))
    pump.add(BAD)
    with pytest.raises(LeadershipLost):
        await pump.run(scripted)


async def test_the_server_s_wish_to_wait_is_granted() -> None:
    async def action(_: Key) -> Outcome:
        pump.stop()
        raise KubeError("get", 429, "TooManyRequests", "", retry_after=40.0)

    queue = WorkQueue()
    pump, metrics = pumped(queue, 1)
    pump.add(BAD)
    await pump.run(Scripted(action))
    due = queue.next_due()
    assert due is not None and due - time.monotonic() > 39.0
    assert metrics.reconcile_errors.labels("TooManyRequests")._value.get() == 1


async def test_a_cluster_that_is_gone_is_forgotten() -> None:
    async def action(_: Key) -> Outcome:
        pump.stop()
        return Outcome(gone=True)

    queue = WorkQueue()
    pump, _ = pumped(queue, 1)
    pump.add(BAD)
    await pump.run(Scripted(action))
    assert queue.keys() == []
