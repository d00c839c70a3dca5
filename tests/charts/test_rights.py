"""The rights that the chart gives: what the operator's calls need, without wildcards."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from chart_rules import all_rules, operator_environment, operator_rules
from chart_values import CHART
from ufora_operator import settings
from ufora_operator.controller import kinds


def _granted() -> dict[tuple[str, str], set[str]]:
    granted: dict[tuple[str, str], set[str]] = {}
    for rule in operator_rules():
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                granted.setdefault((group, resource), set()).update(rule["verbs"])
    return granted


def test_no_rule_has_a_wildcard() -> None:
    rules = all_rules()
    assert len(rules) > len(operator_rules())
    assert [rule for rule in rules if "*" in str(rule)] == []


def test_every_kind_of_child_can_be_read_made_changed_and_removed() -> None:
    granted = _granted()
    for kind in kinds.CHILDREN:
        verbs = granted[kind.group, kind.plural]
        seen = set() if kind in kinds.READ_BY_NAME else {"list", "watch"}
        assert {"get", "create", "patch"} | seen <= verbs, kind


def test_secrets_are_neither_listed_nor_watched_nor_deleted() -> None:
    assert _granted()["", "secrets"] == {"get", "create", "patch"}


def test_volumes_are_never_deleted() -> None:
    assert "delete" not in _granted()["", "persistentvolumeclaims"]


def test_the_operator_cannot_change_a_spec_nor_use_pods_as_its_own() -> None:
    granted = _granted()
    assert not {"patch", "update", "create"} & granted["ufora.io", "uforaclusters"]
    assert ("", "pods/exec") not in granted and "create" not in granted["", "pods"]


def test_the_chart_sets_every_setting_of_the_operator_and_no_other() -> None:
    text = Path(settings.__file__).read_text()
    known = {
        "UFORA_OPERATOR_" + argument.value
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "read"
        and isinstance(argument := call.args[0], ast.Constant)
        and isinstance(argument.value, str)
    }
    assert operator_environment() == known


def test_the_operator_s_readme_has_each_setting() -> None:
    readme = (CHART.parent.parent / "operator" / "README.md").read_text()
    rows = set(re.findall(r"^\| `(UFORA_OPERATOR_[A-Z_]+)` \|", readme, re.MULTILINE))
    assert rows == operator_environment()
