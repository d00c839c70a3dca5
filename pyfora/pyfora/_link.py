"""One socket.io connection, from its handshake until it breaks."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import socketio

from pyfora._errors import ConnectionError
from pyfora._http import HttpApi, Unreachable

#: Longest frame that is taken from a manager; results above ``INLINE_LIMIT`` never come this way.
_LONGEST_FRAME = 64 * 1024 * 1024

#: Seconds that a goodbye may take before the socket is dropped.
_GOODBYE = 1.0


class Link:
    """A websocket that carries frames."""

    def __init__(
        self,
        http: HttpApi,
        on_frame: Callable[[object], None],
        on_lost: Callable[[], object],
    ) -> None:
        """``on_frame`` is called with each frame that arrives, ``on_lost`` once, when the
        connection breaks."""
        self.lost = False
        #: Why it was lost, in words.
        self.why = ""
        self._http = http
        self._on_lost = on_lost
        self._refusal: str | None = None
        # Reconnecting is the transport's business: it has to look at the manager anew each time.
        self._client = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            http_session=http.session,
            websocket_extra_options={"max_msg_size": _LONGEST_FRAME},
        )
        self._client.on("message", on_frame)
        self._client.on("disconnect", self._disconnected)
        self._client.on("connect_error", self._failed)

    async def open(self, auth: Mapping[str, object]) -> None:
        """Shake hands.

        Raises:
            ConnectionError: the manager refused this client; the message has its reason.
            Unreachable: the connection broke meanwhile.
        """
        try:
            await self._client.connect(
                self._http.url,
                headers=dict(self._http.headers),
                auth=dict(auth),
                transports=["websocket"],
                wait_timeout=10,
            )
        except socketio.exceptions.ConnectionError as error:
            if "/" in self._client.failed_namespaces:
                raise ConnectionError(
                    f"the manager at {self._http.url} refused this client: {self._refusal}"
                ) from None
            raise Unreachable(str(error).lower()) from None
        except BaseException:
            await self.close()
            raise

    async def send(self, frame: bytes) -> None:
        """Put the frame on its way; a frame for a broken link is dropped."""
        if not self.lost:
            await self._client.emit("message", frame)

    async def close(self) -> None:
        """Say goodbye, if anybody still listens."""
        try:
            await asyncio.wait_for(self._client.disconnect(), _GOODBYE)
        except TimeoutError:
            self._disconnected()

    def _disconnected(self, reason: object = None, *_: object) -> None:
        if not self.lost:
            self.lost = True
            by_manager = reason == self._client.reason.SERVER_DISCONNECT
            self.why = "the manager ended it" if by_manager else "it ended without a word"
            self._on_lost()

    def _failed(self, reason: Any = None, *_: object) -> None:
        message = reason.get("message") if isinstance(reason, dict) else reason
        self._refusal = str(message or "it gave no reason")
