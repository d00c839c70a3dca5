"""Objects wherever they are: in the manager's store, or with a worker that made them."""

from collections.abc import Callable

from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_core.store import ObjectStore
from ufora_manager.data_links import DataLinks
from ufora_manager.errors import TransferError


class ObjectAccess:
    """Brings objects here, and to workers that need them.

    ``makers`` names the workers that made an object; ``address`` says where a worker is.
    """

    def __init__(
        self,
        store: ObjectStore,
        links: DataLinks,
        *,
        makers: Callable[[str], list[str]],
        address: Callable[[str], WorkerAddress | None],
    ) -> None:
        self.store = store
        self._links = links
        self._makers = makers
        self._address = address

    async def obtain(self, digest: str) -> None:
        """Have the object in the manager's store.

        Raises:
            TransferError: it is nowhere, or could not be fetched.
            StoreError: ``digest`` is none.
        """
        if digest in self.store:
            return
        reasons: list[str] = []
        for name in self._makers(digest):
            address = self._address(name)
            if address is None:
                continue
            try:
                await self._links.fetch(address, digest)
            except TransferError as error:
                reasons.append(str(error))
            else:
                return
        raise TransferError(
            "; ".join(reasons)
            or f"object {digest[:12]} is not in the cluster: it was released or never sent, or "
            "the worker that held it is gone; send it again"
        )

    async def rescue(self, digest: str, worker: str) -> None:
        """Have an object of ``worker`` in the manager's store.

        Raises:
            ObjectUnknown: the worker does not have it.
            TransferError: the worker is gone, or the object could not be fetched.
        """
        address = self._address(worker)
        if address is None:
            raise TransferError(f"worker {worker} left the cluster")
        if digest not in self.store:
            await self._links.fetch(address, digest)

    async def bring(self, payload: Payload, worker: str, *, shares_store: bool) -> None:
        """Have an object where ``worker`` can read it; TransferError when that fails."""
        if worker in self._makers(payload.digest):
            return
        await self.obtain(payload.digest)
        address = self._address(worker)
        if address is not None and not shares_store:
            await self._links.push(address, payload.digest)
