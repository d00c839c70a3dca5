"""Roots on their way to workers: first what they need, then the root itself."""

import asyncio
import logging
from collections.abc import Callable

from ufora_core.errors import StoreError
from ufora_core.protocol.parts import Failure, Payload
from ufora_core.protocol.worker import CancelRoot, PlaceRoot
from ufora_manager.errors import TransferError
from ufora_manager.object_access import ObjectAccess
from ufora_manager.registry_socket import Registry
from ufora_manager.scheduler.commands import Place
from ufora_manager.scheduler.events import RootSent, RootUnplaced
from ufora_manager.scheduler.objects import bulk

log = logging.getLogger(__name__)


class Placements:
    """Carries out ``Place`` and ``Withdraw``. A root that needs nothing leaves at once."""

    def __init__(
        self,
        registry: Registry,
        objects: ObjectAccess,
        report: Callable[[RootUnplaced | RootSent], None],
    ) -> None:
        self._registry = registry
        self._objects = objects
        self._report = report
        self._on_the_way: dict[str, asyncio.Task[None]] = {}

    def place(self, command: Place) -> None:
        """Bring a root to its worker; report it when its objects cannot be brought there."""
        payloads = bulk((command.program, *command.needs))
        if not payloads:
            self._send(command)
            return
        task = asyncio.get_running_loop().create_task(self._bring(command, payloads))
        self._on_the_way[command.job] = task

    def withdraw(self, worker: str, job: str) -> None:
        """Stop a root; one that is still on its way never arrives."""
        task = self._on_the_way.pop(job, None)
        if task is not None:
            task.cancel()
        else:
            self._registry.send(worker, CancelRoot(job=job))

    async def close(self) -> None:
        """Give up what is on its way."""
        tasks = list(self._on_the_way.values())
        self._on_the_way.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _bring(self, command: Place, payloads: list[Payload]) -> None:
        try:
            shares = await self._registry.shares_store(command.worker)
            for payload in payloads:
                await self._objects.bring(payload, command.worker, shares_store=shares)
        except (TransferError, StoreError) as error:
            del self._on_the_way[command.job]
            self._fail(command, str(error))
        else:
            del self._on_the_way[command.job]
            self._send(command)
            now = asyncio.get_running_loop().time()
            self._report(RootSent(now, command.worker, command.job))

    def _send(self, command: Place) -> None:
        message = PlaceRoot(job=command.job, program=command.program, needs=command.needs)
        self._registry.send(command.worker, message)

    def _fail(self, command: Place, reason: str) -> None:
        log.warning("job=%s worker=%s cannot start: %s", command.job, command.worker, reason)
        failure = Failure("missing-object", f"the block could not start: {reason}")
        now = asyncio.get_running_loop().time()
        self._report(RootUnplaced(now, command.worker, command.job, failure))
