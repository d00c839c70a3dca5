"""What a supervisor says on the command line of an executor."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Orders:
    """Where an executor belongs, and what it may use."""

    index: int
    executors: int
    worker: str
    channel_fd: int
    words_fd: int
    store: str
    #: See ``loops.loop.Place``.
    floats: str
    memory_bytes: int | None
    #: Where compiled code is kept; None: everything runs in CPython.
    native_folder: str | None

    def text(self) -> str:
        """As an argument of a program."""
        return json.dumps(asdict(self))


def orders_from(text: str) -> Orders:
    """Orders from their text."""
    return Orders(**json.loads(text))
