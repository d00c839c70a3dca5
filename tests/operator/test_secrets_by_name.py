"""The operator sees no Secret but those that it has to do with: it lists none and watches none."""

from __future__ import annotations

from operator_rig import NAMESPACE, Rig
from ufora_operator.controller.handlers import watched_kinds
from ufora_operator.controller.kinds import CHILDREN, OPTIONAL, SECRET, Ref

TOKEN = Ref(SECRET, NAMESPACE, "demo-auth")


def test_secrets_are_not_watched_and_every_other_child_is() -> None:
    watched = set(watched_kinds(OPTIONAL))
    assert set(CHILDREN) - watched == {SECRET}


async def test_secrets_are_read_by_name_and_not_listed() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    about_secrets = {call for call in rig.kube.calls if "Secret" in call}
    assert about_secrets == {f"get {TOKEN}", f"apply {TOKEN}"}


async def test_a_secret_whose_labels_were_taken_off_gets_them_back_and_keeps_its_token() -> None:
    rig = Rig()
    rig.add_cluster()
    await rig.settle()
    before = rig.store.get(TOKEN)
    rig.store.edit(TOKEN, lambda manifest: manifest["metadata"].update(labels={}))
    await rig.round()
    assert rig.store.get(TOKEN)["data"] == before["data"]
    assert rig.store.get(TOKEN)["metadata"]["labels"] == before["metadata"]["labels"]


async def test_a_secret_of_that_name_that_is_somebody_else_s_is_left_alone() -> None:
    rig = Rig()
    metadata = {"name": TOKEN.name, "namespace": TOKEN.namespace}
    data = {"token": "dGhlaXJz"}
    theirs = rig.store.add(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    )
    rig.add_cluster()
    await rig.settle()
    assert rig.store.get(TOKEN) == theirs
    assert rig.conditions()["Accepted"]["reason"] == "NameConflict"
