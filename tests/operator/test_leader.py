"""Which of several operators works, on one Lease and clocks of the test."""

from __future__ import annotations

import asyncio

import pytest

from fake_kubernetes import FakeStore
from operator_rig import InMemoryKube
from ufora_operator.controller.fence import Fence
from ufora_operator.controller.kinds import LEASE, Ref
from ufora_operator.controller.leader import Clocks, Leader
from ufora_operator.errors import KubeError, LeadershipLost
from ufora_operator.settings import LeaseSettings

PLACE = Ref(LEASE, "ufora-system", "ufora-operator")


class Time:
    """A clock that only sleepers move: whoever sleeps gets what comes next in time."""

    def __init__(self) -> None:
        self.now = 100.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, future))
        await future

    async def pass_until(self, when: float) -> None:
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            due = [each for each in self._sleepers if each[0] <= when]
            if not due:
                break
            first = min(due, key=lambda each: each[0])
            self._sleepers.remove(first)
            self.now = max(self.now, first[0])
            if not first[1].done():
                first[1].set_result(None)
        self.now = when


class Candidate:
    """An operator, its fence, and its own view of the API server."""

    def __init__(self, store: FakeStore, time: Time, identity: str, ahead: float = 0.0) -> None:
        self.kube = InMemoryKube(store)
        # Clocks of two machines need not agree.
        self.fence = Fence(lambda: time.now + ahead)
        self.leader = Leader(
            self.kube,
            LeaseSettings(),
            namespace="ufora-system",
            identity=identity,
            fence=self.fence,
            clocks=Clocks(lambda: time.now + ahead, lambda: time.now - ahead, time.sleep),
        )
        self.task = asyncio.create_task(self._lead())

    async def _lead(self) -> None:
        await self.leader.acquire()
        await self.leader.keep()

    async def kill(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def holder(store: FakeStore) -> str:
    return str(store.get(PLACE)["spec"]["holderIdentity"])


async def test_the_first_leads_and_the_second_waits() -> None:
    store, time = FakeStore(), Time()
    a = Candidate(store, time, "a")
    await time.pass_until(101.0)
    b = Candidate(store, time, "b", ahead=1000.0)
    await time.pass_until(200.0)
    assert (holder(store), a.fence.is_open, b.fence.is_open) == ("a", True, False)
    await a.kill()
    await b.kill()


async def test_after_a_kill_the_other_takes_over_within_20_seconds_and_they_never_both_write() -> (
    None
):
    store, time = FakeStore(), Time()
    a = Candidate(store, time, "a", ahead=-500.0)
    await time.pass_until(101.0)
    b = Candidate(store, time, "b")
    await time.pass_until(150.0)
    await a.kill()
    killed = time.now
    while not b.fence.is_open:
        await time.pass_until(time.now + 0.5)
        assert not (a.fence.is_open and b.fence.is_open)
        assert time.now - killed < 20.0
    assert store.get(PLACE)["spec"]["leaseTransitions"] == 1
    await b.kill()


async def test_a_leader_that_cannot_renew_stops_writing_before_another_may_begin() -> None:
    store, time = FakeStore(), Time()
    a, b = Candidate(store, time, "a"), Candidate(store, time, "b")
    await time.pass_until(120.0)
    a.kube.hook = _unreachable
    opened: list[tuple[bool, bool]] = []
    while time.now < 160.0:
        await time.pass_until(time.now + 0.25)
        opened.append((a.fence.is_open, b.fence.is_open))
    assert (True, True) not in opened
    assert opened[-1] == (False, True)
    with pytest.raises(LeadershipLost, match="was not renewed within 10 s"):
        await a.task
    with pytest.raises(LeadershipLost):
        a.fence.check("apply Service ns/x", 10.0)
    await b.kill()


async def test_a_write_must_be_over_before_the_lease_may_be_anothers() -> None:
    time = Time()
    fence = Fence(lambda: time.now)
    fence.open_until(110.0, 115.0)
    assert fence.check("apply", 10.0) == 10.0
    time.now = 109.0
    assert fence.check("apply", 10.0) == 6.0


async def test_one_short_outage_costs_no_leadership() -> None:
    store, time = FakeStore(), Time()
    a = Candidate(store, time, "a")
    await time.pass_until(120.0)
    a.kube.hook = _unreachable
    await time.pass_until(127.0)
    a.kube.hook = None
    await time.pass_until(160.0)
    assert a.fence.is_open
    await a.kill()


async def test_a_lease_that_is_given_back_is_taken_at_once() -> None:
    store, time = FakeStore(), Time()
    a, b = Candidate(store, time, "a"), Candidate(store, time, "b")
    await time.pass_until(120.0)
    await a.kill()
    await a.leader.release()
    assert not a.fence.is_open
    await time.pass_until(123.0)
    assert (holder(store), b.fence.is_open) == ("b", True)
    await b.kill()


async def test_of_two_that_try_at_the_same_moment_one_wins() -> None:
    store, time = FakeStore(), Time()
    candidates = [Candidate(store, time, str(number)) for number in range(5)]
    await time.pass_until(103.0)
    assert sum(each.fence.is_open for each in candidates) == 1
    for each in candidates:
        await each.kill()


async def test_a_leader_whose_lease_was_taken_stops_at_once() -> None:
    store, time = FakeStore(), Time()
    a = Candidate(store, time, "a")
    await time.pass_until(120.0)
    store.edit(PLACE, lambda lease: lease["spec"].update(holderIdentity="thief"))
    await time.pass_until(123.0)
    assert not a.fence.is_open
    with pytest.raises(LeadershipLost):
        await a.task


async def test_a_renewal_whose_answer_was_lost_is_still_ours() -> None:
    store, time = FakeStore(), Time()
    a = Candidate(store, time, "a")
    await time.pass_until(120.0)
    store.edit(PLACE, lambda lease: lease["spec"].update(renewTime="later"))
    await time.pass_until(130.0)
    assert a.fence.is_open
    await a.kill()


def _unreachable(call: str) -> None:
    raise KubeError(call, 0, "Unreachable", "")
