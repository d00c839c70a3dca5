"""The chart's plain parts, read without Helm: the operator's rights and settings, the alerts."""

from __future__ import annotations

import re
from typing import Any

import yaml

from chart_values import CHART

Rule = dict[str, list[str]]

_TEMPLATE = re.compile(r"{{-?.*?-?}}", re.DOTALL)


def _plain(name: str) -> str:
    return _TEMPLATE.sub("", (CHART / "templates" / name).read_text())


def operator_rules() -> list[Rule]:
    """The operator's rules where it serves clusters."""
    rules: list[Rule] = yaml.safe_load(_plain("_rules.tpl"))
    return rules


def all_rules() -> list[Rule]:
    """Every rule of every role of the chart."""
    found = operator_rules()
    for name in ("rbac.yaml", "userroles.yaml"):
        for document in yaml.safe_load_all(_without_ends(name)):
            found += (document or {}).get("rules") or []
    return found


def _without_ends(name: str) -> str:
    """Documents of a template, parted also where a condition parts them."""
    text = (CHART / "templates" / name).read_text()
    text = re.sub(r"{{- include [^}]*}}", "", text)
    text = re.sub(r"^ *{{-[^}]*}}\n", "", text, flags=re.MULTILINE)
    return re.sub(r"{{[^}]*}}", "x", text)


def operator_environment() -> set[str]:
    """Variables that the chart sets for the operator."""
    text = (CHART / "templates" / "deployment.yaml").read_text()
    return set(re.findall(r"- name: (UFORA_[A-Z_]+)", text))


def alerts() -> list[dict[str, Any]]:
    """The alerts, as Prometheus reads them."""
    loaded = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]
