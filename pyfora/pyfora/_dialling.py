"""Makes links to the manager: the first one, and another whenever one has broken.

Every attempt looks at the manager anew: after a restart it may be another one, with another store.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pyfora._errors import AuthenticationError, ConnectionError, VersionError
from pyfora._http import HttpApi, Unreachable
from pyfora._link import Link
from pyfora._outage import NO_ANSWER, Outage
from ufora_core import __version__
from ufora_core.errors import StoreError, VersionMismatch
from ufora_core.protocol.version import VERSION, check_peer
from ufora_core.store import ObjectStore, shares

_log = logging.getLogger(__name__)

#: The longest pauses between two attempts, in seconds: to reach a manager that is being started,
#: and one that was there before.
_LONGEST_PAUSE, _LONGEST_PAUSE_AGAIN = 0.5, 2.0

#: Managers wait no longer for a client, in seconds.
_LONGEST_ABSENCE = 3600.0

#: Seconds after which an attempt is given up for the next one: somebody may take a connection and
#: never answer, as a forwarded port does whose pod is gone.
_ATTEMPT_SECONDS = 5.0


class Dialler:
    """Used in one event loop."""

    def __init__(
        self,
        http: HttpApi,
        *,
        timeout: float,
        reconnect_seconds: float,
        on_frame: Callable[[object], None],
        on_lost: Callable[[], object],
    ) -> None:
        """``on_frame`` and ``on_lost`` are for every link; see ``Link``."""
        #: The manager's own store, if this process can read and write its folder.
        self.store: ObjectStore | None = None
        self._http = http
        self._timeout = timeout
        self._reconnect_seconds = reconnect_seconds
        self._on_frame = on_frame
        self._on_lost = on_lost
        #: By it the manager knows this client again.
        self._session = secrets.token_hex(16)

    async def first(self) -> Link:
        """The first link. Waits for a manager that is not up yet.

        Raises:
            ConnectionError: nobody answers within the timeout, or no manager that takes us.
        """
        outage = Outage(_now(), self._timeout, _LONGEST_PAUSE)
        while True:
            try:
                return await self._attempt(outage)
            except Unreachable as error:
                outage.reason = str(error)
            if not await _paused(outage):
                raise ConnectionError(
                    f"no Ufora manager can be reached at {self._http.url} ({outage.reason}; tried "
                    f"for {self._timeout:g} s); start one with `ufora-manager`, check the address, "
                    "or leave it out: pyfora.connect() starts a cluster on this machine"
                )

    async def again(
        self, why: str, use: Callable[[Link], Awaitable[None]], in_flight: Callable[[], str]
    ) -> Link:
        """A link in the place of one that broke, once ``use`` has succeeded with it.

        Args:
            why: Why it broke, for people.
            use: What must be done first; may raise Unreachable.
            in_flight: What is lost if there will be no link, for people.

        Raises:
            ConnectionError: there is none within the time for it, or the manager refuses this
                client now.
        """
        since, limit = time.strftime("%H:%M:%S"), self._reconnect_seconds
        text = "the connection to %s was lost (%s); trying again for %g s"
        _log.warning(text, self._http.url, why, limit)
        outage = Outage(_now(), limit, _LONGEST_PAUSE_AGAIN)
        while True:
            try:
                link = await self._attempt(outage)
                await _used(link, use)
                return link
            except (AuthenticationError, VersionError):
                raise
            except (ConnectionError, Unreachable) as error:
                # Whatever answers in the place of a manager that is away may be gone soon.
                outage.reason = str(error)
            if not await _paused(outage):
                raise ConnectionError(
                    f"the connection to {self._http.url} was lost at {since} ({why}) and could not "
                    f"be made again within {limit:g} s ({outage.reason}); in flight were "
                    f"{in_flight()}; see that the manager runs and that its address still leads to "
                    "it (`kubectl port-forward` ends with its pod), then call pyfora.connect() "
                    "again"
                )

    async def _attempt(self, outage: Outage) -> Link:
        try:
            async with asyncio.timeout(min(_ATTEMPT_SECONDS, outage.left(_now()))):
                return await self._dial()
        except TimeoutError:
            raise Unreachable(NO_ANSWER) from None

    async def _dial(self) -> Link:
        # The plain request first: its answer tells strangers, tokens and managers apart, which a
        # failed websocket handshake does not.
        self.store = _shared_store(await self._http.get_json("/api/v1/store"))
        link = Link(self._http, self._on_frame, self._on_lost)
        greeting = {"protocol": VERSION, "release": __version__, "session": self._session}
        if self.store is None:
            # Nothing but its end parts a client from a manager on the same machine.
            greeting["returns_within"] = min(self._reconnect_seconds, _LONGEST_ABSENCE)
        try:
            await link.open(greeting)
        except ConnectionError:
            await self._check_version()
            raise
        return link

    async def _check_version(self) -> None:
        """Versions that differ are the usual reason of a refusal, and the manager tells its own."""
        about = await self._http.get_json("/api/v1/cluster")
        who = f"the manager at {self._http.url}"
        try:
            check_peer(who, int(about["protocol"]), str(about["release"]))
        except VersionMismatch as mismatch:
            raise VersionError(str(mismatch)) from None
        except (KeyError, TypeError, ValueError):
            pass  # it refused for a reason of its own, and has said so


async def _used(link: Link, use: Callable[[Link], Awaitable[None]]) -> None:
    try:
        await use(link)
    except BaseException:
        await link.close()
        raise


async def _paused(outage: Outage) -> bool:
    """Wait for the next attempt; False when there is none."""
    pause = outage.pause(_now(), random.random())
    if pause is not None:
        await asyncio.sleep(pause)
    return pause is not None


def _now() -> float:
    return asyncio.get_running_loop().time()


def _shared_store(answer: Any) -> ObjectStore | None:
    if not isinstance(answer, dict):
        return None
    path, proof = str(answer.get("path", "")), str(answer.get("proof", ""))
    try:
        return ObjectStore(Path(path)) if shares(path, proof) else None
    except StoreError:
        return None
