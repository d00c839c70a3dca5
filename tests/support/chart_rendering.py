"""The chart as Helm renders it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from chart_values import CHART

Manifest = dict[str, Any]

#: Read before a test's environment is cleaned.
_HELM = os.environ.get("HELM", "helm")


def helm() -> str:
    """The path of helm; without it the test fails and says what to do."""
    found = shutil.which(_HELM)
    if found is None:
        pytest.fail(
            f"these tests render the chart with Helm, and there is no {_HELM}: install it, or say "
            "where it is (HELM=...)",
            pytrace=False,
        )
    return found


def rendered(
    values: Mapping[str, Any] | None = None,
    *,
    name: str = "ufora",
    namespace: str = "here",
    options: tuple[str, ...] = (),
) -> list[Manifest]:
    """All manifests of a release. Raises ValueError with Helm's words when it refuses."""
    command = [helm(), "template", name, str(CHART), f"--namespace={namespace}", "--values=-"]
    command += options
    done = subprocess.run(
        command, input=json.dumps(values or {}), capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise ValueError(done.stderr)
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def only(manifests: list[Manifest], kind: str, suffix: str = "") -> Manifest:
    """The one manifest of a kind whose name ends so."""
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"].endswith(suffix)]
    assert len(found) == 1, [m["metadata"]["name"] for m in found]
    return found[0]


def pod_specs(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and specs of all pods, also of those in templates."""
    for manifest in manifests:
        if manifest["kind"] == "Pod":
            yield manifest["metadata"]["name"], manifest["spec"]
        elif "template" in manifest.get("spec", {}):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]


def strings(value: Any) -> Iterator[str]:
    """Every string in a manifest."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
