"""What the operator asks of an API server: the seam that tests put a fake at."""

from collections.abc import Mapping
from typing import Protocol

from ufora_operator.controller.kinds import Kind, Manifest, Ref


class Kube(Protocol):
    """The verbs that are used, and no others.

    Each raises KubeError when the server refuses or does not answer in time; the verbs that write
    raise LeadershipLost when this process may not write any more.
    """

    async def get(self, ref: Ref) -> Manifest | None:
        """The object; None if there is none."""

    async def list(
        self,
        kind: Kind,
        namespace: str,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[Manifest]:
        """The objects of a namespace with these labels and fields."""

    async def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """Server-side apply, as the only owner of what the manifest says; gives the result."""

    async def create(self, manifest: Manifest) -> Manifest:
        """Make an object that is not there yet."""

    async def replace(self, manifest: Manifest) -> Manifest:
        """Put an object in the place of the one with the same ``resourceVersion``."""

    async def patch(self, ref: Ref, patch: Manifest) -> Manifest | None:
        """Merge some fields into an object; None if there is none."""

    async def delete(self, ref: Ref, uid: str) -> bool:
        """Delete the object if it is still this very one; False if it is not."""
