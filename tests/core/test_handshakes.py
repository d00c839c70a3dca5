"""What a listener's log says of peers that do not get through the handshake."""

import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import zmq

from ufora_core.handshakes import HandshakeWatch, Happening

ENDED = zmq.EVENT_DISCONNECTED
WRONG_KEY = Happening(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
NO_KEY = Happening(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
HUNG_UP = Happening(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, errno.EPIPE)


class Port:
    """A listening socket, its watch, and connections to it from 127.0.0.1 and 127.0.0.2."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.watch = HandshakeWatch("port", self._listening.getsockname()[1])

    def accepted(self, source: str = "127.0.0.1") -> int:
        """The descriptor of a connection from there."""
        address = self._listening.getsockname()
        self._stack.enter_context(socket.create_connection(address, source_address=(source, 0)))
        return self._stack.enter_context(self._listening.accept()[0]).fileno()

    def refuse(self, descriptor: int, failure: Happening, *, rotating: bool = False) -> None:
        """The events of a connection whose handshake fails."""
        for each in (
            Happening(zmq.EVENT_ACCEPTED, descriptor),
            failure,
            Happening(ENDED, descriptor),
        ):
            self.watch.observe(each, guarded=True, rotating=rotating)


@pytest.fixture
def port(caplog: pytest.LogCaptureFixture) -> Iterator[Port]:
    caplog.set_level(logging.INFO)
    with ExitStack() as stack:
        yield Port(stack)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level of each line, and what it says of whom."""
    return [(each.levelname, each.getMessage().partition(";")[0]) for each in caplog.records]


def lowest_free() -> int:
    """The descriptor that whoever opens something next would get."""
    descriptor = os.dup(0)
    os.close(descriptor)
    return descriptor


def test_each_peer_is_named_once(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    for source in ("127.0.0.1", "127.0.0.1", "127.0.0.2"):
        port.refuse(port.accepted(source), WRONG_KEY)
    assert lines(caplog) == [
        ("WARNING", "port: 127.0.0.1 has no valid token"),
        ("WARNING", "port: 127.0.0.2 has no valid token"),
    ]


def test_another_key_is_no_warning_while_tokens_are_replaced_but_afterwards(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    port.refuse(port.accepted(), WRONG_KEY, rotating=True)
    port.refuse(port.accepted(), WRONG_KEY, rotating=False)
    assert [level for level, _ in lines(caplog)] == ["INFO", "WARNING"]


def test_no_key_at_all_is_a_warning_while_tokens_are_replaced_too(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    port.refuse(port.accepted(), NO_KEY, rotating=True)
    assert lines(caplog) == [("WARNING", "port: 127.0.0.1 has no valid token")]


def test_a_probe_of_the_port_is_no_warning(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    port.refuse(port.accepted(), HUNG_UP)
    assert [level for level, _ in lines(caplog)] == ["INFO"]


def test_a_connection_that_is_gone_leaves_no_descriptor_and_takes_no_other_ones_name(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, ExitStack() as stack:
        stack.enter_context(socket.create_connection(other.getsockname()))
        elsewhere = stack.enter_context(other.accept()[0])
        reader, writer = os.pipe()
        stack.callback(os.close, reader)
        os.close(writer)
        lowest = lowest_free()
        for descriptor in (writer, reader, elsewhere.fileno(), other.fileno()):
            port.refuse(descriptor, WRONG_KEY)
        assert lowest_free() == lowest
    assert lines(caplog) == [("WARNING", "port: a peer that is gone already has no valid token")]


def test_a_peer_without_a_name_is_not_told_of_when_its_like_was(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    port.refuse(port.accepted(), WRONG_KEY)
    port.refuse(-1, WRONG_KEY)
    assert len(caplog.records) == 1


def test_a_connection_that_got_through_is_not_told_of(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    descriptor = port.accepted()
    for kind in (zmq.EVENT_ACCEPTED, ENDED):
        port.watch.observe(Happening(kind, descriptor), guarded=True, rotating=False)
    assert caplog.records == []
