"""Objects that only a retiring worker has, on their way into the manager's store."""

import asyncio
import logging
from collections.abc import Callable

from ufora_manager.errors import ObjectUnknown, TransferError
from ufora_manager.object_access import ObjectAccess
from ufora_manager.scheduler.commands import Rescue
from ufora_manager.scheduler.events import ObjectsRescued, RescueFailed

log = logging.getLogger(__name__)

#: Objects that are fetched before the scheduler is told: small ones come by the thousand.
_BATCH = 100


class Rescues:
    """Carries out ``Rescue``; the objects of one command come one after the other, each of them
    with several chunks under way."""

    def __init__(
        self, objects: ObjectAccess, report: Callable[[ObjectsRescued | RescueFailed], None]
    ) -> None:
        self._objects = objects
        self._report = report
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, command: Rescue) -> None:
        """Begin to fetch these objects; what becomes of each is reported."""
        task = asyncio.get_running_loop().create_task(self._fetch_all(command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch_all(self, command: Rescue) -> None:
        here: list[str] = []
        for digest in command.digests:
            try:
                await self._objects.rescue(digest, command.worker)
            except TransferError as error:
                log.warning("worker=%s retires: %s", command.worker, error)
                gone = isinstance(error, ObjectUnknown)
                self._report(RescueFailed(_now(), command.worker, digest, gone))
            else:
                here.append(digest)
            if len(here) == _BATCH:
                self._report(ObjectsRescued(_now(), command.worker, tuple(here)))
                here.clear()
        if here:
            self._report(ObjectsRescued(_now(), command.worker, tuple(here)))


def _now() -> float:
    return asyncio.get_running_loop().time()
