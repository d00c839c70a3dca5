"""Liveness, readiness and metrics, over HTTP."""

from __future__ import annotations

import aiohttp
from aiohttp.test_utils import TestServer

from ufora_operator.controller.health import health_app
from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.vitals import Limits, Vitals, WatchClock


class Rigged:
    """Vitals on a clock of the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.round = 0.0
        self.metrics = Metrics("1.2.3")
        self.watches = WatchClock(lambda: self.now)
        self.vitals = Vitals(
            self.watches,
            longest_round=lambda: self.round,
            metrics=self.metrics,
            clock=lambda: self.now,
            limits=Limits(lag=20.0, round=300.0, watch=300.0),
        )

    def turn(self, seconds: float, *heard: str) -> None:
        """Time passes, the loop turns, and these watches are heard of."""
        self.now += seconds
        self.vitals.look()
        for path in heard:
            self.watches.beat(path)


def test_a_process_is_ready_once_every_watch_was_open() -> None:
    rig = Rigged()
    assert "no CRD" in (rig.vitals.unready() or "")
    rig.watches.expect(["/pods", "/services"])
    rig.watches.beat("/pods")
    assert rig.vitals.unready() == "waiting for the first list of /services"
    rig.watches.beat("/services")
    assert rig.vitals.unready() is None


def test_a_loop_that_does_not_turn_is_dead() -> None:
    rig = Rigged()
    rig.turn(10.0)
    assert rig.vitals.ailing() is None
    rig.now += 21.0
    assert rig.vitals.ailing() == "the event loop has not turned for 21 s"


def test_a_round_that_does_not_end_is_dead() -> None:
    rig = Rigged()
    rig.round = 301.0
    assert rig.vitals.ailing() == "a round has been running for 301 s"


def test_a_watch_that_is_not_heard_of_is_dead_although_others_are() -> None:
    rig = Rigged()
    rig.watches.expect(["/pods", "/services"])
    for _ in range(20):
        rig.turn(15.0, "/pods")
    assert rig.vitals.ailing() is None
    rig.turn(15.0, "/pods")
    assert rig.vitals.ailing() == "nothing has been heard of the watch /services for 315 s"
    rig.watches.beat("/services")
    assert rig.vitals.ailing() is None


def test_a_path_that_nobody_expects_is_no_watch() -> None:
    rig = Rigged()
    rig.watches.expect(["/pods"])
    rig.watches.beat("/api")
    assert list(rig.watches.ages()) == ["/pods"]


async def test_the_pages() -> None:
    rig = Rigged()
    rig.watches.expect(["/pods"])
    app = health_app(rig.vitals, rig.metrics, rig.vitals.measure)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:

        async def page(path: str) -> tuple[int, str]:
            async with session.get(server.make_url(path)) as answer:
                return answer.status, await answer.text()

        assert await page("/healthz") == (200, "ok\n")
        assert await page("/readyz") == (503, "waiting for the first list of /pods\n")
        rig.now += 60.0
        assert (await page("/healthz"))[0] == 503
        status, text = await page("/metrics")
    assert status == 200
    assert 'ufora_operator_watch_age_seconds{resource="/pods"} 60.0' in text
    assert 'ufora_operator_build_info{version="1.2.3"} 1.0' in text
