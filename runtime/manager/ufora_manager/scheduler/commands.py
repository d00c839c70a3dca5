"""What the scheduler wants done. The driver does it; nothing here does anything."""

from dataclasses import dataclass

from ufora_core.protocol.client import ToClient
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.worker import ToWorker


@dataclass(frozen=True, slots=True)
class Place:
    """Bring a job's objects to a worker and then its root."""

    worker: str
    job: str
    program: Payload
    needs: tuple[Payload, ...]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Stop a job's root, whether it has reached the worker or is still on its way."""

    worker: str
    job: str


@dataclass(frozen=True, slots=True)
class TellWorker:
    """Send a message to a worker."""

    worker: str
    message: ToWorker


@dataclass(frozen=True, slots=True)
class DropWorker:
    """Forget how to reach a worker; it counts as gone."""

    worker: str
    reason: str


@dataclass(frozen=True, slots=True)
class TellClient:
    """Send a message to the client of a session, or drop it when the client is away."""

    session: str
    message: ToClient


@dataclass(frozen=True, slots=True)
class DeleteObjects:
    """Remove these objects from the manager's store."""

    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rescue:
    """Bring objects that a retiring worker made into the manager's store."""

    worker: str
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send a ``Tick`` at this time, besides the regular ones."""

    at: float


Command = Place | Withdraw | TellWorker | DropWorker | TellClient | DeleteObjects | Rescue | WakeAt
