"""Rounds that something goes wrong in, and what people are told of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from operator_rig import KEY, NAMESPACE, STRANGER, Rig
from ufora_operator.controller.kinds import CLUSTER, EVENT, STATEFUL_SET, Manifest, Ref
from ufora_operator.controller.reconcile import RoundFailed
from ufora_operator.desired.manifests import desired
from ufora_operator.errors import KubeError

WORKERS = Ref(STATEFUL_SET, NAMESPACE, "demo-worker")
DEMO = Ref(CLUSTER, NAMESPACE, "demo")


async def test_an_event_is_posted_once_for_the_same_words_even_by_another_operator() -> None:
    rig = Rig()
    rig.store.add(STRANGER)
    rig.add_cluster()
    await rig.round()
    [event] = rig.store.list(EVENT, NAMESPACE)
    assert event["reason"] == "NameConflict"
    assert event["regarding"]["name"] == "demo"
    rig.store.edit(DEMO, lambda cluster: cluster.pop("status"))
    await rig.round()
    assert "series" not in rig.store.list(EVENT, NAMESPACE)[0]
    rig.restart()
    rig.store.edit(DEMO, lambda cluster: cluster.pop("status"))
    await rig.round()
    [event] = rig.store.list(EVENT, NAMESPACE)
    assert event["series"]["count"] == 2


async def test_an_event_that_cannot_be_posted_fails_nothing() -> None:
    rig = Rig()
    rig.store.add(STRANGER)

    def refuse(call: str) -> None:
        if "Event" in call:
            raise KubeError(call, 403, "Forbidden", "")

    rig.kube.hook = refuse
    rig.add_cluster()
    await rig.round()


async def test_rounds_that_keep_failing_are_told_of_in_the_status() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    await rig.reconciler.tell_of_failure(KEY, ValueError("a secret"), 2)
    assert rig.conditions()["Degraded"]["status"] == "False"
    await rig.reconciler.tell_of_failure(KEY, ValueError("a secret"), 3)
    degraded = rig.conditions()["Degraded"]
    assert (degraded["status"], degraded["reason"]) == ("True", "ReconcileFailed")
    assert "a secret" not in degraded["message"]
    await rig.settle()
    assert rig.conditions()["Degraded"]["status"] == "False"


async def test_no_pod_may_start_while_a_policy_cannot_be_made() -> None:
    rig = Rig()

    def refuse(call: str) -> None:
        if call == "apply NetworkPolicy ns/demo-worker":
            raise KubeError(call, 403, "Forbidden", "no such right")

    rig.kube.hook = refuse
    rig.add_cluster()
    with pytest.raises(RoundFailed, match="no such right"):
        await rig.round()
    kinds = {ref.kind.name for ref in rig.store.objects}
    assert not kinds & {"Deployment", "StatefulSet"}
    degraded = rig.conditions()["Degraded"]
    assert degraded["status"] == "True"
    assert "apply NetworkPolicy ns/demo-worker: 403 Forbidden: no such right" in degraded["message"]


async def test_an_invalid_pod_patch_is_named_and_stops_nothing_else() -> None:
    rig = Rig()

    def refuse(call: str) -> None:
        if call == "apply Deployment ns/demo-manager":
            raise KubeError(call, 422, "Invalid", "spec.template.spec.foo: not known")

    rig.kube.hook = refuse
    rig.add_cluster()
    with pytest.raises(RoundFailed):
        await rig.round()
    assert WORKERS in rig.store.objects
    assert "spec.template.spec.foo: not known" in rig.conditions()["Degraded"]["message"]


async def test_a_spec_with_faults_is_named_and_what_runs_stays_as_it_is() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    before = rig.essence()
    rig.store.edit(DEMO, lambda cluster: cluster["spec"]["workers"].update(replicas="many"))
    await rig.settle()
    accepted = rig.conditions()["Accepted"]
    assert accepted["status"] == "False"
    assert "spec.workers.replicas" in accepted["message"]
    after = rig.essence()
    assert {**after, str(DEMO): None} == {**before, str(DEMO): None}


async def test_a_crash_after_any_call_is_made_good_by_the_next_process() -> None:
    undisturbed = Rig()
    undisturbed.add_cluster(workers={"replicas": 2})
    await undisturbed.settle()
    calls = len(undisturbed.kube.calls)
    for survived in range(calls):
        rig = Rig()
        rig.add_cluster(workers={"replicas": 2})
        rig.kube.hook = _die_after(survived)
        with pytest.raises((BaseExceptionGroup, Killed)):
            await rig.settle()
        rig.kube.hook = None
        rig.restart()
        await rig.settle()
        assert rig.essence().keys() == undisturbed.essence().keys()
        assert _without_tokens(rig) == _without_tokens(undisturbed)


class Killed(BaseException):
    """The process is gone."""


def _die_after(calls: int) -> Callable[[str], None]:
    left = [calls]

    def hook(_: str) -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    return hook


def _without_tokens(rig: Rig) -> dict[str, Manifest]:
    """Of a Secret only what must be there: its token is made anew by whoever makes it."""
    found = rig.essence()
    found.pop("Secret ns/demo-auth")
    return found


async def test_with_the_real_manifests_too_a_settled_cluster_costs_no_write() -> None:
    rig = Rig(partial(desired, operator_namespace="ufora-system"))
    rig.add_cluster(workers={"replicas": 3})
    await rig.settle()
    assert rig.store.writes[0] == "apply Secret ns/demo-auth"
    before = list(rig.store.writes)
    rig.restart()
    rig.kube.calls.clear()
    await rig.round()
    assert rig.store.writes == before
    assert {call.split()[0] for call in rig.kube.calls} == {"get", "list"}
