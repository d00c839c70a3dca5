"""What can happen to a worker: the only input of ``WorkerState.handle``."""

from dataclasses import dataclass
from typing import Literal

from ufora_core.protocol.executor import FromExecutor
from ufora_core.protocol.worker import (
    CancelRoot,
    Farewell,
    ForgetObjects,
    PeerLeft,
    PlaceRoot,
    Retire,
    ToPeer,
    Unretire,
    WorkAt,
)

#: The messages of the manager that are about work; the others are about being registered.
Order = PlaceRoot | CancelRoot | WorkAt | PeerLeft | ForgetObjects | Retire | Unretire | Farewell


@dataclass(frozen=True, slots=True)
class Registered:
    """The manager knows this worker (again): tell it what it should know."""


@dataclass(frozen=True, slots=True)
class ManagerSaid:
    """The manager wants something."""

    message: Order


@dataclass(frozen=True, slots=True)
class PeerSaid:
    """Another worker sent this."""

    message: ToPeer


@dataclass(frozen=True, slots=True)
class ExecutorSaid:
    """One of this worker's executors sent this."""

    executor: int
    message: FromExecutor


@dataclass(frozen=True, slots=True)
class ExecutorEnded:
    """An executor's process is gone. ``story`` continues "executor 2 of worker w ..."."""

    executor: int
    reason: Literal["executor-died", "out-of-memory"]
    story: str


@dataclass(frozen=True, slots=True)
class ObjectsHere:
    """Everything that ``FetchObjects`` with this ticket asked for is in the local store."""

    ticket: int


@dataclass(frozen=True, slots=True)
class ObjectsMissing:
    """Something that ``FetchObjects`` with this ticket asked for cannot be had, and why."""

    ticket: int
    reason: str


@dataclass(frozen=True, slots=True)
class LinkBroken:
    """The connection to a peer broke, and messages may be lost; the peer may well be alive."""

    worker: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed. ``progress``: items done and items in all, of each executor."""

    progress: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Leave:
    """The worker was told to stop, and is to hand over what it holds before it does."""

    reason: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The worker is about to stop now, whatever it holds."""

    reason: str


Event = (
    Registered
    | ManagerSaid
    | PeerSaid
    | ExecutorSaid
    | ExecutorEnded
    | ObjectsHere
    | ObjectsMissing
    | LinkBroken
    | Tick
    | Leave
    | Shutdown
)
