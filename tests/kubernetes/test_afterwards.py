"""What the operator did and said in all the tests before: ``conftest`` puts this module last."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kubectl import Kubectl
from kubernetes_clusters import E2E, Cluster
from operator_release import Release

#: (verb, API group, resource) as RBAC names them.
Use = tuple[str, str, str]

AUDIT_LOG = E2E.get("UFORA_E2E_AUDIT_LOG")


def granted(account: str, namespace: str) -> set[Use]:
    """What the bindings of a service account allow."""
    everywhere, uses = Kubectl(), set[Use]()
    listed = everywhere.json("get", "clusterrolebindings,rolebindings", "--all-namespaces")
    for binding in listed["items"]:
        subjects = [(s.get("name"), s.get("namespace")) for s in binding.get("subjects", [])]
        if (account, namespace) in subjects:
            uses |= rules_of(binding)
    return uses


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


def audited(user: str) -> tuple[set[Use], list[str]]:
    """What a user did by the audit log, and what it was refused."""
    uses, refused = set[Use](), []
    assert AUDIT_LOG is not None
    for line in Path(AUDIT_LOG).read_text().splitlines():
        entry = json.loads(line)
        if entry["user"]["username"] != user or "objectRef" not in entry:
            continue
        what = entry["objectRef"]
        resource = "/".join(filter(None, [what.get("resource"), what.get("subresource")]))
        uses.add((entry["verb"], what.get("apiGroup", ""), resource))
        if entry.get("responseStatus", {}).get("code") == 403:
            refused.append(f"{entry['verb']} {resource}: {entry['responseStatus'].get('message')}")
    return uses, refused


def service_account(release: Release) -> str:
    deployment = release.kubectl.json("get", "deployment", release.deployment())
    return str(deployment["spec"]["template"]["spec"]["serviceAccountName"])


def test_no_rule_of_the_operator_has_a_wildcard(release: Release) -> None:
    namespace = str(release.kubectl.namespace)
    rules = granted(service_account(release), namespace)
    assert rules and not [rule for rule in rules if "*" in "".join(rule)]


@pytest.mark.skipif(AUDIT_LOG is None, reason="UFORA_E2E_AUDIT_LOG names no audit log")
def test_the_operator_used_every_right_that_it_has_and_missed_none(release: Release) -> None:
    account, namespace = service_account(release), str(release.kubectl.namespace)
    used, refused = audited(f"system:serviceaccount:{namespace}:{account}")
    # A namespace that is being deleted refuses everything, and `helm uninstall` takes the right to
    # give the Lease back away before it ends the pods.
    expected = ("being terminated", 'cannot update resource "leases"')
    assert [each for each in refused if not any(words in each for words in expected)] == []
    # Server-side apply is audited as a patch, and needs the right to create as well.
    used |= {("create", group, resource) for verb, group, resource in used if verb == "patch"}
    unused = granted(account, namespace) - used
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
