"""One round over one cluster, on a fake API server."""

from __future__ import annotations

import pytest

from operator_rig import KEY, NAMESPACE, NOW, STRANGER, InMemoryKube, Rig, small_manifests
from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.controller.bring_about import TOKEN_REVISION
from ufora_operator.controller.kinds import (
    CLUSTER,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Manifest,
    Ref,
)
from ufora_operator.facts import Report
from ufora_operator.plan.types import Plan

WORKERS = Ref(STATEFUL_SET, NAMESPACE, "demo-worker")
POLICY = Ref(NETWORK_POLICY, NAMESPACE, "demo-worker")
DEMO = Ref(CLUSTER, NAMESPACE, "demo")


async def test_a_new_cluster_gets_its_objects_in_the_order_that_is_asked_for() -> None:
    rig = Rig()
    rig.add_cluster(workers={"replicas": 3})
    await rig.round()
    assert rig.store.writes == [
        "apply Secret ns/demo-auth",
        "apply NetworkPolicy ns/demo-manager",
        "apply NetworkPolicy ns/demo-worker",
        "apply Service ns/demo-manager",
        "apply Deployment ns/demo-manager",
        "apply StatefulSet ns/demo-worker",
        "apply status UforaCluster ns/demo",
    ]


async def test_a_settled_cluster_costs_no_write_and_neither_does_a_new_operator() -> None:
    rig = Rig()
    rig.add_cluster(workers={"replicas": 3})
    await rig.settle()
    before = list(rig.store.writes)
    for _ in range(3):
        await rig.round()
    rig.restart()
    await rig.round()
    assert rig.store.writes == before


async def test_a_settled_cluster_is_not_even_asked_to_change_anything() -> None:
    """The fake, like a real API server, takes an apply that changes nothing for no write."""
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    rig.kube.calls.clear()
    await rig.round()
    assert {call.split()[0] for call in rig.kube.calls} == {"get", "list"}


async def test_what_the_server_always_changes_is_sent_once_and_then_left() -> None:
    rig = Rig()

    def inject(manifest: Manifest) -> None:
        if manifest["kind"] == "Service":
            manifest["spec"]["ports"][0]["port"] = 1

    def admit_again(call: str) -> None:
        if call == "apply Service ns/demo-manager" and service in rig.store.objects:
            mutated = rig.store.objects[service]
            rig.store.admit(mutated)

    service = Ref(SERVICE, NAMESPACE, "demo-manager")
    rig.store.admit = inject
    rig.kube.hook = admit_again
    rig.add_cluster()
    await rig.round()
    applied = rig.kube.calls.count("apply Service ns/demo-manager")
    for _ in range(3):
        await rig.round()
    assert applied == 1
    assert rig.kube.calls.count("apply Service ns/demo-manager") == applied


@pytest.mark.parametrize(
    "kind", ["Secret", "NetworkPolicy", "Service", "Deployment", "StatefulSet"]
)
async def test_a_deleted_child_is_made_again(kind: str) -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    [ref, *_] = [ref for ref in rig.store.objects if ref.kind.name == kind]
    before = rig.essence()
    rig.store.delete(ref)
    await rig.settle()
    if kind == "Secret":  # its token is lost, and the next one is another
        assert rig.store.get(ref)["data"] != before[str(ref)]["data"]
    else:
        assert rig.essence() == before


