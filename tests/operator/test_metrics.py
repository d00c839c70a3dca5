"""What Prometheus reads."""

from __future__ import annotations

import io
import json
import logging

from prometheus_client import generate_latest

from ufora_operator.controller.logs import ROUND, JsonFormatter, log_as_json
from ufora_operator.controller.metrics import Metrics


def lines(metrics: Metrics, name: str) -> list[str]:
    text = generate_latest(metrics.registry).decode()
    return [line for line in text.splitlines() if line.startswith(name)]


def test_clusters_are_counted_by_condition_and_a_cluster_that_is_gone_no_more() -> None:
    metrics = Metrics("0.1.0")
    ready, broken = (
        {"type": "Available", "status": "True", "reason": "Ready"},
        {"type": "Available", "status": "False", "reason": "NoWorkers"},
    )
    metrics.tally.put("a", [ready])
    metrics.tally.put("b", [ready])
    metrics.tally.put("b", [broken])
    metrics.tally.put("b", [broken])
    assert lines(metrics, "ufora_operator_clusters") == [
        'ufora_operator_clusters{condition="Available",reason="Ready",status="True"} 1.0',
        'ufora_operator_clusters{condition="Available",reason="NoWorkers",status="False"} 1.0',
    ]
    metrics.tally.drop("a")
    assert lines(metrics, "ufora_operator_clusters")[0].endswith(" 0.0")


def test_calls_are_counted_by_verb_and_code() -> None:
    metrics = Metrics("0.1.0")
    metrics.api_requests.labels("apply", "409").inc()
    assert lines(metrics, "ufora_operator_api_requests_total") == [
        'ufora_operator_api_requests_total{code="409",verb="apply"} 1.0'
    ]


def test_a_line_of_the_log_is_json_and_names_its_round() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    record = logging.LogRecord("ufora_operator.x", logging.INFO, "", 0, "%s!", ("hello",), None)
    token = ROUND.set({"namespace": "ns", "cluster": "demo", "reconcile": 7, "generation": 2})
    handler.emit(record)
    ROUND.reset(token)
    line = json.loads(stream.getvalue())
    assert line.pop("time")
    assert line == {
        "level": "info",
        "logger": "ufora_operator.x",
        "message": "hello!",
        "namespace": "ns",
        "cluster": "demo",
        "reconcile": 7,
        "generation": 2,
    }


def test_of_libraries_only_warnings_are_logged() -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        log_as_json("info", stream)
        logging.getLogger("kopf").info("chatter")
        logging.getLogger("ufora_operator.x").info("ours")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
        logging.getLogger("ufora_operator").setLevel(logging.NOTSET)
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["ours"]
