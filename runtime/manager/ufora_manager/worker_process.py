"""The worker beside the manager: a child process that is watched and, when it ends, started again.

It hangs on a lifeline: when the manager is killed, the worker's end of that socket closes, and it
ends too.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Mapping

from ufora_core.settings import LOOPBACK, ManagerSettings, is_loopback

log = logging.getLogger(__name__)

#: Seconds before a worker that ended is started again; doubled each time up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
#: A worker that ran this long was well: the pauses begin anew.
_WELL_AFTER = 60.0
#: Seconds that a worker gets to stop before it is killed.
_STOP_WITHIN = 5.0
#: Exit status of a worker that cannot run as it is set up; trying again would not help.
_MISCONFIGURED = 2


def worker_environment(
    env: Mapping[str, str], settings: ManagerSettings, registry_port: int
) -> dict[str, str]:
    """The environment of the worker: the manager's own (its tokens too, by which the two know each
    other), and where to find the manager."""
    kept = {name: value for name, value in env.items() if name not in _MANAGERS_OWN}
    bind = settings.registry_bind
    kept["UFORA_MANAGER_ADDRESS"] = LOOPBACK if bind in ("0.0.0.0", "::") else bind
    kept["UFORA_MANAGER_PORT"] = str(registry_port)
    if not is_loopback(bind):
        # Workers on other machines will steal from this one, so it must not register loopback.
        own = kept.get("UFORA_WORKER_OWN_ADDRESS") or _reachable_address()
        if own is not None:
            kept["UFORA_WORKER_OWN_ADDRESS"] = own
    return kept


_MANAGERS_OWN = ("UFORA_NO_WORKER", "UFORA_LIFELINE_FD")


def _reachable_address() -> str | None:
    try:
        own = socket.gethostbyname(socket.getfqdn())
    except OSError:
        own = LOOPBACK
    if not is_loopback(own):
        return own
    log.warning(
        "this machine's own address cannot be found, so workers on other machines cannot reach the "
        "worker beside this manager; set UFORA_WORKER_OWN_ADDRESS"
    )
    return None


class WorkerProcess:
    """Keeps one worker running."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the worker, and from then on whenever it ends."""
        self._task = asyncio.get_running_loop().create_task(self._keep_running())

    async def stop(self) -> None:
        """Stop the worker; returns when it is gone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            started = loop.time()
            status = await self._run()
            if status == _MISCONFIGURED:
                log.error("the worker beside this manager cannot run as it is set up; see its log")
                return
            if loop.time() - started > _WELL_AFTER:
                pause = _FIRST_PAUSE
            log.warning("the worker ended with status %d; starting it again in %g s", status, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _run(self) -> int:
        """One life of the worker; its exit status."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", "ufora_worker"),
                    env=self._environment | {"UFORA_LIFELINE_FD": str(theirs.fileno())},
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                )
            log.info("worker started, pid=%d", process.pid)
            try:
                return await process.wait()
            except asyncio.CancelledError:
                ours.close()  # unlike SIGTERM, that does not make it wait for what runs on it
                await _end(process)
                raise


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), _STOP_WITHIN)
    except TimeoutError:
        log.warning("the worker did not stop within %g s; killing it", _STOP_WITHIN)
        process.kill()
        await process.wait()
