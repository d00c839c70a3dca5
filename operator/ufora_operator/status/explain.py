"""What is wrong with a cluster, in sentences: which object, the cause, Kubernetes' own words, and
what to do. ``kubectl describe`` shows nothing else to somebody who looks for the reason."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import UNSET

from ufora_operator import names
from ufora_operator.observed import Pod, Trouble, Workload
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.situation import REJOIN_WITHIN, Situation

#: Longest piece of Kubernetes' words that a sentence holds; the rest is in ``kubectl describe``.
QUOTED = 300


@dataclass(frozen=True, slots=True)
class Ailment:
    """Something that is wrong, and what to do about it."""

    reason: Reason
    #: What it is about: ``demo-worker-3``, or ``demo-worker`` for the workers as a whole.
    about: str
    message: str


@dataclass(frozen=True, slots=True)
class _Remedy:
    """What to say of a cause that Kubernetes names."""

    reason: Reason
    cause: str
    advice: str


_IMAGE = _Remedy(
    Reason.IMAGE_UNAVAILABLE,
    "its image cannot be had",
    "Check spec.image and spec.imagePullSecrets; a corrected spec replaces the pod at once.",
)
_CRASH = _Remedy(
    Reason.CRASHING,
    "its process ends again and again",
    "`kubectl logs --previous` shows its last output.",
)
_MEMORY = _Remedy(
    Reason.OUT_OF_MEMORY,
    "it used more memory than it may",
    "Raise resources.limits.memory, or let its jobs work on less at a time.",
)
_CONFIG = _Remedy(
    Reason.CONFIG_MISSING,
    "something that its spec names is not there",
    "Create the Secret or ConfigMap, or the key in it, that is named here: a Secret of "
    "spec.auth.secretRef needs the key `token`.",
)
_VOLUME = _Remedy(
    Reason.CONFIG_MISSING,
    "something that it mounts cannot be had",
    "Create the Secret, ConfigMap or claim that is named here, or free the volume from the node "
    "that still holds it.",
)
_SANDBOX = _Remedy(
    Reason.POD_NOT_READY,
    "its node cannot set it up",
    "Look at the node's network plug-in and container runtime.",
)
_NODE = _Remedy(
    Reason.UNSCHEDULABLE,
    "no node has room for it or may take it",
    "Add nodes, or ask for less in resources, nodeSelector, affinity or tolerations.",
)
_EVICTED = _Remedy(
    Reason.POD_FAILED,
    "its pod has failed",
    "Kubernetes makes a new one; look at the node if it happens again.",
)
_OTHER = _Remedy(
    Reason.POD_NOT_READY, "it is not ready", "`kubectl describe pod` shows its events."
)

#: By Kubernetes' reason.
_POD_REMEDIES = {
    "ImagePullBackOff": _IMAGE,
    "ErrImagePull": _IMAGE,
    "InvalidImageName": _IMAGE,
    "ErrImageNeverPull": _IMAGE,
    "CrashLoopBackOff": _CRASH,
    "Error": _CRASH,
    "OOMKilled": _MEMORY,
    "CreateContainerConfigError": _CONFIG,
    "CreateContainerError": _CONFIG,
    "FailedMount": _VOLUME,
    "FailedAttachVolume": _VOLUME,
    "FailedCreatePodSandBox": _SANDBOX,
    "Unschedulable": _NODE,
    "Evicted": _EVICTED,
    "Failed": _EVICTED,
}

_CLAIM = _Remedy(
    Reason.CLAIM_PENDING,
    "its volume cannot be had",
    "Check storage.claimTemplate: the StorageClass must be there (`kubectl get storageclass`) and "
    "able to make volumes of that size.",
)
#: Why pods cannot be made, by what Kubernetes' message says; the first that fits.
_WORKLOAD_REMEDIES = (
    (
        "exceeded quota",
        _Remedy(
            Reason.QUOTA_EXCEEDED,
            "the namespace's quota is used up",
            "Raise the ResourceQuota, or lower workers.replicas or resources.",
        ),
    ),
    (
        "violates PodSecurity",
        _Remedy(
            Reason.FORBIDDEN,
            "Pod Security forbids its pods",
            "What is made by default passes `restricted`: look at podPatch, env and storage.",
        ),
    ),
    (
        "forbidden",
        _Remedy(
            Reason.FORBIDDEN,
            "Kubernetes forbids its pods",
            "Whoever runs this cluster must allow it: the words above name the rule, or the role "
            "and the verb.",
        ),
    ),
    (
        "not found",
        _Remedy(
            Reason.CONFIG_MISSING,
            "something that its pods need is not there",
            "Create what is named here, such as the ServiceAccount of serviceAccountName.",
        ),
    ),
)


def ailments(situation: Situation) -> list[Ailment]:
    """All that is wrong, causes before what follows from them: the Secret that all pods need, what
    cannot be made, and what is there and not well, the manager's pod first."""
    return [
        *_of_secret(situation),
        *_of_workloads(situation),
        *_of_claims(situation),
        *_of_pods(situation),
    ]


