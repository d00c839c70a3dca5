"""One round over one cluster: look, decide, bring about, tell. The same round serves a new
cluster, a change, a repair and the second look of a settled one, which writes nothing."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from msgspec import UNSET

from ufora_operator.api.spec import UforaCluster
from ufora_operator.controller.bring_about import Artisan
from ufora_operator.controller.kinds import CLUSTER, Manifest, Ref, ref_of, uid_of
from ufora_operator.controller.kube import Kube
from ufora_operator.controller.logs import ROUND
from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.notices import Notices
from ufora_operator.controller.observe import Live, Observer
from ufora_operator.controller.poller import Target
from ufora_operator.controller.queue import Key
from ufora_operator.controller.refusals import failing, refused
from ufora_operator.errors import KubeError, SpecError
from ufora_operator.facts import Report
from ufora_operator.observed import Observed
from ufora_operator.plan.types import Plan
from ufora_operator.status.build import Rejected

log = logging.getLogger(__name__)

#: Rounds in a row that fail before the status tells of it.
_TELL_AFTER = 3

Status = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decisions:
    """The pure parts that a round puts together; tests put others here."""

    decode: Callable[[Manifest], UforaCluster]
    decide: Callable[[UforaCluster, Observed, Report | None, float], Plan]
    desired: Callable[[UforaCluster, Plan], Sequence[Manifest]]
    status_of: Callable[[UforaCluster, Observed, Report | None, Plan, float], Status]
    status_of_rejected: Callable[[Rejected, Status, float], Status]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a round ended: ``gone``, or when to look again at the latest (None: at the resync)."""

    gone: bool = False
    again_after: float | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found in one round, and what is to become of it."""

    cluster: UforaCluster
    live: Live
    observed: Observed
    report: Report | None
    plan: Plan
    manifests: Sequence[Manifest]


class Reports(Protocol):
    """What managers say, and what they are told (``Poller``)."""

    def report(self, key: Key) -> Report | None:
        """The last that is known; None before the first question."""

    def follow(self, key: Key, target: Target | None) -> None:
        """Ask that manager from now on, and give it these orders; None: there is none to ask."""

    def forget(self, key: Key) -> None:
        """There is nobody to ask any more."""


class RoundFailed(Exception):
    """A round that could not bring everything about; ``errors`` say why."""

    def __init__(self, errors: Sequence[KubeError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


class Reconciler:
    """Makes rounds. ``now`` gives Unix seconds."""

    def __init__(
        self,
        kube: Kube,
        decisions: Decisions,
        *,
        observer: Observer,
        poller: Reports,
        notices: Notices,
        metrics: Metrics,
        now: Callable[[], float],
    ) -> None:
        self._kube = kube
        self._decisions = decisions
        self._observer = observer
        self._poller = poller
        self._notices = notices
        self._artisan = Artisan(kube, metrics)
        self._tally = metrics.tally
        self._drains = metrics.drains
        self._now = now

    async def round(self, key: Key) -> Outcome:
        """Look at the cluster and take the next steps.

        Raises KubeError or RoundFailed when it is to be tried again, and LeadershipLost when this
        process may not write any more."""
        body = await self._kube.get(Ref(CLUSTER, key.namespace, key.name))
        if body is None or "deletionTimestamp" in body["metadata"]:
            self._forget(key)  # owner references see to the rest
            return Outcome(gone=body is None)
        try:
            cluster = self._decisions.decode(body)
        except SpecError as error:
            await self._reject(key, body, error)
            return Outcome()
        line = ROUND.get()
        if line is not None:
            line["generation"] = cluster.generation
        look = await self._look(cluster, body)
        try:
            return await self._bring_about(key, body, look)
        except KubeError as error:
            if error.namespace_terminates:
                return await self._stop_quietly(key, body, look)
            raise

    async def tell_of_failure(self, key: Key, error: Exception, times: int) -> None:
        """Say in the status that rounds of this cluster keep failing."""
        if times < _TELL_AFTER:
            return
        body = await self._kube.get(Ref(CLUSTER, key.namespace, key.name))
        if body is not None and "deletionTimestamp" not in body["metadata"]:
            told = failing(body.get("status") or {}, error, _TELL_AFTER, self._now())
            await self._write_status(key, body, told)

    async def _look(self, cluster: UforaCluster, body: Manifest) -> _Look:
        now = self._now()
        auth = cluster.spec.auth
        secret = None if auth.secret_ref is UNSET else auth.secret_ref.name
        live = await self._observer.read(body)
        observed = await self._observer.observed(body, live, secret, now)
        report = self._poller.report(Key(cluster.namespace, cluster.name))
        look = self._decided(_Look(cluster, live, observed, report, Plan(0, 0), ()), now)
        wanted = [ref_of(manifest) for manifest in look.manifests]
        foreign = await self._observer.foreign(live, wanted, cluster.uid)
        if not foreign:
            return look
        named = tuple(f"{ref.kind} {ref.name}" for ref in foreign)
        return self._decided(replace(look, observed=replace(observed, foreign=named)), now)

    def _decided(self, look: _Look, now: float) -> _Look:
        plan = self._decisions.decide(look.cluster, look.observed, look.report, now)
        if plan.halted is not None:
            return replace(look, plan=plan, manifests=())
        manifests = self._decisions.desired(look.cluster, plan)
        return replace(look, plan=plan, manifests=manifests)

    async def _bring_about(self, key: Key, body: Manifest, look: _Look) -> Outcome:
        plan = look.plan
        errors: list[KubeError] = []
        wrote = False
        if plan.halted is None:
            wrote, errors = await self._artisan.apply_all(look.live, look.manifests)
            self._raise_if_terminating(errors)
            self._poller.follow(key, self._target(look))
            self._count_drains(look, errors)
        if plan.halted is None and not errors:
            await self._artisan.delete_pods(key.namespace, plan.delete_pods)
            await self._artisan.prune(look.live, look.manifests)
            if plan.tokens is not None and plan.tokens.second:
                await self._artisan.announce(look.live, plan.tokens)
        # The status tells of things as this round leaves them. Else it would call a change settled,
        # for its own generation, in the moment before the change begins.
        seen = await self._look(look.cluster, body) if wrote and not errors else look
        await self._tell(key, body, seen, errors)
        if errors:
            raise RoundFailed(errors)
        await self._notices.post(body, plan.notices)
        if plan.delete_cluster:
            await self._kube.delete(ref_of(body), uid_of(body))
        return Outcome(again_after=plan.again_after)

    async def _tell(
        self, key: Key, body: Manifest, look: _Look, errors: Sequence[KubeError]
    ) -> None:
        now = self._now()
        status = self._decisions.status_of(look.cluster, look.observed, look.report, look.plan, now)
        definite = [error for error in errors if 400 <= error.code < 500 and error.code != 429]
        if definite:
            status = refused(status, body.get("status") or {}, definite, now)
        await self._write_status(key, body, status)

    async def _reject(self, key: Key, body: Manifest, error: SpecError) -> None:
        """What runs goes on as it is; only the status says what is wrong."""
        metadata = body["metadata"]
        rejected = Rejected(metadata["name"], metadata.get("generation", 0), error)
        before = body.get("status") or {}
        status = self._decisions.status_of_rejected(rejected, before, self._now())
        await self._write_status(key, body, status)

    async def _stop_quietly(self, key: Key, body: Manifest, look: _Look) -> Outcome:
        """The namespace is being deleted, and this cluster with it."""
        log.info("%s: its namespace is being deleted", key)
        self._poller.forget(key)
        now = self._now()
        observed = replace(look.observed, namespace_terminating=True)
        ended = self._decided(replace(look, observed=observed), now)
        status = self._decisions.status_of(ended.cluster, observed, ended.report, ended.plan, now)
        await self._write_status(key, body, status)
        return Outcome()

    async def _write_status(self, key: Key, body: Manifest, status: Mapping[str, Any]) -> None:
        self._tally.put(key, status.get("conditions") or ())
        if status == (body.get("status") or {}):
            return
        metadata = body["metadata"]
        place = {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        }
        manifest = {
            "apiVersion": body["apiVersion"],
            "kind": body["kind"],
            "metadata": place,
            "status": status,
        }
        await self._kube.apply(manifest, status=True)

    def _target(self, look: _Look) -> Target | None:
        """What the poller is to ask and order; None: there is no manager to ask."""
        plan, cluster = look.plan, look.cluster
        if plan.manager_replicas == 0 and not look.observed.manager:
            return None
        tokens = look.observed.tokens
        return Target(
            port=cluster.spec.manager.web_port,
            tokens=tuple(filter(None, (tokens.token, tokens.second))),
            retire=plan.retire,
            unretire=plan.unretire,
            pending=plan.again_after,
        )

    def _count_drains(self, look: _Look, errors: Sequence[KubeError]) -> None:
        workers, plan = look.observed.workers, look.plan
        gone = 0 if workers is None or errors else workers.replicas - plan.worker_replicas
        if gone > 0:
            self._drains.labels("forced").inc(len(plan.forced))
            self._drains.labels("empty").inc(max(0, gone - len(plan.forced)))

    def _forget(self, key: Key) -> None:
        self._poller.forget(key)
        self._tally.drop(key)

    @staticmethod
    def _raise_if_terminating(errors: Sequence[KubeError]) -> None:
        for error in errors:
            if error.namespace_terminates:
                raise error
