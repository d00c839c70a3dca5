"""The errors of a worker.

WorkerError
├── RefusedEvent   an event that cannot follow what came before it; the state did not change
└── StartError     the process cannot start: a port, a folder or the executors are at fault
"""


class WorkerError(Exception):
    """Base of everything that a worker raises on purpose."""


class RefusedEvent(WorkerError):
    """Somebody sent what cannot be; the message ends with what happened before (the *story*)."""


class StartError(WorkerError):
    """The worker cannot run; the message says why and what to change."""
