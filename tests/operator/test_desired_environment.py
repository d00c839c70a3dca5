"""The environment of the pods, as the processes read it: both sides use the same settings types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from operator_strategies import cluster_from, manifests_of
from ufora_core.settings import ManagerSettings, WorkerSettings
from ufora_operator import names
from ufora_operator.desired.objects import Manifest

Spec = dict[str, Any]


def _pod(spec: Spec, component: str) -> Manifest:
    [pod] = [
        manifest["spec"]["template"]["spec"]
        for manifest in manifests_of(cluster_from(spec))
        if manifest["kind"] == ("Deployment" if component == "manager" else "StatefulSet")
    ]
    found: Manifest = pod
    return found


def _container(spec: Spec, component: str) -> Manifest:
    return next(each for each in _pod(spec, component)["containers"] if each["name"] == component)


def _variables(container: Manifest, pod: Mapping[str, str]) -> dict[str, str]:
    """The environment as the kubelet makes it."""
    env = {}
    for variable in container["env"]:
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            env[variable["name"]] = pod[source["fieldRef"]["fieldPath"]]
        elif "resourceFieldRef" in source:
            assert source["resourceFieldRef"] == {"resource": "limits.cpu", "divisor": "1"}
            env[variable["name"]] = str(container["resources"]["limits"]["cpu"])
        else:
            env[variable["name"]] = variable["value"]
    return env


def _with_token_files(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The same environment, with the Secret's volume in another folder."""
    for key in (names.TOKEN_KEY, names.SECOND_TOKEN_KEY):
        (folder / key).write_text("a-token")
    return {name: value.replace(names.AUTH_FOLDER, str(folder)) for name, value in env.items()}


POD = {"status.podIP": "10.0.0.7", "metadata.name": "demo-worker-3"}


@pytest.mark.parametrize("enabled", [True, False])
def test_a_worker_reads_what_the_operator_writes(enabled: bool, tmp_path: Path) -> None:
    spec = {
        "auth": {"enabled": enabled},
        "workers": {
            "basePort": 40000,
            "drain": {"timeoutSeconds": 77},
            "resources": {"limits": {"cpu": 4}},
        },
    }
    env = _with_token_files(_variables(_container(spec, "worker"), POD), tmp_path)
    settings = WorkerSettings.from_env(env)
    assert settings == WorkerSettings(
        manager_address="demo-registry.ns.svc",
        own_address="10.0.0.7",
        base_port=40000,
        name="demo-worker-3",
        executors=4,
        insecure=not enabled,
        drain_seconds=77,
        token_file=tmp_path / "token" if enabled else None,
        second_token_file=tmp_path / "second-token" if enabled else None,
    )


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("runs_worker", [True, False])
def test_a_manager_reads_what_the_operator_writes(
    enabled: bool, runs_worker: bool, tmp_path: Path
) -> None:
    spec = {
        "auth": {"enabled": enabled},
        "manager": {"webPort": 8080, "runsWorker": runs_worker},
        "workers": {"basePort": 40000},
    }
    env = _with_token_files(_variables(_container(spec, "manager"), POD), tmp_path)
    settings = ManagerSettings.from_env(env)
    assert settings == ManagerSettings(
        web_port=8080,
        insecure=not enabled,
        no_worker=not runs_worker,
        token_file=tmp_path / "token" if enabled else None,
        second_token_file=tmp_path / "second-token" if enabled else None,
    )
    beside = WorkerSettings.from_env(env) if runs_worker else None
    assert beside is None or (beside.own_address, beside.base_port) == ("10.0.0.7", 40000)


def test_variables_that_the_operator_sets_cannot_be_set_by_a_spec() -> None:
    spec = {"manager": {"runsWorker": True}, "auth": {"enabled": False}}
    for component in ("manager", "worker"):
        for chosen in (spec, {}):
            written = {each["name"] for each in _container(chosen, component)["env"]}
            # The manager's own wish about tokens may be overruled.
            assert written - set(names.OWNED_VARIABLES) <= {"UFORA_REQUIRE_TOKEN"}


@pytest.mark.parametrize(
    ("cpu", "written"), [(4, True), ("4", True), ("4000m", True), ("1500m", False), ("0", False)]
)
def test_a_worker_has_an_executor_for_each_whole_core(cpu: object, written: bool) -> None:
    container = _container({"workers": {"resources": {"limits": {"cpu": cpu}}}}, "worker")
    assert ("UFORA_WORKER_CORES" in {each["name"] for each in container["env"]}) is written


def test_a_user_says_how_many_executors_there_are() -> None:
    variable = {"name": "UFORA_WORKER_CORES", "value": "8"}
    spec = {"workers": {"resources": {"limits": {"cpu": 4}}, "env": [variable]}}
    found = [
        each for each in _container(spec, "worker")["env"] if each["name"] == "UFORA_WORKER_CORES"
    ]
    assert found == [variable]


def test_a_drain_ends_before_the_pod_is_killed() -> None:
    spec = {"workers": {"drain": {"timeoutSeconds": 600}}}
    pod = _pod(spec, "worker")
    env = _variables(_container(spec, "worker"), POD)
    assert pod["terminationGracePeriodSeconds"] > int(env["UFORA_DRAIN_SECONDS"]) == 600
