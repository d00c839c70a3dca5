"""An inherited socket to whoever started this process.

One line of JSON goes out on it when the ports are open; when it ends, the parent is gone (killed,
perhaps), and this process ends too.
"""

import json
import socket
from collections.abc import Callable, Mapping

from ufora_core.errors import SettingsError


class Lifeline:
    """The inherited socket; ``on_end`` is called when its other end is closed."""

    def __init__(self, descriptor: int, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        try:
            self._socket = socket.socket(fileno=descriptor)
        except OSError as error:
            raise SettingsError(
                f"UFORA_LIFELINE_FD={descriptor} is no open socket ({error.strerror}); it is set "
                "by programs that start a cluster of their own, and not needed otherwise"
            ) from None
        self._socket.setblocking(False)
        self._socket.set_inheritable(False)

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._socket.fileno()

    def announce(self, facts: Mapping[str, object]) -> None:
        """Say that this process is ready."""
        try:
            self._socket.send(json.dumps(dict(facts)).encode() + b"\n")
        except OSError:
            self._on_end()

    def read(self) -> None:
        """Look whether it ended; call it when the socket is readable."""
        try:
            data = self._socket.recv(1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._on_end()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
