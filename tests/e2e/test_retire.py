"""Workers of a real cluster retire and come back while it works."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pyfora

#: Seconds in which everything that is awaited here must have happened, on a loaded machine too.
PATIENCE = 30.0


def request(local: pyfora.LocalCluster, method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{local.url}{path}", data, headers, method=method)
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


def worker(local: pyfora.LocalCluster, name: str) -> dict[str, Any]:
    workers = request(local, "GET", "/api/v1/cluster")["workers"]
    found: dict[str, Any] = next(each for each in workers if each["name"] == name)
    return found


def wait_until(condition: Callable[[], bool], what: str) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE, f"not within {PATIENCE} s: {what}"
        time.sleep(0.02)


def test_a_worker_that_retires_in_the_middle_of_a_loop_loses_nothing() -> None:
    with pyfora.LocalCluster(workers=2, cores_per_worker=1) as local, local.connect() as cluster:
        names = [each["name"] for each in request(local, "GET", "/api/v1/cluster")["workers"]]
        # Text is made, so no native code ends this before anybody can retire.
        future = cluster.submit(lambda: sum(len(str(n)) for n in range(6_000_000)))
        for name in names * 2:
            path = f"/api/v1/workers/{name}/retire"
            request(local, "POST", path, {"exit": False})
            request(local, "DELETE", path)
        assert future.result(timeout=PATIENCE) == sum(len(str(n)) for n in range(6_000_000))
        path = f"/api/v1/workers/{names[0]}/retire"
        request(local, "POST", path, {"exit": False})
        wait_until(lambda: bool(worker(local, names[0])["retiring"]["empty"]), "it is empty")
        assert cluster.submit(pow, 2, 10).result(timeout=PATIENCE) == 1024
        request(local, "DELETE", path)
        assert worker(local, names[0])["retiring"] is None
