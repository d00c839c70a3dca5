"""An inherited socket to whoever started this process.

One line of JSON goes out on it when the ports are open; when it ends, the parent is gone (killed,
perhaps), and this process ends too.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping

from ufora_manager.errors import StartError


class Lifeline:
    """Watches the socket ``descriptor`` and calls ``on_end`` once when its other end is closed."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, descriptor: int, on_end: Callable[[], object]
    ) -> None:
        self._loop = loop
        self._on_end = on_end
        try:
            self._socket = socket.socket(fileno=descriptor)
        except OSError as error:
            raise StartError(
                f"UFORA_LIFELINE_FD={descriptor} is no open socket ({error.strerror}); it is set "
                "by programs that start a cluster of their own, and not needed otherwise"
            ) from None
        self._socket.setblocking(False)
        loop.add_reader(self._socket, self._read)

    def announce(self, facts: Mapping[str, object]) -> None:
        """Say that this process is ready."""
        try:
            self._socket.send(json.dumps(dict(facts)).encode() + b"\n")
        except OSError:
            self._end()

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        try:
            data = self._socket.recv(1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()

    def _end(self) -> None:
        self._loop.remove_reader(self._socket)
        self._on_end()
