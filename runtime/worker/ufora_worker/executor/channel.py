"""The executor's end of the socket pair to its supervisor.

A frame is its length in four little-endian bytes and then one batch of messages
(``protocol.executor``). The executor blocks only where it has nothing to run; while user code runs
nothing is read, and a signal announces what cannot wait.
"""

import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Lock

from ufora_core.protocol import codec
from ufora_core.protocol.executor import FromExecutor, ToExecutor

_LENGTH = struct.Struct("<I")
_READ_SIZE = 1024 * 1024


class ChannelClosed(Exception):
    """The supervisor is gone; the executor has nobody to work for."""


class Channel:
    """Messages to and from the supervisor."""

    def __init__(
        self, sock: socket.socket, uncut: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        """Within ``uncut()`` no signal handler raises: half a frame would be the end of it all."""
        self._socket = sock
        self._uncut = uncut
        self._received = bytearray()
        self._messages: deque[ToExecutor] = deque()
        self._sending = Lock()

    def send(self, *messages: FromExecutor) -> None:
        """Send these as one frame.

        Raises:
            ChannelClosed: the supervisor is gone.
        """
        frame = codec.encode(messages)
        try:
            with self._uncut(), self._sending:
                self._socket.sendall(_LENGTH.pack(len(frame)) + frame)
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    def receive(self) -> ToExecutor:
        """The next message. A signal handler may raise while there is none.

        Raises:
            ChannelClosed: the supervisor is gone.
        """
        while not self._messages:
            select.select([self._socket], [], [])
            with self._uncut():
                self._read()
        return self._messages.popleft()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_SIZE)
        except OSError as error:
            raise ChannelClosed(str(error)) from None
        if not data:
            raise ChannelClosed("end of file")
        self._received += data
        while len(self._received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            self._messages.extend(
                codec.decode_to_executor(bytes(self._received[_LENGTH.size : end]))
            )
            del self._received[:end]
