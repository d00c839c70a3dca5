"""Alerts and dashboard use metrics that there are, and each alert has its page in the runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from chart_rules import alerts
from chart_values import CHART
from operator_sights import NOW, cluster_of, observed, plan_for, pod
from ufora_manager.metrics import exposition
from ufora_manager.scheduler.state import State
from ufora_operator.controller.metrics import Metrics
from ufora_operator.plan.reasons import Reason
from ufora_operator.status.build import status_of

ROOT = CHART.parent.parent
_SAMPLE = re.compile(r"\bufora_[a-z_]+\b(?:{([^}]*)})?")
_LABEL = re.compile(r"([a-z_]+)(?:=~|!=|=)\"")


def _managers() -> dict[str, set[str]]:
    """The same of a manager."""
    text = exposition(State(), started_at=0, journal_works=True, journal_failures=0)
    return {
        name: set(re.findall(rf'^{name}{{(\w+)="', text, re.MULTILINE))
        for name in re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)
    }


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
    known, wrong = _metrics() | _managers(), []
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


def test_every_alert_has_a_case_for_promtool() -> None:
    cases = yaml.safe_load((Path(__file__).parent / "alerts.promtool.yaml").read_text())
    tried = {each["alertname"] for case in cases["tests"] for each in case["alert_rule_test"]}
    assert tried == {alert["alert"] for alert in alerts()}


def test_alerts_and_dashboard_ask_for_reasons_that_there_are() -> None:
    asked = {word for text in _expressions() for word in re.findall(r'reason!?="([^"]*)"', text)}
    assert asked and asked <= {str(reason) for reason in Reason}


@pytest.mark.parametrize("plan", ["suspending", "suspended"])
def test_a_cluster_that_is_suspended_is_not_counted_among_the_unavailable(
    plan: Literal["suspending", "suspended"],
) -> None:
    cluster, seen = cluster_of(suspend=True), observed(pod(0))
    decided = replace(plan_for(cluster, seen, None), suspended=plan)
    conditions = status_of(cluster, seen, None, decided, NOW, "0")["conditions"]
    assert isinstance(conditions, list)
    [found] = [each for each in conditions if each["type"] == "Available"]
    [alert] = [each for each in alerts() if each["alert"] == "UforaClusterUnavailable"]
    assert found["status"] == "False"
    assert f'reason!="{found["reason"]}"' in alert["expr"]


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
