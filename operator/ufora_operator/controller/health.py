"""The port for the kubelet and for Prometheus: ``/healthz``, ``/readyz`` and ``/metrics``."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.vitals import Vitals


def health_app(vitals: Vitals, metrics: Metrics, measure: Callable[[], None]) -> web.Application:
    """The three pages; ``measure`` brings up to date what is only measured when asked for."""

    async def healthz(_: web.Request) -> web.Response:
        return _verdict(vitals.ailing())

    async def readyz(_: web.Request) -> web.Response:
        return _verdict(vitals.unready())

    async def metrics_page(_: web.Request) -> web.Response:
        measure()
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_page)
    return app


def _verdict(fault: str | None) -> web.Response:
    if fault is None:
        return web.Response(text="ok\n")
    return web.Response(status=503, text=f"{fault}\n")