def _of_secret(situation: Situation) -> Iterator[Ailment]:
    auth, tokens = situation.cluster.spec.auth, situation.observed.tokens
    if not auth.enabled or auth.secret_ref is UNSET or tokens.token:
        return
    name = auth.secret_ref.name
    fault = "has no token" if tokens.exists else "does not exist"
    message = (
        f"Secret {name} of spec.auth.secretRef {fault}, so no process can start. Put the token "
        f"under its key `{names.TOKEN_KEY}`, as printable ASCII without spaces."
    )
    yield Ailment(Reason.CONFIG_MISSING, name, message)


def _of_workloads(situation: Situation) -> Iterator[Ailment]:
    cluster, observed = situation.cluster.name, situation.observed
    pairs: tuple[tuple[str, Workload | None], ...] = (
        (names.manager(cluster), observed.manager),
        (names.worker(cluster), observed.workers),
    )
    for name, workload in pairs:
        if workload is not None and workload.trouble is not None:
            yield _of_workload(name, workload.trouble)


def _of_workload(name: str, trouble: Trouble) -> Ailment:
    remedy = next(
        (remedy for words, remedy in _WORKLOAD_REMEDIES if words in trouble.message), None
    )
    return _sentence(name, remedy or _OTHER, trouble)


def _of_claims(situation: Situation) -> Iterator[Ailment]:
    for claim in situation.observed.claims:
        yield _sentence("A PersistentVolumeClaim", _CLAIM, claim)


def _of_pods(situation: Situation) -> Iterator[Ailment]:
    for pod in sorted(situation.observed.pods, key=lambda pod: (pod.ordinal, pod.name)):
        if pod.terminating:
            continue
        if pod.trouble is not None:
            yield of_pod(pod.name, pod.trouble)
        elif _is_silent(situation, pod):
            yield _silent(situation, pod)


def of_pod(name: str, trouble: Trouble) -> Ailment:
    """What a pod's trouble means."""
    remedy = _POD_REMEDIES.get(trouble.reason, _OTHER)
    if "OOMKilled" in trouble.message:
        remedy = _MEMORY  # a crash loop like any other, but its cause is known
    if remedy is _NODE and "PersistentVolumeClaim" in trouble.message:
        remedy = _CLAIM
    return _sentence(name, remedy, trouble)


def _is_silent(situation: Situation, pod: Pod) -> bool:
    """True for a worker whose pod is well and which the manager has not heard of for a while."""
    if pod.component != "worker" or not pod.ready or situation.facts is None:
        return False
    due = situation.manager_is_settled and situation.now - pod.created >= REJOIN_WITHIN
    return due and situation.worker(pod.name) is None


def _silent(situation: Situation, pod: Pod) -> Ailment:
    cluster = situation.cluster.name
    manager, registry = names.manager(cluster), names.registry(cluster)
    message = (
        f"{pod.name} is ready, but not registered with the manager. `kubectl logs {pod.name}` "
        f"says why: a token that {manager} does not accept, a release that does not fit, a name "
        f"that DNS does not know, or no connection to {registry}:{names.REGISTRY_PORT} (a "
        f"NetworkPolicy of somebody else's, or a mesh)."
    )
    return Ailment(Reason.NOT_REGISTERED, pod.name, message)


def _sentence(about: str, remedy: _Remedy, trouble: Trouble) -> Ailment:
    said = _steady(trouble.message)
    words = f"{trouble.reason}: {said}" if said else trouble.reason
    end = "" if trouble.exit_code is None else f"; it ended with exit code {trouble.exit_code}"
    last = f", saying {_steady(trouble.last_words)!r}" if trouble.last_words else ""
    message = f"{about}: {remedy.cause} ({words}{end}{last}). {remedy.advice}"
    return Ailment(remedy.reason, about, message)


def _steady(words: str) -> str:
    """Kubernetes' words on one line, without the waiting time that grows in them."""
    line = " ".join(re.sub(r"back-off \d\S* ", "back-off ", words).split())
    return line if len(line) <= QUOTED else line[: QUOTED - 3] + "..."
