"""Messages that wait to be sent, and the frames they leave in."""

from collections import deque
from collections.abc import Iterator, Sequence

from ufora_core.protocol import codec
from ufora_core.protocol.client import FromClient, Submit

#: A frame is closed once it holds about this many bytes; socket.io servers refuse frames of 1 MB.
_FRAME_BYTES = 512 * 1024

#: About how many bytes a message has beside an inline program.
_MESSAGE_BYTES = 300


class Outbox:
    """Filled by any thread, emptied by one."""

    def __init__(self) -> None:
        self._messages: deque[FromClient] = deque()

    def put(self, messages: Sequence[FromClient]) -> None:
        """Queue the messages, in order."""
        self._messages.extend(messages)

    def drop_submits(self) -> None:
        """Forget the programs that wait: whoever has put them here will put them first again."""
        waiting = [self._messages.popleft() for _ in range(len(self._messages))]
        self.put_first([each for each in waiting if not isinstance(each, Submit)])

    def put_first(self, messages: Sequence[FromClient]) -> None:
        """Queue the messages, in order, before those that wait."""
        self._messages.extendleft(reversed(messages))

    def frames(self) -> Iterator[bytes]:
        """Everything that waits, in frames of a size that servers take."""
        while self._messages:
            batch: list[FromClient] = []
            size = 0
            while self._messages and size < _FRAME_BYTES:
                message = self._messages.popleft()
                batch.append(message)
                size += _size_of(message)
            yield codec.encode(batch)


def _size_of(message: FromClient) -> int:
    data = message.program.data if isinstance(message, Submit) else None
    return _MESSAGE_BYTES + (len(data) if data else 0)
