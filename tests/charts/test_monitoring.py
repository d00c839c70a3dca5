"""Alerts and dashboard use metrics that there are, and each alert has its page in the runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart_rules import alerts
from chart_values import CHART
from ufora_operator.controller.metrics import Metrics
from ufora_operator.plan.reasons import Reason

ROOT = CHART.parent.parent
_SAMPLE = re.compile(r"\bufora_[a-z_]+\b(?:{([^}]*)})?")
_LABEL = re.compile(r"([a-z_]+)(?:=~|!=|=)\"")


def _metrics() -> dict[str, set[str]]:
    """Names of samples -> the labels that they can have, as the operator exposes them."""
    metrics = Metrics("0")
    names = metrics.registry._names_to_collectors
    return {name: set(getattr(metric, "_labelnames", ())) for name, metric in names.items()}


def _expressions() -> Iterator[str]:
    yield from (alert["expr"] for alert in alerts())
    yield from (target["expr"] for panel in _panels() for target in panel["targets"])


def _panels() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((CHART / "files/dashboard.json").read_text())[
        "panels"
    ]
    return loaded


def _anchors(document: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_alerts_and_dashboard_use_metrics_and_labels_that_there_are() -> None:
    known, wrong = _metrics(), []
    for expression in _expressions():
        for sample in _SAMPLE.finditer(expression):
            name = sample[0].partition("{")[0]
            labels = set(_LABEL.findall(sample[1] or ""))
            if name not in known or not labels <= known[name]:
                wrong.append(sample[0])
    assert wrong == []


def test_every_metric_of_the_operator_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in _panels() for target in panel["targets"])
    families = {re.sub("_(total|bucket|count|sum|created|info)$", "", n) for n in _metrics()}
    assert {each for each in families if each not in shown} == {"ufora_operator_build"}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_is_wrong_and_has_a_page_in_the_runbook(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    annotations = alert["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert annotations["summary"].endswith(".") and annotations["description"].endswith(".")
    assert annotations["runbook_url"] == f"#{alert['alert'].lower()}"
    assert annotations["runbook_url"][1:] in _anchors(ROOT / "docs/runbook.md")


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    sections = re.findall(r"^### (Ufora\w+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    assert sections == [alert["alert"] for alert in alerts()]


def test_the_runbook_knows_every_reason_and_no_other() -> None:
    rows = re.findall(r"^\| (`[A-Z].*?) \|", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(Reason)


def test_every_alert_has_a_case_for_promtool() -> None:
    cases = yaml.safe_load((Path(__file__).parent / "alerts.promtool.yaml").read_text())
    tried = {each["alertname"] for case in cases["tests"] for each in case["alert_rule_test"]}
    assert tried == {alert["alert"] for alert in alerts()}


def test_alerts_compare_with_words_that_the_operator_says() -> None:
    sources = (ROOT / "operator/ufora_operator/controller").glob("*.py")
    said = set(re.findall(r'"([a-z]+)"', " ".join(path.read_text() for path in sources)))
    compared = {
        word
        for alert in alerts()
        for word in re.findall(r'(?:result|why)!?="([^"]*)"', alert["expr"])
    }
    assert compared == {"answered", "drifted", "forced"}
    assert compared <= said