async def test_a_field_that_was_edited_by_hand_is_put_back() -> None:
    rig = Rig()
    rig.add_cluster(workers={"replicas": 3})
    await rig.settle()
    before = rig.essence()

    def edit(manifest: Manifest) -> None:
        manifest["spec"]["replicas"] = 7
        manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "evil"

    rig.store.edit(WORKERS, edit)
    rig.store.edit(POLICY, lambda manifest: manifest["spec"]["ingress"].append({}))
    rig.reports.reports[KEY] = Report(NOW, unreachable="x")
    await rig.settle()
    container = rig.store.get(WORKERS)["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] != "evil"
    assert rig.essence()[str(POLICY)] == before[str(POLICY)]


async def test_a_field_that_somebody_else_added_is_left_alone() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    rig.store.edit(WORKERS, lambda each: each["metadata"]["labels"].update(team="blue"))
    before = len(rig.store.writes)
    await rig.round()
    assert len(rig.store.writes) == before


async def test_a_field_that_the_spec_gives_up_is_taken_away() -> None:
    def desired(cluster: UforaCluster, plan: Plan) -> list[Manifest]:
        manifests = small_manifests(cluster, plan)
        if cluster.spec.suspend is False:
            manifests[-1]["spec"]["template"]["spec"]["priorityClassName"] = "high"
        return manifests

    rig = Rig(desired)
    rig.add_cluster()
    await rig.settle()
    assert "priorityClassName" in rig.store.get(WORKERS)["spec"]["template"]["spec"]
    rig.store.edit(DEMO, lambda cluster: cluster["spec"].update(suspend=True))
    await rig.settle()
    assert "priorityClassName" not in rig.store.get(WORKERS)["spec"]["template"]["spec"]


async def test_one_of_ours_whose_labels_were_taken_off_is_repaired_and_no_stranger() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    before = rig.essence()
    rig.store.edit(POLICY, lambda policy: policy["metadata"].update(labels={}))
    await rig.settle()
    assert rig.essence() == before


async def test_a_foreign_object_is_never_touched_and_named_in_the_status() -> None:
    rig = Rig()
    stranger = rig.store.add(STRANGER)
    rig.add_cluster()
    await rig.settle()
    assert rig.store.get(Ref(SERVICE, NAMESPACE, "demo-manager")) == stranger
    accepted = rig.conditions()["Accepted"]
    assert (accepted["status"], accepted["reason"]) == ("False", "NameConflict")
    assert "Service demo-manager" in accepted["message"]
    assert not [each for each in rig.store.writes if "StatefulSet" in each]


async def test_an_object_with_our_labels_and_another_owner_is_a_stranger_too() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    rig.store.edit(POLICY, lambda each: each["metadata"]["ownerReferences"][0].update(uid="other"))
    await rig.settle()
    assert rig.conditions()["Accepted"]["reason"] == "NameConflict"
    assert rig.store.get(POLICY)["metadata"]["ownerReferences"][0]["uid"] == "other"


async def test_a_cluster_that_is_deleted_or_gone_is_left_to_the_garbage_collector() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    rig.store.edit(DEMO, lambda each: each["metadata"].update(deletionTimestamp="2026-01-01"))
    before = list(rig.store.writes)
    assert not (await rig.round()).gone
    rig.store.delete(DEMO)
    assert (await rig.round()).gone
    assert rig.store.writes == [*before, "delete UforaCluster ns/demo"]
    assert rig.store.objects == {}
    assert rig.reports.followed == {}


async def test_children_that_are_no_longer_wanted_go_and_policies_go_last() -> None:
    def desired(cluster: UforaCluster, plan: Plan) -> list[Manifest]:
        manifests = small_manifests(cluster, plan)
        return [m for m in manifests if not cluster.spec.suspend or m["kind"] == "Secret"]

    rig = Rig(desired)
    rig.add_cluster()
    await rig.settle()
    rig.store.edit(DEMO, lambda cluster: cluster["spec"].update(suspend=True))
    await rig.settle()
    deleted = [each.split()[1] for each in rig.store.writes if each.startswith("delete")]
    assert sorted(deleted[:-2]) == ["Deployment", "Service", "StatefulSet"]
    assert deleted[-2:] == ["NetworkPolicy", "NetworkPolicy"]
    assert Ref(SECRET, NAMESPACE, "demo-auth") in rig.store.objects


async def test_a_namespace_that_terminates_ends_the_work_quietly() -> None:
    rig = Rig()
    rig.add_cluster()
    rig.store.terminating.add(NAMESPACE)
    outcome = await rig.round()
    assert outcome.again_after is None
    assert [each for each in rig.store.writes if "status" not in each] == []
    assert rig.reports.followed == {}


async def test_during_a_rotation_every_pod_hears_of_the_new_secret_once() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "demo-worker-0",
            "namespace": NAMESPACE,
            "labels": names.labels("demo", "worker"),
        },
        "spec": {},
    }
    rig.store.add(pod)
    rig.store.edit(DEMO, lambda cluster: cluster["spec"]["auth"].update(rotation="1"))
    await rig.settle()
    patches = [each for each in rig.store.writes if each == "patch Pod ns/demo-worker-0"]
    assert len(patches) == 1
    [live] = rig.store.list(POD, NAMESPACE)
    assert live["metadata"]["annotations"][TOKEN_REVISION]


async def test_a_pod_is_deleted_only_if_it_is_still_the_one_that_was_meant() -> None:
    rig = Rig()
    kube = InMemoryKube(rig.store)
    made = rig.store.add(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NAMESPACE}}
    )
    ref = Ref(POD, NAMESPACE, "p")
    assert not await kube.delete(ref, "another")
    assert ref in rig.store.objects
    assert await kube.delete(ref, made["metadata"]["uid"])


async def test_the_poller_is_told_whom_to_ask_and_with_which_tokens() -> None:
    rig = Rig()
    rig.add_cluster(manager={"webPort": 31000})
    await rig.settle()
    target = rig.reports.followed[KEY]
    assert target is not None
    assert (target.port, target.tokens) == (31000, ("token-1",))


async def test_what_somebody_added_to_a_list_of_ours_is_taken_out_again() -> None:
    """Server-side apply alone leaves it there, since it belongs to whoever added it."""
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    service = Ref(SERVICE, NAMESPACE, "demo-manager")
    before = rig.store.get(service)["spec"]

    def open_another_port(live: Manifest) -> None:
        live["spec"]["ports"].append({"name": "more", "port": 31000})

    rig.store.edit(service, open_another_port)
    await rig.round()
    assert rig.store.get(service)["spec"] == before
    writes = list(rig.store.writes)
    await rig.round()
    assert rig.store.writes == writes
