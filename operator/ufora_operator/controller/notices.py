"""Events for people, on the UforaCluster. The same words are one Event with a count; nobody can
be flooded, and a failed post fails nothing."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ufora_operator.controller.drift import digest
from ufora_operator.controller.kinds import EVENT, Manifest, Ref, uid_of
from ufora_operator.controller.kube import Kube
from ufora_operator.errors import KubeError
from ufora_operator.names import FIELD_MANAGER
from ufora_operator.plan.types import Notice

log = logging.getLogger(__name__)

#: The same words are counted again after so many seconds only.
_REPEAT_AFTER = 600.0
#: A cluster gets so many Events at once, and one more every so many seconds.
_BURST, _REFILL = 20, 30.0
#: Clusters and words that are remembered.
_REMEMBERED = 4096
#: The API server's own limit on the text of an Event.
_LONGEST_NOTE = 1024


class Notices:
    """Posts Events; ``now`` gives Unix seconds, ``instance`` is this operator's identity."""

    def __init__(self, kube: Kube, *, instance: str, now: Callable[[], float]) -> None:
        self._kube = kube
        self._instance = instance
        self._now = now
        #: Event name -> when it was posted last.
        self._posted: OrderedDict[str, float] = OrderedDict()
        #: Cluster's uid -> when its allowance is full again.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    async def post(self, cluster: Manifest, notices: Sequence[Notice]) -> None:
        """Tell of each notice, unless it was told a moment ago or there were too many."""
        for notice in notices:
            metadata = cluster["metadata"]
            words = [uid_of(cluster), notice.type, notice.reason, notice.message]
            name = f"{metadata['name']}.{digest(words)}"
            if not self._due(name) or not self._allowed(uid_of(cluster)):
                continue
            try:
                await self._post(cluster, name, notice)
            except KubeError as error:
                log.warning("an Event was not posted: %s", error)

    def _due(self, name: str) -> bool:
        now = self._now()
        if now - self._posted.get(name, -_REPEAT_AFTER) < _REPEAT_AFTER:
            return False
        _remember(self._posted, name, now)
        return True

    def _allowed(self, uid: str) -> bool:
        now = self._now()
        full_at = max(self._full_at.get(uid, now), now) + _REFILL
        if full_at - now > _BURST * _REFILL:
            return False
        _remember(self._full_at, uid, full_at)
        return True

    async def _post(self, cluster: Manifest, name: str, notice: Notice) -> None:
        namespace = cluster["metadata"]["namespace"]
        try:
            await self._kube.create(self._event(cluster, name, notice))
        except KubeError as error:
            if error.reason != "AlreadyExists":
                raise
            ref = Ref(EVENT, namespace, name)
            there = await self._kube.get(ref)
            count = 1 if there is None else (there.get("series") or {}).get("count", 1)
            series = {"count": count + 1, "lastObservedTime": self._timestamp()}
            await self._kube.patch(ref, {"series": series})

    def _event(self, cluster: Manifest, name: str, notice: Notice) -> Manifest:
        metadata = cluster["metadata"]
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.name,
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "eventTime": self._timestamp(),
            "type": notice.type,
            "reason": notice.reason,
            "note": notice.message[:_LONGEST_NOTE],
            "action": "Reconcile",
            "regarding": {
                "apiVersion": cluster["apiVersion"],
                "kind": cluster["kind"],
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": uid_of(cluster),
            },
            "reportingController": FIELD_MANAGER,
            "reportingInstance": self._instance[:128],
        }

    def _timestamp(self) -> str:
        moment = datetime.fromtimestamp(self._now(), UTC)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _remember(memory: OrderedDict[str, float], name: str, value: float) -> None:
    memory[name] = value
    memory.move_to_end(name)
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
