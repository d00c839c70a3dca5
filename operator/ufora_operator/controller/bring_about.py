"""Makes the objects of a cluster what they are to be: writes what differs, deletes what is no
longer wanted, and touches nothing else. Every step may be the last: the next round goes on."""

import logging
from collections.abc import Iterable, Sequence

from ufora_operator import names
from ufora_operator.controller.drift import applied, digest, drifted, part_of, stamped
from ufora_operator.controller.kinds import (
    CLAIM,
    NETWORK_POLICY,
    POD,
    SECRET,
    Manifest,
    Ref,
    ref_of,
    uid_of,
)
from ufora_operator.controller.kube import Kube
from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.observe import Live
from ufora_operator.errors import KubeError
from ufora_operator.observed import Tokens
from ufora_operator.plan.types import DoomedPod

log = logging.getLogger(__name__)

#: Without these in place nothing that follows may be made: pods would run open, or without a key.
_GUARDS = (SECRET, NETWORK_POLICY)
#: Kept until the cluster itself goes: data, and the key to it.
_KEPT = (CLAIM, SECRET)

#: On a pod: the digest of its token Secret. Writing it makes the kubelet renew the mounted files.
TOKEN_REVISION = f"{names.GROUP}/token-revision"


class Artisan:
    """Writes objects. Remembers what the API server made of a manifest where that is not the
    manifest itself, so that a value which it always changes is not sent for ever."""

    def __init__(self, kube: Kube, metrics: Metrics) -> None:
        self._kube = kube
        self._metrics = metrics
        #: uid -> digest of what the server made of the manifest.
        self._made: dict[str, str] = {}

    async def apply_all(
        self, live: Live, manifests: Sequence[Manifest]
    ) -> tuple[bool, list[KubeError]]:
        """Bring the objects to what the manifests say, in order; gives whether anything was
        written, and what was refused.

        A refused Secret or NetworkPolicy ends it, as does a namespace that is being deleted."""
        refused: list[KubeError] = []
        wrote = False
        for manifest in manifests:
            try:
                wrote |= await self._apply(live, stamped(manifest))
            except KubeError as error:
                refused.append(error)
                unanswered = error.code in (0, 429) or error.code >= 500
                if unanswered or error.namespace_terminates or ref_of(manifest).kind in _GUARDS:
                    break
        return wrote, refused

    async def _apply(self, live: Live, manifest: Manifest) -> bool:
        """Write one object if it is not as it should be; True if it was written."""
        ref = ref_of(manifest)
        there = live.children.get(ref)
        why = "missing"
        if there is not None:
            where = drifted(manifest, there)
            if where is None or self._made.get(uid_of(there)) == _outcome(manifest, there):
                return False
            why = "drifted" if applied(manifest) == applied(there) else "changed"
            log.info("%s differs at %s", ref, where)
        result = await self._write(_meant_for(manifest, there), there)
        self._metrics.writes.labels(ref.kind.name, why).inc()
        self._made.pop(uid_of(result), None)
        if drifted(manifest, result) is not None:
            self._made[uid_of(result)] = _outcome(manifest, result)
        return True

    async def _write(self, manifest: Manifest, there: Manifest | None) -> Manifest:
        """Server-side apply. What somebody else added to a list of ours it leaves there, or even
        trips over (a second port of one name); then the lists are put in place as they are."""
        try:
            result = await self._kube.apply(manifest)
        except KubeError as error:
            if there is None or error.code != 422:
                raise
        else:
            if there is None or drifted(manifest, result) is None:
                return result
        replaced = await self._kube.patch(ref_of(manifest), manifest)
        return replaced if replaced is not None else await self._kube.apply(manifest)

    async def prune(self, live: Live, manifests: Iterable[Manifest]) -> None:
        """Delete the children that are not wanted any more; policies last."""
        wanted = {ref_of(manifest) for manifest in manifests}
        unwanted = [
            (ref, manifest)
            for ref, manifest in live.children.items()
            if ref not in wanted and ref.kind not in _KEPT
        ]
        unwanted.sort(key=lambda pair: pair[0].kind == NETWORK_POLICY)
        for ref, manifest in unwanted:
            if "deletionTimestamp" not in manifest["metadata"]:
                await self._kube.delete(ref, uid_of(manifest))
                self._metrics.writes.labels(ref.kind.name, "unwanted").inc()
            self._made.pop(uid_of(manifest), None)

    async def delete_pods(self, namespace: str, doomed: Sequence[DoomedPod]) -> None:
        """Delete pods, each only if it is still the one that was meant."""
        for pod in doomed:
            if await self._kube.delete(Ref(POD, namespace, pod.name), pod.uid):
                log.info("pod %s/%s deleted: %s", namespace, pod.name, pod.why)
                self._metrics.drains.labels("forced" if pod.force else "empty").inc()

    async def announce(self, live: Live, tokens: Tokens) -> None:
        """During a rotation, mark every pod with the Secret's content: the kubelet then looks at
        the pod again and renews its files at once, instead of after up to two minutes."""
        revision = digest([tokens.token, tokens.second])
        patch: Manifest = {"metadata": {"annotations": {TOKEN_REVISION: revision}}}
        for pod in live.pods:
            metadata = pod["metadata"]
            told = (metadata.get("annotations") or {}).get(TOKEN_REVISION)
            if told != revision and "deletionTimestamp" not in metadata:
                await self._kube.patch(Ref(POD, metadata["namespace"], metadata["name"]), patch)

    def forget(self, live: Live) -> None:
        """The cluster is gone."""
        for manifest in live.children.values():
            self._made.pop(uid_of(manifest), None)


def _outcome(manifest: Manifest, live: Manifest) -> str:
    """What the server made of the manifest, which is named in the object's annotation."""
    return digest(part_of(live, manifest))


def _meant_for(manifest: Manifest, there: Manifest | None) -> Manifest:
    """With the uid of the object that was looked at: it is not written if it is another by now."""
    if there is None:
        return manifest
    return {**manifest, "metadata": {**manifest["metadata"], "uid": uid_of(there)}}
