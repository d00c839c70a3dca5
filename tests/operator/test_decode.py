"""Objects of the API server that the operator refuses, and what it says of them."""

from __future__ import annotations

from typing import Any

import pytest

from operator_strategies import cluster_from, complete
from ufora_operator.api.decode import decode
from ufora_operator.errors import SpecError

Resource = dict[str, Any]


def _faults(resource: Resource) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        decode(resource)
    return {fault.path: fault.message for fault in caught.value.faults}


def test_an_object_is_decoded_with_its_identity() -> None:
    resource = complete({"spec": {"workers": {"replicas": 3}}})
    resource["metadata"] |= {"uid": "u-1", "generation": 7, "namespace": "ns"}
    cluster = decode(resource)
    assert (cluster.namespace, cluster.name, cluster.uid) == ("ns", "demo", "u-1")
    assert (cluster.generation, cluster.deleting) == (7, False)
    assert cluster.spec.workers.replicas == 3
    assert cluster.spec.workers.drain.timeout_seconds == 600


def test_an_object_that_is_being_deleted_says_so() -> None:
    resource = complete({})
    resource["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert decode(resource).deleting


def test_an_older_definition_left_a_field_without_its_default() -> None:
    resource = complete({})
    del resource["spec"]["workers"]["drain"]["onTimeout"]
    faults = _faults(resource)
    assert faults.keys() == {"spec.workers.drain.onTimeout"}
    assert "the installed CRD is older than this operator" in faults["spec.workers.drain.onTimeout"]


def test_a_definition_without_defaults_at_all_is_older() -> None:
    assert "older than this operator" in _faults({"metadata": {"name": "demo"}})["spec"]


def test_a_newer_definition_let_in_an_unknown_field() -> None:
    resource = complete({})
    resource["spec"]["workers"]["gpus"] = 2
    faults = _faults(resource)
    assert faults.keys() == {"spec.workers.gpus"}
    assert "the installed CRD is newer than this operator" in faults["spec.workers.gpus"]


def test_all_faults_are_named_at_once() -> None:
    resource = complete(
        {"spec": {"image": "", "workers": {"replicas": "3"}, "idle": {"action": "Stop"}}}
    )
    resource["spec"]["surprise"] = 1
    assert _faults(resource).keys() == {
        "spec.image",
        "spec.workers.replicas",
        "spec.idle.action",
        "spec.surprise",
    }


def test_all_rules_that_are_broken_are_named_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        cluster_from({"auth": {"enabled": False, "rotation": "a"}, "manager": {"webPort": 30002}})
    assert {fault.path for fault in caught.value.faults} == {
        "spec.auth.rotation",
        "spec.manager.webPort",
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("3", "is string '3', and should be integer"),
        (None, "is null, and should be integer"),
        (True, "is boolean True, and should be integer"),
        (2.5, "is number 2.5, and should be integer"),
        ([3], "is array, and should be integer"),
        (-1, "is -1, and should be 0 or more"),
        (10001, "is 10001, and should be 10000 or less"),
    ],
)
def test_a_value_is_described_as_it_is(value: object, message: str) -> None:
    resource = complete({})
    resource["spec"]["workers"]["replicas"] = value
    assert _faults(resource) == {"spec.workers.replicas": message}


def test_a_line_feed_at_the_end_is_no_end() -> None:
    """Python's ``$`` stands before a last line feed, the API server's does not."""
    labels = {"team": "a\n"}
    with pytest.raises(SpecError, match=r"spec\.workers\.podMetadata\.labels\.team"):
        cluster_from({"workers": {"podMetadata": {"labels": labels}}})


def test_what_kubernetes_alone_understands_is_handed_on_unread() -> None:
    affinity = {"nodeAffinity": {"anything": [1, {"else": None}]}}
    cluster = cluster_from({"workers": {"affinity": affinity}})
    assert cluster.spec.workers.affinity == affinity
