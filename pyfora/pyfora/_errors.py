"""The errors of the client.

Exception
├── PyforaError
│   ├── ConnectionError            the cluster cannot be reached, or was lost (also the builtin one)
│   │   ├── VersionError           it runs another version
│   │   └── AuthenticationError    it does not know the token
│   ├── CantGetSourceTextError     the text of a block is not to be found
│   ├── BadWithBlockError          a block holds what no block may hold; nothing of it was run
│   └── JobFailedError             the job ended without a result
│       ├── WorkerDiedError        the process that ran it ended
│       ├── OutOfMemoryError       it used more memory than the worker has
│       └── MissingPackageError    it needs a package that the workers do not have
├── UnconvertibleValueError        the block used a value that cannot travel
├── CancelledError                 from concurrent.futures
└── TimeoutError                   from concurrent.futures

An exception of the user's own code is none of these: it comes back as itself.
"""

from __future__ import annotations

import builtins
from concurrent.futures import CancelledError, TimeoutError

from ufora_core.errors import UnconvertibleValueError

__all__ = [
    "AuthenticationError",
    "BadWithBlockError",
    "CancelledError",
    "CantGetSourceTextError",
    "ConnectionError",
    "JobFailedError",
    "MissingPackageError",
    "OutOfMemoryError",
    "PyforaError",
    "TimeoutError",
    "UnconvertibleValueError",
    "VersionError",
    "WorkerDiedError",
]


class PyforaError(Exception):
    """Base of everything that pyfora raises on its own account."""


class ConnectionError(PyforaError, builtins.ConnectionError):
    """The cluster cannot be reached, or the connection to it was lost; the message has its URL."""


class VersionError(ConnectionError):
    """The cluster runs another version; the message names both."""


class AuthenticationError(ConnectionError):
    """The cluster does not accept the token, or wants one and got none."""


class LostObject(ConnectionError):
    """The cluster does not have an object any more that it kept; private, its base is caught."""


class CantGetSourceTextError(PyforaError):
    """The source text of a block is not to be found, so that it cannot be sent."""


class BadWithBlockError(PyforaError):
    """A block holds what cannot be in one; raised before anything of it is run.

    ``filename`` and ``lineno`` say where, ``problem`` what is wrong, ``advice`` what to do instead.
    """

    def __init__(self, problem: str, filename: str, lineno: int, advice: str) -> None:
        super().__init__(problem, filename, lineno, advice)
        self.problem = problem
        self.filename = filename
        self.lineno = lineno
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.problem} ({self.filename}, line {self.lineno}). {self.advice}"


class JobFailedError(PyforaError):
    """A job ended without a result, not by an exception of its own; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WorkerDiedError(JobFailedError):
    """The process that ran the job ended: killed, crashed, or by ``os._exit``."""


class OutOfMemoryError(JobFailedError):
    """The job used more memory than a worker may; ``reason`` says how much of how much."""


class MissingPackageError(JobFailedError):
    """The job needs a package that the workers do not have; ``reason`` names it."""


def again(error: PyforaError) -> PyforaError:
    """A copy to raise: a traceback belongs to one raise only."""
    return type(error)(*error.args)
