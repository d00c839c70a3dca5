"""Who this worker is, to the manager and to other workers."""

import os
import platform
import time
from dataclasses import dataclass
from typing import Self

from ufora_core import __version__
from ufora_core.protocol.parts import WorkerAddress
from ufora_core.protocol.version import VERSION
from ufora_core.protocol.worker import Hello


@dataclass(frozen=True, slots=True)
class Identity:
    """One start of a worker. ``incarnation`` and ``first_lease`` differ from start to start."""

    name: str
    host: str
    incarnation: str
    first_lease: int

    @classmethod
    def new(cls, name: str, host: str) -> Self:
        """The identity of a worker that starts now."""
        return cls(name, host, os.urandom(8).hex(), time.time_ns() // 1000)

    def address(self, control_port: int, data_port: int) -> WorkerAddress:
        """Where the worker is reached."""
        return WorkerAddress(self.name, self.host, control_port, data_port)

    def hello(self, address: WorkerAddress, executors: int, tokens: tuple[str, ...]) -> Hello:
        """How the worker introduces itself; ``tokens`` are fingerprints."""
        return Hello(
            protocol=VERSION,
            release=__version__,
            python=platform.python_version(),
            address=address,
            executors=executors,
            incarnation=self.incarnation,
            tokens=tokens,
        )
