"""What a worker's state wants done: the only output of ``WorkerState.handle``.

The driver carries them out in order. What comes of them returns as events.
"""

from dataclasses import dataclass

from ufora_core.protocol.executor import ToExecutor
from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_core.protocol.worker import ToManager, ToPeer


@dataclass(frozen=True, slots=True)
class StartExecutor:
    """Start this executor's process; it reports ``Ready`` or its end."""

    executor: int


@dataclass(frozen=True, slots=True)
class KillExecutor:
    """End the process by force; its end is reported."""

    executor: int


@dataclass(frozen=True, slots=True)
class SetStop:
    """Write the executor's stop word, and if ``value`` is not 0 signal it to look."""

    executor: int
    value: int


@dataclass(frozen=True, slots=True)
class SetYield:
    """Write the word that makes an executor give away all of its range that is behind its slice."""

    executor: int
    wanted: bool


@dataclass(frozen=True, slots=True)
class AskRepeatable:
    """Signal the executor that its root has been running for a while; it reports ``Judged``."""

    executor: int


@dataclass(frozen=True, slots=True)
class SetHungry:
    """Write the word that makes executors give the back half of their range away."""

    slots: int
    #: How many of them are executors of this worker.
    here: int


@dataclass(frozen=True, slots=True)
class TellExecutor:
    """Send a message to an executor."""

    executor: int
    message: ToExecutor


@dataclass(frozen=True, slots=True)
class TellManager:
    """Send a message to the manager."""

    message: ToManager


@dataclass(frozen=True, slots=True)
class TellPeer:
    """Send a message to another worker."""

    peer: WorkerAddress
    message: ToPeer


@dataclass(frozen=True, slots=True)
class FetchObjects:
    """See that these objects get into the local store, and report ``ticket`` when they are.

    ``source`` is the worker to ask; None: the manager pushes them.
    """

    ticket: int
    objects: tuple[Payload, ...]
    source: WorkerAddress | None


@dataclass(frozen=True, slots=True)
class CancelFetch:
    """Nobody waits for this ticket any more; report nothing."""

    ticket: int


@dataclass(frozen=True, slots=True)
class DeleteObjects:
    """Remove these objects from the local store."""

    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """The worker is gone for good: close the links to it."""

    worker: str


@dataclass(frozen=True, slots=True)
class Depart:
    """The worker has handed everything over; end the process, and this is why."""

    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The worker cannot work; end the process with this sentence."""

    reason: str


Command = (
    StartExecutor
    | KillExecutor
    | SetStop
    | SetYield
    | AskRepeatable
    | SetHungry
    | TellExecutor
    | TellManager
    | TellPeer
    | FetchObjects
    | CancelFetch
    | DeleteObjects
    | ClosePeer
    | Depart
    | GiveUp
)
