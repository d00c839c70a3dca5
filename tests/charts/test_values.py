"""The chart's values, its schema, its templates and its README tell of the same values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chart_values import CHART, defaults, documented, table

_TABLE = re.compile("(<!-- values: .* -->\n).*(<!-- end of values -->)", re.DOTALL)
_USE = re.compile(r"\.Values\.([A-Za-z.]+)")


def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    return loaded


def _leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Paths of the values that a schema allows; what Kubernetes understands is one value."""
    for name, inner in schema["properties"].items():
        here = f"{path}.{name}".strip(".")
        if "properties" in inner:
            yield from _leaves(inner, here)
        else:
            yield here


def _covered(path: str, others: set[str]) -> bool:
    """The path, one within it or one that it is within is among the others."""
    return any(f"{path}.".startswith(f"{o}.") or f"{o}.".startswith(f"{path}.") for o in others)


def test_the_readme_has_a_row_for_each_value(request: pytest.FixtureRequest) -> None:
    readme = CHART / "README.md"
    text = readme.read_text()
    wanted = _TABLE.sub(lambda found: f"{found[1]}{table()}\n{found[2]}", text)
    if request.config.getoption("--update-cases"):
        readme.write_text(wanted)
        return
    assert text == wanted


def test_every_value_has_a_comment_and_the_schema_knows_each_and_no_other() -> None:
    paths = {value.path for value in documented()}
    # Helm gives every chart `global`; `resources` is one value here, with three parts there.
    allowed = {path for path in _leaves(_schema()) if path != "global"}
    assert {path for path in paths if not _covered(path, allowed)} == set()
    assert {path for path in allowed if not _covered(path, paths)} == set()


def test_every_default_is_where_the_schema_has_it() -> None:
    def walk(schema: dict[str, Any], values: dict[str, Any]) -> Iterator[str]:
        for name, value in values.items():
            inner = schema["properties"].get(name)
            if inner is None:
                yield name
            elif isinstance(value, dict) and "properties" in inner:
                yield from walk(inner, value)

    assert list(walk(_schema(), defaults())) == []


def test_the_schema_refuses_unknown_keys_at_every_level() -> None:
    def open_levels(schema: dict[str, Any], path: str) -> Iterator[str]:
        if "properties" in schema and schema["additionalProperties"] is not False:
            yield path
        for name, inner in schema.get("properties", {}).items():
            if name != "extraEnv":
                yield from open_levels(inner, f"{path}.{name}")

    assert list(open_levels(_schema(), "")) == []


def test_every_value_takes_effect_and_no_template_uses_another() -> None:
    templates = [*(CHART / "templates").rglob("*.*")]
    used = {path.strip(".") for file in templates for path in _USE.findall(file.read_text())}
    paths = {value.path for value in documented()}
    assert {path for path in paths if not _covered(path, used)} == set()
    assert {path for path in used if not _covered(path, paths)} == set()


def test_the_releases_of_chart_and_images_are_those_of_the_operator() -> None:
    from ufora_operator import __version__

    chart = (CHART / "Chart.yaml").read_text()
    assert re.findall(r"^(?:appV|v)ersion: (.*)$", chart, re.MULTILINE) == [__version__] * 2
    images = defaults()["images"]
    assert images["operator"] == f"ufora/operator:{__version__}"
    assert images["cluster"] == f"ufora/manager:{__version__}"
