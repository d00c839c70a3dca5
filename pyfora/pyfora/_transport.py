"""The only way out of the client: what a session asks of a network, and what it is told.

``_socketio`` is the real one; ``pyfora.testing`` has one that stays in this process.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from pyfora._errors import ConnectionError
from ufora_core.protocol.client import FromClient, ToClient
from ufora_core.store import Buffer


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What to send again when the link is back."""

    #: What the messages need, by digest; the cluster may have lost it.
    objects: Mapping[str, Buffer]
    #: They go before all that waits to be sent.
    messages: Sequence[FromClient]


class Receiver(Protocol):
    """Who a transport reports to. Each method is called from the transport's own thread, in the
    order in which things happened, and must return at once."""

    def on_messages(self, messages: Sequence[ToClient]) -> None:
        """Messages arrived. Some may have arrived before."""

    def on_interrupted(self) -> None:
        """The link broke and is being made anew; messages on their way may be gone."""

    def unfinished(self) -> Unfinished:
        """What the cluster may not have heard, or may have answered in vain. Asked for when there
        is a link again, and once more if that breaks too early."""
        ...

    def in_flight(self) -> int:
        """Number of jobs whose end is waited for."""
        ...

    def on_lost(self, error: ConnectionError) -> None:
        """The link is gone for good; nothing more will arrive."""


class Transport(Protocol):
    """A link to one cluster. Methods may be called from any thread."""

    @property
    def url(self) -> str:
        """Where the cluster is, for people."""
        ...

    def start(self, receiver: Receiver) -> None:
        """Connect, and report to ``receiver`` from now on.

        Raises:
            ConnectionError: nobody answers, the peer is no manager, or it refused this client.
        """

    def send(self, messages: Sequence[FromClient]) -> None:
        """Put these messages on their way, in order; never waits. While the link is down they
        are kept, but for ``Submit``, which the receiver gives again."""

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Those of these objects that the cluster lacks, in the order given; waits."""
        ...

    def upload(self, objects: Mapping[str, Buffer]) -> None:
        """Give the cluster these objects, by their digests; returns once it has them."""

    def download(self, digest: str) -> Future[Buffer]:
        """The bytes of an object, in memory that the caller may write to."""
        ...

    def get_json(self, path: str) -> object:
        """What the cluster says about itself at ``path``; waits."""
        ...

    def close(self) -> None:
        """End the link and everything that belongs to it. Further calls do nothing."""
