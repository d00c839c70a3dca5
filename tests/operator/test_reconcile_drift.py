"""Whether a live object is what its manifest says."""

from __future__ import annotations

from typing import Any

import pytest

from ufora_operator.controller.drift import applied, digest, drifted, stamped


def manifest(**spec: Any) -> dict[str, Any]:
    return {"kind": "X", "metadata": {"name": "x"}, "spec": spec}


CONTAINERS = [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"a": 1}, {"a": 1, "added": 2}),
        ({"a": {}}, {}),
        ({"a": [], "b": None, "c": ""}, {}),
        ({"c": CONTAINERS}, {"c": [*reversed(CONTAINERS)]}),
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}),
        ({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1024Mi"}}),
        ({"requests": {"cpu": 2}}, {"requests": {"cpu": "2"}}),
        ({"v": {"sizeLimit": "0.5Gi"}}, {"v": {"sizeLimit": "512Mi"}}),
    ],
)
def test_what_the_server_adds_or_writes_its_own_way_is_no_drift(
    wanted: dict[str, Any], live: dict[str, Any]
) -> None:
    assert drifted(manifest(**wanted), manifest(**live)) is None


@pytest.mark.parametrize(
    ("wanted", "live", "where"),
    [
        ({"a": 1}, {"a": 2}, "spec.a"),
        ({"a": True}, {}, "spec.a"),
        ({"a": {"b": 1}}, {"a": {}}, "spec.a.b"),
        ({"c": CONTAINERS}, {"c": CONTAINERS[:1]}, "spec.c"),
        ({"c": CONTAINERS}, {"c": [*CONTAINERS, {"name": "sidecar"}]}, "spec.c"),
        ({"c": CONTAINERS}, {"c": [CONTAINERS[0], {"name": "b"}]}, "spec.c[b].image"),
        ({"ingress": [{"from": []}]}, {"ingress": [{"from": []}, {}]}, "spec.ingress"),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}, "spec.args[0]"),
        ({"env": [{"name": "a", "value": "1.0"}]}, {"env": [{"name": "a", "value": "1"}]}, None),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, "spec.limits.cpu"),
    ],
)
def test_what_somebody_changed_is_named(
    wanted: dict[str, Any], live: dict[str, Any], where: str | None
) -> None:
    assert drifted(manifest(**wanted), manifest(**live)) == (where or "spec.env[a].value")


def test_a_stamp_tells_of_fields_that_a_manifest_does_not_have_any_more() -> None:
    before, after = stamped(manifest(a=1, b=2)), stamped(manifest(a=1))
    assert drifted(after, before) == "metadata.annotations.ufora.io/applied"
    assert applied(before) == digest(manifest(b=2, a=1))
    assert applied(manifest()) is None


def test_others_may_own_an_object_as_well() -> None:
    ours, theirs = {"uid": "1", "name": "demo"}, {"uid": "2", "name": "backup"}
    wanted = {"kind": "X", "metadata": {"name": "x", "ownerReferences": [ours]}}
    live = {"kind": "X", "metadata": {"name": "x", "ownerReferences": [theirs, ours]}}
    assert drifted(wanted, live) is None
