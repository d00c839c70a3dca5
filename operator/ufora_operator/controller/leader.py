"""Which of several operators works: the one that holds the Lease.

The library's own election is not used: it bounds no call in time, so a hanging API server would
leave the former leader at work, and it neither fences writes nor gives the Lease back.

Only this process's own clocks are trusted. A Lease counts as expired when it has been *seen*
unchanged for its whole duration, whatever times are written in it. A renewal counts from the moment
before it was sent. Every change is a replacement with the ``resourceVersion`` that was read, so of
two that try, one wins.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ufora_operator.controller.fence import Fence
from ufora_operator.controller.kinds import LEASE, Manifest, Ref
from ufora_operator.controller.kube import Kube
from ufora_operator.errors import KubeError, LeadershipLost
from ufora_operator.settings import LeaseSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocks:
    """``steady`` only goes forward; ``wall`` gives Unix seconds, for people who read the Lease."""

    steady: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Leader:
    """One candidate. ``kube`` must not go through the fence, since it opens it."""

    def __init__(
        self,
        kube: Kube,
        settings: LeaseSettings,
        *,
        namespace: str,
        identity: str,
        fence: Fence,
        clocks: Clocks,
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._ref = Ref(LEASE, namespace, settings.name)
        self._identity = identity
        self._fence = fence
        self._clocks = clocks
        self._held: Manifest | None = None
        #: Version of somebody else's Lease, and when it was first seen.
        self._seen: tuple[str, float] = ("", 0.0)

    async def acquire(self) -> None:
        """Return when this process holds the Lease."""
        while not await self._tried(self._try_to_acquire, self._settings.renew):
            await self._clocks.sleep(self._settings.retry)
        log.info("%s is the leader now", self._identity)

    async def keep(self) -> None:
        """Renew the Lease for ever. Raises LeadershipLost; the fence is closed by then."""
        while True:
            await self._clocks.sleep(self._settings.retry)
            left = self._fence.time_left
            renewed = left > 0 and await self._tried(self._renew, left)
            if not renewed and not self._fence.is_open:
                self._fence.close()
                raise LeadershipLost(
                    f"the Lease {self._ref.namespace}/{self._ref.name} was not renewed within "
                    f"{self._settings.renew:g} s, or another operator has taken it"
                )

    async def release(self) -> None:
        """Give the Lease back, so that another need not wait until it expires."""
        self._fence.close()
        if self._held is None:
            return
        await self._tried(self._give_back, self._settings.retry)
        self._held = None

    async def _tried(self, step: Callable[[], Awaitable[bool]], limit: float) -> bool:
        try:
            async with asyncio.timeout(limit):
                return await step()
        except TimeoutError:
            log.warning("the Lease could not be read or written within %.1f s", limit)
        except KubeError as error:
            log.warning("the Lease could not be read or written: %s", error)
        return False

    async def _try_to_acquire(self) -> bool:
        now = self._clocks.steady()
        there = await self._kube.get(self._ref)
        if there is None:
            return await self._write(self._new_lease(), now, create=True)
        holder = (there.get("spec") or {}).get("holderIdentity")
        if holder and holder != self._identity and not self._expired(there, now):
            return False
        return await self._write(self._taken(there), now)

    async def _renew(self) -> bool:
        now = self._clocks.steady()
        assert self._held is not None, "only the holder renews"
        spec = {**self._held["spec"], "renewTime": self._timestamp()}
        try:
            return await self._write({**self._held, "spec": spec}, now)
        except KubeError as error:
            if error.code == 409:
                return await self._after_conflict()
            raise

    async def _after_conflict(self) -> bool:
        """Somebody wrote the Lease: we, and the answer was lost, or another operator."""
        there = await self._kube.get(self._ref)
        if there is not None and there["spec"].get("holderIdentity") == self._identity:
            self._held = there
        else:
            self._fence.close()
            self._held = None
        return False

    async def _give_back(self) -> bool:
        assert self._held is not None, "only the holder gives back"
        spec = {**self._held["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        await self._kube.replace({**self._held, "spec": spec})
        return True

    async def _write(self, lease: Manifest, asked_at: float, *, create: bool = False) -> bool:
        write = self._kube.create if create else self._kube.replace
        self._held = await write(lease)
        self._fence.open_until(asked_at + self._settings.renew, asked_at + self._settings.duration)
        return True

    def _expired(self, lease: Manifest, now: float) -> bool:
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        duration = lease["spec"].get("leaseDurationSeconds") or self._settings.duration
        return now - self._seen[1] >= float(duration)

    def _new_lease(self) -> Manifest:
        metadata = {"name": self._ref.name, "namespace": self._ref.namespace}
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": metadata,
            "spec": self._spec(0),
        }

    def _taken(self, lease: Manifest) -> Manifest:
        transitions = (lease.get("spec") or {}).get("leaseTransitions") or 0
        return {**lease, "spec": self._spec(transitions + 1)}

    def _spec(self, transitions: int) -> dict[str, Any]:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._settings.duration)),
            "acquireTime": self._timestamp(),
            "renewTime": self._timestamp(),
            "leaseTransitions": transitions,
        }

    def _timestamp(self) -> str:
        moment = datetime.fromtimestamp(self._clocks.wall(), UTC)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
