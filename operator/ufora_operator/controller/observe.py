"""Reads everything that there is for one cluster, from the API server itself: what a watch told
is only a reason to look, so a missed event costs a delay and never a wrong decision."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ufora_operator import names
from ufora_operator.controller import projection
from ufora_operator.controller.kinds import (
    CHILDREN,
    CLAIM,
    CORE_EVENT,
    DEPLOYMENT,
    OPTIONAL,
    POD,
    READ_BY_NAME,
    SECRET,
    STATEFUL_SET,
    Kind,
    Manifest,
    Ref,
    owned_by,
    ref_of,
    uid_of,
)
from ufora_operator.controller.kube import Kube
from ufora_operator.errors import KubeError, OperatorError
from ufora_operator.observed import Observed, Pod

T = TypeVar("T")

#: Events are asked for of so many pods at most; one tells what ails them all.
_PODS_ASKED_ABOUT = 3
#: A pod that is not on its way after so long may have a reason.
_SLOW_START = 10.0


@dataclass(frozen=True, slots=True)
class Live:
    """A cluster's objects as they are now: its children by place, its pods, its claims."""

    children: Mapping[Ref, Manifest]
    pods: tuple[Manifest, ...]

    def child(self, kind: Kind, name: str) -> Manifest | None:
        """The child of that kind and name."""
        return next(
            (
                manifest
                for ref, manifest in self.children.items()
                if ref.kind == kind and ref.name == name
            ),
            None,
        )


class Observer:
    """Reads clusters; ``served`` are the kinds that this API server has."""

    def __init__(self, kube: Kube, served: Iterable[Kind] = OPTIONAL) -> None:
        self._kube = kube
        others = {*OPTIONAL, *READ_BY_NAME} - set(served)
        self._listed = (*(kind for kind in CHILDREN if kind not in others), POD)

    async def read(self, cluster: Manifest) -> Live:
        """All objects with the cluster's labels, and its Secret; a child is one that belongs to it,
        too."""
        name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
        uid = uid_of(cluster)
        labels = {names.INSTANCE_LABEL: name, names.MANAGED_BY_LABEL: names.FIELD_MANAGER}
        *children, pods = await gathered(
            self._named(Ref(SECRET, namespace, names.auth_secret(name))),
            *(self._list(kind, namespace, labels) for kind in self._listed),
        )
        return Live(
            {
                ref_of(manifest): manifest
                for found in children
                for manifest in found
                if owned_by(manifest, uid)
            },
            tuple(pods),
        )

    async def observed(
        self, cluster: Manifest, live: Live, secret: str | None, now: float
    ) -> Observed:
        """The projection; ``secret`` is the name of a token Secret of the user's own."""
        name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
        token_secret = live.child(SECRET, names.auth_secret(name))
        if secret is not None:
            token_secret = await self._kube.get(Ref(SECRET, namespace, secret))
        workers = live.child(STATEFUL_SET, names.worker(name))
        pods = await self._pods(live, workers, now)
        return Observed(
            manager=projection.deployment(live.child(DEPLOYMENT, names.manager(name))),
            workers=projection.stateful_set(workers, await self._worker_events(workers, pods)),
            pods=pods,
            tokens=projection.tokens(token_secret),
            claims=tuple(
                [
                    trouble
                    for ref, claim in live.children.items()
                    if ref.kind == CLAIM
                    and (trouble := projection.claim(claim, await self._claim_events(claim)))
                ]
            ),
            status=cluster.get("status") or {},
        )

    async def foreign(self, live: Live, wanted: Iterable[Ref], uid: str) -> list[Ref]:
        """Which of the objects that are wanted exist and belong to somebody else.

        Only what is missing among the children is asked for, so that a settled cluster costs no
        call. One of ours whose labels were taken off is no stranger."""
        missing = [ref for ref in wanted if ref not in live.children]
        found = await gathered(*(self._kube.get(ref) for ref in missing))
        there = zip(missing, found, strict=True)
        return [ref for ref, manifest in there if manifest and not owned_by(manifest, uid)]

    async def _named(self, ref: Ref) -> list[Manifest]:
        found = await self._kube.get(ref)
        return [] if found is None else [found]

    async def _list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        try:
            return await self._kube.list(kind, namespace, labels=labels)
        except KubeError as error:
            if error.code == 404 and kind in OPTIONAL:
                return []  # its CRD was deleted, and its objects with it
            raise

    async def _pods(self, live: Live, workers: Manifest | None, now: float) -> tuple[Pod, ...]:
        slow = [pod for pod in live.pods if projection.starts_slowly(pod) and _is_old(pod, now)]
        asked = slow[:_PODS_ASKED_ABOUT]
        told = await gathered(*(self._events(pod) for pod in asked))
        events = {uid_of(pod): each for pod, each in zip(asked, told, strict=True)}
        uid = None if workers is None else uid_of(workers)
        found = [projection.pod(pod, events.get(uid_of(pod), ())) for pod in live.pods]
        return tuple(
            pod
            for pod, manifest in zip(found, live.pods, strict=True)
            if pod is not None and _belongs(pod, manifest, uid)
        )

    async def _worker_events(
        self, workers: Manifest | None, pods: tuple[Pod, ...]
    ) -> list[Manifest]:
        if workers is None:
            return []
        there = sum(pod.component == "worker" for pod in pods)
        return await self._events(workers) if there < workers["spec"].get("replicas", 1) else []

    async def _claim_events(self, claim: Manifest) -> list[Manifest]:
        return [] if projection.claim(claim) is None else await self._events(claim)

    async def _events(self, manifest: Manifest) -> list[Manifest]:
        fields = {"involvedObject.uid": uid_of(manifest), "type": "Warning"}
        return await self._kube.list(CORE_EVENT, manifest["metadata"]["namespace"], fields=fields)


def _is_old(pod: Manifest, now: float) -> bool:
    return now - projection.seconds(pod["metadata"].get("creationTimestamp")) > _SLOW_START


def _belongs(pod: Pod, manifest: Manifest, workers: str | None) -> bool:
    """Whether a pod is the cluster's and not one that somebody gave its labels: a worker belongs
    to the StatefulSet (or to nobody, and will be adopted), a manager to a ReplicaSet."""
    owners = manifest["metadata"].get("ownerReferences") or []
    if pod.component == "worker":
        return not owners or workers is None or owners[0].get("uid") == workers
    return bool(owners) and owners[0].get("kind") == "ReplicaSet"


async def gathered(*calls: Coroutine[Any, Any, T]) -> list[T]:
    """The results of calls made at once; the first that fails ends the others."""
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except* OperatorError as errors:
        failure = errors.exceptions[0]
    if failure is not None:  # raised above, the first releases of 3.11 would make a group of it
        raise failure
    return [task.result() for task in tasks]
