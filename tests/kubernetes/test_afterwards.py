"""What the operator did and said in all the tests before: ``conftest`` puts this module last."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kubectl import Kubectl
from kubernetes_clusters import E2E, Cluster
from operator_release import Release

#: (verb, API group, resource) as RBAC names them.
Use = tuple[str, str, str]

AUDIT_LOG = E2E.get("UFORA_E2E_AUDIT_LOG")


def bindings_of(account: str, namespace: str) -> list[dict[str, Any]]:
    """Whatever gives a service account rights."""
    listed = Kubectl().json("get", "clusterrolebindings,rolebindings", "--all-namespaces")
    return [
        binding
        for binding in listed["items"]
        if (account, namespace)
        in [(each.get("name"), each.get("namespace")) for each in binding.get("subjects", [])]
    ]


def rules_of(binding: dict[str, Any]) -> set[Use]:
    """The rules behind a binding, one by one."""
    ref = binding["roleRef"]
    role = Kubectl(binding["metadata"].get("namespace")).json("get", ref["kind"], ref["name"])
    return {
        (verb, group, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule.get("apiGroups", [])
        for resource in rule.get("resources", [])
    }


def granted(bindings: list[dict[str, Any]]) -> set[Use]:
    """What bindings allow."""
    return set[Use]().union(*map(rules_of, bindings))


@dataclass(frozen=True)
class Request:
    """One line of the audit log: who did what, and what came of it."""

    user: str
    verb: str
    group: str
    resource: str
    #: Namespace (empty: none) and name.
    target: tuple[str, str]
    #: Received and answered: timestamps of one length, which compare as times do.
    begun: str
    ended: str
    code: int
    message: str


def audited() -> list[Request]:
    """Every request for an object since the cluster began."""
    assert AUDIT_LOG is not None
    entries = map(json.loads, Path(AUDIT_LOG).read_text().splitlines())
    return [request_of(entry) for entry in entries if "objectRef" in entry]


def request_of(entry: dict[str, Any]) -> Request:
    what, answer = entry["objectRef"], entry.get("responseStatus", {})
    return Request(
        user=entry["user"].get("username", ""),
        verb=entry["verb"],
        group=what.get("apiGroup", ""),
        resource="/".join(filter(None, [what.get("resource"), what.get("subresource")])),
        target=(what.get("namespace", ""), what.get("name", "")),
        begun=entry["requestReceivedTimestamp"],
        ended=entry["stageTimestamp"],
        code=answer.get("code", 0),
        message=answer.get("message", ""),
    )


def absences(bindings: list[dict[str, Any]], requests: list[Request]) -> list[tuple[str, str]]:
    """From when to when one of these bindings was away: Helm takes the operator's rights before it
    ends the pods, which until then ask for the Lease, look at clusters, and are refused."""
    places = {(b["metadata"].get("namespace", ""), b["metadata"]["name"]) for b in bindings}
    away: dict[tuple[str, str], str] = {}
    found = []
    for each in requests:
        if each.target not in places or not each.resource.endswith("rolebindings"):
            continue
        if each.verb == "delete" and each.code == 200:
            away[each.target] = each.begun
        elif each.verb == "create" and each.target in away:
            found.append((away.pop(each.target), each.ended))
    return found


def service_account(release: Release) -> str:
    deployment = release.kubectl.json("get", "deployment", release.deployment())
    return str(deployment["spec"]["template"]["spec"]["serviceAccountName"])


def test_no_rule_of_the_operator_has_a_wildcard(release: Release) -> None:
    rules = granted(bindings_of(service_account(release), str(release.kubectl.namespace)))
    assert rules and not [rule for rule in rules if "*" in "".join(rule)]


@pytest.mark.skipif(AUDIT_LOG is None, reason="UFORA_E2E_AUDIT_LOG names no audit log")
def test_the_operator_used_every_right_that_it_has_and_missed_none(release: Release) -> None:
    account, namespace = service_account(release), str(release.kubectl.namespace)
    bindings, requests = bindings_of(account, namespace), audited()
    user = f"system:serviceaccount:{namespace}:{account}"
    own = [each for each in requests if each.user == user]
    away = absences(bindings, requests)
    missed = [
        f"{each.verb} {each.resource}: {each.message}"
        for each in own
        if each.code == 403
        # A namespace that is being deleted refuses everything.
        and "being terminated" not in each.message
        and not any(begun <= each.begun <= ended for begun, ended in away)
    ]
    assert missed == []
    used = {(each.verb, each.group, each.resource) for each in own if each.code != 403}
    # Server-side apply is audited as a patch, and needs the right to create as well.
    used |= {("create", group, resource) for verb, group, resource in used if verb == "patch"}
    unused = granted(bindings) - used
    if Kubectl().find("crd", "httproutes.gateway.networking.k8s.io") is None:
        unused = {use for use in unused if use[1] != "gateway.networking.k8s.io"}
    assert not unused, sorted(unused)


def test_the_token_is_in_no_log_no_event_and_no_status(kubectl: Kubectl, release: Release) -> None:
    cluster = Cluster("secretive", kubectl)
    cluster.apply()
    cluster.wait_for_workers(1)
    secret = kubectl.json("get", "secret", "secretive-auth")["data"]["token"]
    token = base64.b64decode(secret).decode()
    pods = [pod["metadata"]["name"] for pod in cluster.pods()]
    said = {pod: kubectl("logs", pod) + kubectl.execute(pod, "env") for pod in pods}
    said["operators"] = release.logs()
    said["events"] = json.dumps(kubectl.json("get", "events"))
    said["objects"] = json.dumps(kubectl.json("get", "ufc,deployment,statefulset,pod,service"))
    assert (
        token and [where for where, text in said.items() if token in text or secret in text] == []
    )
    cluster.delete()


def test_nobody_restarted_on_its_own(release: Release) -> None:
    """The operator went through all of it without a crash."""
    for pod in release.kubectl.items("pods", "app.kubernetes.io/name=ufora-operator"):
        counts = [each["restartCount"] for each in pod["status"]["containerStatuses"]]
        assert counts == [0], release.kubectl("logs", pod["metadata"]["name"], "--previous")
