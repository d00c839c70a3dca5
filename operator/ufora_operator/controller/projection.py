"""The API server's objects as ``observed`` has them. Pure: plain JSON in, small records out."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ufora_operator import names
from ufora_operator.controller.kinds import Manifest, uid_of
from ufora_operator.observed import Pod, Tokens, Trouble, Workload

#: What a container says while nothing is wrong with it.
_ON_THE_WAY = {"", "ContainerCreating", "PodInitializing"}

#: Events that say why a pod cannot be made, or why its containers do not start.
POD_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
WORKLOAD_EVENTS = ("FailedCreate",)
CLAIM_EVENTS = ("ProvisioningFailed", "FailedBinding")


def seconds(text: str | None) -> float:
    """Unix seconds of a Kubernetes timestamp; 0 for none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def pod(manifest: Manifest, events: Sequence[Manifest] = ()) -> Pod | None:
    """A pod of a cluster; None if its labels do not say which part it is."""
    metadata = manifest["metadata"]
    labels = metadata.get("labels") or {}
    component = labels.get(names.COMPONENT_LABEL)
    if component not in ("manager", "worker"):
        return None
    status = manifest.get("status") or {}
    containers = status.get("containerStatuses") or []
    number = metadata["name"].rpartition("-")[2]
    ready = _condition(status, "Ready").get("status") == "True"
    revision = labels.get("controller-revision-hash") or labels.get("pod-template-hash") or ""
    return Pod(
        name=metadata["name"],
        uid=uid_of(manifest),
        component=component,
        created=seconds(metadata.get("creationTimestamp")),
        phase=status.get("phase", "Pending"),
        ready=ready,
        revision=revision,
        terminating="deletionTimestamp" in metadata,
        ordinal=int(number) if component == "worker" and number.isdecimal() else -1,
        restarts=sum(each.get("restartCount", 0) for each in containers),
        node=manifest.get("spec", {}).get("nodeName", ""),
        trouble=None if ready else _pod_trouble(status) or event_trouble(events, POD_EVENTS),
    )


def starts_slowly(manifest: Manifest) -> bool:
    """Whether only Events can tell why the pod's containers do not start."""
    status = manifest.get("status") or {}
    return (
        status.get("phase") == "Pending"
        and _condition(status, "PodScheduled").get("status") == "True"
        and _pod_trouble(status) is None
    )


def deployment(manifest: Manifest | None) -> Workload | None:
    """The manager's Deployment."""
    if manifest is None:
        return None
    failure = _condition(manifest.get("status") or {}, "ReplicaFailure")
    trouble = None
    if failure.get("status") == "True":
        trouble = Trouble(failure.get("reason", "FailedCreate"), failure.get("message", ""))
    return _workload(manifest, trouble)


def stateful_set(manifest: Manifest | None, events: Sequence[Manifest] = ()) -> Workload | None:
    """The workers' StatefulSet; Events alone say why it cannot make pods."""
    if manifest is None:
        return None
    return _workload(manifest, event_trouble(events, WORKLOAD_EVENTS))


def tokens(secret: Manifest | None) -> Tokens:
    """What a token Secret holds; a value that is no text counts as none."""
    if secret is None:
        return Tokens()
    data = secret.get("data") or {}
    annotations = secret["metadata"].get("annotations") or {}
    return Tokens(
        token=_text(data.get(names.TOKEN_KEY)),
        second=_text(data.get(names.SECOND_TOKEN_KEY)),
        rotation=annotations.get(names.ROTATION_ANNOTATION, ""),
        second_is_next=annotations.get(names.SECOND_IS_NEXT_ANNOTATION) == "true",
        exists=True,
    )


def claim(manifest: Manifest, events: Sequence[Manifest] = ()) -> Trouble | None:
    """Why a claim is not bound; None if it is."""
    phase = (manifest.get("status") or {}).get("phase", "Pending")
    if phase == "Bound":
        return None
    name = manifest["metadata"]["name"]
    found = event_trouble(events, CLAIM_EVENTS)
    if found is not None:
        return Trouble(found.reason, f"claim {name}: {found.message}")
    return Trouble(f"Claim{phase}", f"claim {name} is {phase.lower()}: no volume is bound to it")


def event_trouble(events: Iterable[Manifest], reasons: Sequence[str]) -> Trouble | None:
    """The latest Event of one of these reasons."""
    found = [each for each in events if each.get("reason") in reasons]
    if not found:
        return None
    latest = max(found, key=_last_seen)
    return Trouble(latest["reason"], latest.get("message") or latest.get("note") or "")


def _workload(manifest: Manifest, trouble: Trouble | None) -> Workload:
    status = manifest.get("status") or {}
    return Workload(
        uid=uid_of(manifest),
        replicas=manifest["spec"].get("replicas", 1),
        generation=manifest["metadata"].get("generation", 0),
        observed_generation=status.get("observedGeneration", 0),
        ready=status.get("readyReplicas", 0),
        update_revision=status.get("updateRevision", ""),
        trouble=trouble,
    )


def _pod_trouble(status: Mapping[str, Any]) -> Trouble | None:
    if status.get("phase") == "Failed":
        return Trouble(status.get("reason") or "Failed", _failure(status))
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return Trouble(scheduled.get("reason", "Unschedulable"), scheduled.get("message", ""))
    containers = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    found = [_container_trouble(each) for each in containers if not each.get("ready")]
    return next((each for each in found if each is not None), None)


def _container_trouble(container: Mapping[str, Any]) -> Trouble | None:
    state = container.get("state") or {}
    ended = (container.get("lastState") or {}).get("terminated")
    waiting = state.get("waiting") or {}
    if waiting.get("reason", "") not in _ON_THE_WAY:
        return _ended_trouble(ended or {}, waiting["reason"], waiting.get("message", ""))
    ended = state.get("terminated") or ended
    if ended and ended.get("exitCode", 0) != 0:
        message = f"container {container['name']} ended with exit code {ended['exitCode']}"
        return _ended_trouble(ended, ended.get("reason", "Error"), message)
    return None


def _ended_trouble(ended: Mapping[str, Any], reason: str, message: str) -> Trouble:
    if ended.get("reason") == "OOMKilled":
        message = f"{message} (OOMKilled: its memory limit was reached)"
    return Trouble(
        reason,
        message,
        exit_code=ended.get("exitCode"),
        last_words=str(ended.get("message", "")).strip(),
    )


def _failure(status: Mapping[str, Any]) -> str:
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            return f"container {container['name']} ended with exit code {ended['exitCode']}"
    return str(status.get("message", ""))


def _condition(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    listed: list[dict[str, Any]] = status.get("conditions") or []
    return next((each for each in listed if each.get("type") == kind), {})


def _last_seen(event: Manifest) -> float:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return seconds(next((each for each in times if each), None))


def _text(encoded: str | None) -> str:
    try:
        return base64.b64decode(encoded or "", validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        return ""
