"""Asking managers, over HTTP, some of which hang or lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.poller import BUSY, CALM, Poller, Target, service_address
from ufora_operator.controller.queue import Key

DEMO = Key("ns", "demo")


def answer(**changes: Any) -> dict[str, Any]:
    worker = {
        "name": "demo-worker-0",
        "executors": 2,
        "idle": 1,
        "python": "3.11",
        "release": "0.1.0",
        "roots": 0,
        "something_new": True,
    }
    return {
        "release": "0.1.0",
        "protocol": 1,
        "manager": {"name": "demo-manager-x", "since": 5.0, "tokens": ["f1"]},
        "idle_since": None,
        "retire_orders": [],
        "workers": [worker],
        **changes,
    }


@dataclass(slots=True)
class Managers:
    """Managers by cluster name; each is a function of the request."""

    by_name: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]]
    port: int = 0
    asked: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name, path = request.match_info["name"], request.match_info["path"]
        self.asked.append(f"{request.method} {name} /{path}")
        return await self.by_name[name](request)

    def address(self, key: Key, _: int) -> str:
        return f"http://127.0.0.1:{self.port}/{key.name}"


@asynccontextmanager
async def polling(
    managers: Managers, limit: float = 0.3
) -> AsyncIterator[tuple[Poller, asyncio.Queue[Key]]]:
    changed: asyncio.Queue[Key] = asyncio.Queue()
    app = web.Application()
    app.router.add_route("*", "/{name}/{path:.*}", managers.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    managers.port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        poller = Poller(
            session,
            changed=changed.put_nowait,
            metrics=Metrics("0.1.0"),
            now=lambda: 1000.0,
            address=managers.address,
            limit=limit,
        )
        try:
            yield poller, changed
        finally:
            await poller.close()
            await runner.cleanup()


async def healthy(request: web.Request) -> web.StreamResponse:
    return web.json_response(answer())


async def hung(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("never here")


async def test_a_report_says_what_the_manager_says_and_when_it_was_asked() -> None:
    async with polling(Managers({"demo": healthy})) as (poller, changed):
        assert poller.report(DEMO) is None
        poller.follow(DEMO, Target(30000))
        assert await changed.get() == DEMO
        report = poller.report(DEMO)
    assert report is not None and report.fresh is not None
    assert (report.at, report.fresh.workers[0].executors) == (1000.0, 2)


async def test_a_manager_that_hangs_delays_none_of_200_others() -> None:
    names = [f"c{number}" for number in range(200)]
    managers = Managers({**dict.fromkeys(names, healthy), "poisoned": hung})
    async with polling(managers, limit=60.0) as (poller, changed):
        poller.follow(Key("ns", "poisoned"), Target(30000))
        for name in names:
            poller.follow(Key("ns", name), Target(30000))
        told = {(await changed.get()).name for _ in names}
        assert told == set(names)
        assert poller.report(Key("ns", "poisoned")) is None


async def test_a_manager_that_does_not_answer_is_unreachable_and_what_it_said_is_kept() -> None:
    managers = Managers({"demo": healthy})
    async with polling(managers) as (poller, changed):
        poller.follow(DEMO, Target(30000))
        await changed.get()
        managers.by_name["demo"] = hung
        poller.follow(DEMO, Target(30000, pending=0.01))
        await changed.get()
        report = poller.report(DEMO)
    assert report is not None
    assert report.unreachable == "no answer within 0.3 s"
    assert report.fresh is None and report.facts is not None


async def test_a_manager_that_lies_or_talks_too_much_is_not_believed() -> None:
    async def nonsense(_: web.Request) -> web.StreamResponse:
        return web.json_response({"release": 7})

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" " * 100_000)
        return response

    async def redirecting(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://elsewhere/")

    async def broken(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "no"}, status=500)

    cases = {
        "nonsense": (nonsense, "not one that this release understands"),
        "endless": (endless, "longer than"),
        "redirecting": (redirecting, "it answered 302"),
        "broken": (broken, "it answered 500"),
    }
    managers = Managers({name: case[0] for name, case in cases.items()})
    async with polling(managers, limit=10.0) as (poller, changed):
        for name in cases:
            poller.follow(Key("ns", name), Target(30000))
        for _ in cases:
            key = await changed.get()
            report = poller.report(key)
            assert report is not None and report.facts is None
            assert report.unreachable is not None and cases[key.name][1] in report.unreachable


async def test_the_second_token_is_tried_when_the_first_is_not_known() -> None:
    async def strict(request: web.Request) -> web.StreamResponse:
        known = request.headers.get("Authorization") == "Bearer t2"
        return web.json_response(answer(), status=200 if known else 401)

    async with polling(Managers({"demo": strict})) as (poller, changed):
        poller.follow(DEMO, Target(30000, tokens=("t1", "t2")))
        await changed.get()
        report = poller.report(DEMO)
        assert report is not None and report.fresh is not None
        poller.follow(DEMO, Target(30000, tokens=("t3",)))
        await changed.get()
        report = poller.report(DEMO)
        assert report is not None and report.unreachable is not None
        assert "does not know the token" in report.unreachable
        assert "t3" not in report.unreachable


async def test_orders_go_out_before_the_next_question_and_make_the_old_report_overtaken() -> None:
    managers = Managers({"demo": healthy})
    async with polling(managers) as (poller, changed):
        poller.follow(DEMO, Target(30000))
        await changed.get()
        seen = list[bool]()

        async def retiring(request: web.Request) -> web.StreamResponse:
            report = poller.report(DEMO)
            assert report is not None
            seen.append(report.overtaken)
            if request.method == "POST":
                assert await request.json() == {"exit": False}
            return web.json_response(answer(retire_orders=["demo-worker-1"]))

        managers.by_name["demo"] = retiring
        orders = Target(30000, retire=("demo-worker-1",), unretire=("demo-worker-0",))
        poller.follow(DEMO, orders)
        await changed.get()
        report = poller.report(DEMO)
    assert report is not None and report.fresh is not None
    assert report.fresh.retire_orders == ("demo-worker-1",)
    assert seen == [True, True, True]
    assert sorted(managers.asked[1:3]) == [
        "DELETE demo /api/v1/workers/demo-worker-0/retire",
        "POST demo /api/v1/workers/demo-worker-1/retire",
    ]
    assert managers.asked[3] == "GET demo /api/v1/cluster"


async def test_how_busy_workers_are_is_no_reason_for_a_round() -> None:
    busy = [False]

    async def changing(_: web.Request) -> web.StreamResponse:
        facts = answer()
        facts["workers"][0]["idle"] = len(managers.asked)
        return web.json_response(answer(release="0.2.0") if busy[0] else facts)

    managers = Managers({"demo": changing})
    async with polling(managers) as (poller, changed):
        poller.follow(DEMO, Target(30000, pending=0.001))
        await changed.get()
        while len(managers.asked) < 5:
            await asyncio.sleep(0)
        assert changed.empty()
        busy[0] = True
        await changed.get()


async def test_nobody_is_asked_any_more_once_there_is_nobody() -> None:
    async with polling(Managers({"demo": healthy})) as (poller, changed):
        poller.follow(DEMO, Target(30000))
        await changed.get()
        poller.follow(DEMO, None)
        assert poller.report(DEMO) is None


def test_managers_are_asked_more_often_while_something_is_under_way() -> None:
    assert Target(30000).interval == CALM
    assert Target(30000, pending=15.0).interval == BUSY
    assert Target(30000, pending=2.0).interval == 2.0


def test_a_manager_is_found_by_its_service() -> None:
    assert service_address(DEMO, 31000) == "http://demo-manager.ns.svc:31000"


async def test_a_report_is_overtaken_as_soon_as_an_order_waits() -> None:
    """Else a decision in between could rest on what was so before the order."""
    orders = asyncio.Event()

    async def slow_to_obey(request: web.Request) -> web.StreamResponse:
        if request.method != "GET":
            await orders.wait()
        return web.json_response(answer())

    async with polling(Managers({"demo": slow_to_obey}), limit=60.0) as (poller, changed):
        poller.follow(DEMO, Target(30000))
        await changed.get()
        poller.follow(DEMO, Target(30000, unretire=("demo-worker-1",)))
        report = poller.report(DEMO)
        assert report is not None and report.overtaken and report.fresh is None
        orders.set()
        await changed.get()
        report = poller.report(DEMO)
        assert report is not None and not report.overtaken
