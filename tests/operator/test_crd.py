"""The CustomResourceDefinition: what is written down, what an API server demands of a schema, and
that every field is explained and has an effect on the types that decode it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from operator_sights import NOW, cluster_of, observed, plan_for, pod, report, retiring, worker
from operator_strategies import complete
from ufora_operator import __version__
from ufora_operator.api import reference
from ufora_operator.api.crd import crd, resource_schema, text
from ufora_operator.api.structure import faults
from ufora_operator.status.build import status_of

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "crds" / "uforaclusters.ufora.io.yaml"
REFERENCE = ROOT / "docs" / "uforacluster.md"
#: Kubernetes' limit for the annotation in which a plain ``kubectl apply`` keeps an object.
ANNOTATION_BYTES = 262_144


def _schemas(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in a schema, by its path."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from _schemas(part, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from _schemas(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from _schemas(schema["additionalProperties"], f"{path}{{}}")


SCHEMAS = dict(_schemas(resource_schema()))


def test_the_definition_is_written_down(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--update-cases"):
        WRITTEN.parent.mkdir(exist_ok=True)
        WRITTEN.write_text(text(), "utf-8")
    assert WRITTEN.read_text("utf-8") == text(), "run pytest with --update-cases, read the diff"


def test_the_reference_is_written_down(pytestconfig: pytest.Config) -> None:
    written = REFERENCE.read_text("utf-8")
    introduction, found, _ = written.partition("## Rules\n")
    if pytestconfig.getoption("--update-cases"):
        written = introduction + reference.text()
        REFERENCE.write_text(written, "utf-8")
    assert written == introduction + reference.text(), "run pytest with --update-cases"
    assert found


def test_a_plain_apply_can_keep_the_definition_in_an_annotation() -> None:
    compact = json.dumps(crd(), separators=(",", ":"))
    assert yaml.safe_load(text()) == crd()
    assert len(compact) < 60_000
    assert len(text()) < ANNOTATION_BYTES


def test_every_field_is_explained_in_a_sentence() -> None:
    fields = {
        path: schema
        for path, schema in SCHEMAS.items()
        if path.startswith(("spec", "status"))
        and not path.endswith(("[]", "{}"))
        # Of the patch the schema names only what a rule looks at.
        and ".podPatch.spec." not in path
    }
    assert len(fields) > 150
    unexplained = [
        path
        for path, schema in fields.items()
        if not schema.get("description", "").endswith((".", "..."))
    ]
    assert unexplained == []


def test_the_schemas_are_structural() -> None:
    for path, schema in SCHEMAS.items():
        assert not {"$ref", "$defs", "title", "oneOf", "allOf"} & schema.keys(), path
        assert not {"properties", "additionalProperties"} <= schema.keys(), path
        if schema.get("x-kubernetes-int-or-string"):
            assert "type" not in schema and len(schema["anyOf"]) == 2, path
        else:
            assert schema["type"] in {"object", "array", "string", "integer", "boolean"}, path


def test_what_a_rule_goes_through_is_bounded() -> None:
    """CEL's costs are estimated from the largest value that the schema allows."""
    for path, schema in SCHEMAS.items():
        if path.startswith("spec") and schema.get("type") == "array":
            assert "maxItems" in schema, path


def test_a_cluster_without_a_spec_gets_a_whole_one() -> None:
    spec = SCHEMAS["spec"]["default"]
    assert spec["image"] == f"ufora/manager:{__version__}"
    assert spec["workers"]["drain"] == {"timeoutSeconds": 600, "onTimeout": "Wait"}
    for path, schema in SCHEMAS.items():
        if path.startswith("spec") and "default" in schema and schema["type"] == "object":
            assert schema["default"].keys() >= {
                name for name, part in schema.get("properties", {}).items() if "default" in part
            }, path


def test_a_field_has_a_default_or_must_be_given_or_may_be_left_out() -> None:
    for path, schema in SCHEMAS.items():
        for name in schema.get("required", ()):
            assert "default" not in schema["properties"][name], f"{path}.{name}"


def test_lists_that_several_people_write_are_merged_by_their_keys() -> None:
    keys = {
        path: schema["x-kubernetes-list-map-keys"]
        for path, schema in SCHEMAS.items()
        if schema.get("x-kubernetes-list-type") == "map"
    }
    assert keys == {
        "spec.imagePullSecrets": ["name"],
        "spec.manager.env": ["name"],
        "spec.workers.env": ["name"],
        "status.conditions": ["type"],
        "status.retiring": ["name"],
    }


def test_autoscalers_find_what_they_need() -> None:
    [version] = crd()["spec"]["versions"]
    scale = version["subresources"]["scale"]
    assert scale == {
        "specReplicasPath": ".spec.workers.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    assert {path.lstrip(".") for path in scale.values()} <= SCHEMAS.keys()


def test_the_printed_columns_are_fields() -> None:
    [version] = crd()["spec"]["versions"]
    paths = [column["jsonPath"].lstrip(".") for column in version["additionalPrinterColumns"]]
    known = SCHEMAS.keys() | {"metadata.creationTimestamp"}
    assert [path for path in paths if path.partition("[")[0] not in known] == []


def test_the_status_that_is_written_is_the_one_that_is_described() -> None:
    cluster = cluster_of(workers__replicas=2, auth__rotation="2026", idle__action="Suspend")
    seen = observed(pod(0), pod(1), pod(2))
    said = report(worker(0), worker(1), retiring(2, roots=1), idle_since=NOW - 5)
    plan = plan_for(cluster, seen, said)
    status = status_of(cluster, seen, said, plan, NOW, __version__)
    assert status["retiring"] and status["auth"] and status["idleSince"]
    assert list(faults(status, SCHEMAS["status"], "status")) == []


def test_null_counts_as_nothing() -> None:
    spec = {"image": None, "workers": {"replicas": None, "affinity": None}}
    assert complete({"spec": spec}) == complete({})
