"""Listeners and dialers with tokens: real sockets on loopback, one loop, no sleeps."""

import logging
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import zmq

from ufora_core import curve
from ufora_core.dialer import Dialer
from ufora_core.errors import SettingsError
from ufora_core.listener import Listener
from ufora_core.sockets import PortTaken, new_dealer
from ufora_core.tokens import Tokens, TokenSource
from ufora_worker.supervisor.poll_loop import PollLoop, PollSocket

NOBODY = TokenSource()


class End:
    """Somebody with tokens in files, who listens or connects."""

    def __init__(self, folder: Path, name: str, *tokens: str) -> None:
        self.name = name
        self._folder = folder
        self._source = NOBODY
        if tokens:
            self._source = TokenSource(
                token_file=folder / f"{name}-token", second_file=folder / f"{name}-second"
            )
            self._write(tokens)
        self.tokens = Tokens(self._source)
        self.heard: list[bytes] = []
        self.links: list[bool] = []

    def rotate(self, *tokens: str) -> None:
        self._write(tokens)
        assert self.tokens.refresh()

    def _write(self, tokens: tuple[str, ...]) -> None:
        for file, token in zip(("token", "second"), (*tokens, ""), strict=False):
            (self._folder / f"{self.name}-{file}").write_text(token)

    def receive(self, frames: list[zmq.Frame]) -> None:
        self.heard.append(frames[-1].bytes)


class Net:
    """One loop with everything on it."""

    def __init__(self, folder: Path) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.loop = PollLoop()
        self.attach = partial(PollSocket, self.loop)
        self._folder = folder
        self._listeners: list[Listener] = []
        self._dialers: list[Dialer] = []

    def listener(self, *tokens: str) -> tuple[End, Listener]:
        end = End(self._folder, "listener", *tokens)
        listener = Listener(
            self.context,
            self.attach,
            end.tokens,
            end.receive,
            what="port",
            host="127.0.0.1",
            port=0,
            variable="UFORA_PORT",
        )
        self._listeners.append(listener)
        return end, listener

    def dialer(self, port: int, *tokens: str, name: str = "dialer") -> tuple[End, Dialer]:
        end = End(self._folder, name, *tokens)
        dialer = Dialer(
            self.context,
            self.attach,
            end.tokens,
            end.receive,
            end.links.append,
            peer="the listener",
            host="127.0.0.1",
            port=port,
            identity=name,
        )
        self._dialers.append(dialer)
        return end, dialer

    def until(self, true: Callable[[], bool]) -> None:
        """Turn the loop until ``true``; the test's own time limit ends what never comes."""
        while not true():
            self.loop.turn(0.01)
            for dialer in self._dialers:
                dialer.tick()

    def close(self) -> None:
        for dialer in self._dialers:
            dialer.close()
        for listener in self._listeners:
            listener.close()
        self.context.term()


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    net = Net(tmp_path)
    yield net
    net.close()


def test_keys_follow_from_the_token_and_from_nothing_else() -> None:
    assert curve.listener_keys("token") == curve.listener_keys("token")
    assert curve.listener_keys("token") != curve.listener_keys("Token")
    public, secret = curve.listener_keys("token")
    assert (public, secret) == (PUBLIC, SECRET)


PUBLIC = b"d&>^vL-F-8uh<Ae/^weUT1-FnZhUC)rR)p#Tk^>m"
SECRET = b"hD&p$&G]eRfU9wc{Z?y[Qp(4ydL5rG0/nKr@Hb:="


@pytest.mark.parametrize(
    ("listening", "dialing"),
    [
        ([], []),
        (["one"], ["one"]),
        (["one"], ["two", "one"]),
        (["two", "one"], ["one", "two"]),
        (["two", "one"], ["two"]),
    ],
)
def test_who_has_the_listeners_token_gets_through(
    net: Net, listening: list[str], dialing: list[str]
) -> None:
    there, listener = net.listener(*listening)
    _, dialer = net.dialer(listener.port, *dialing)
    dialer.send([b"sent before there was a connection"])
    net.until(lambda: bool(there.heard))
    assert there.heard == [b"sent before there was a connection"]


@pytest.mark.parametrize(
    ("listening", "dialing", "advice"),
    [
        (["one"], [], "set UFORA_AUTH_TOKEN_FILE"),
        (["one"], ["two"], "refused our token"),
        (["one"], ["two", "three"], "refused our token"),
        ([], ["one"], "has no token"),
    ],
)
def test_who_has_not_is_kept_out_with_one_line_at_each_end(
    net: Net,
    listening: list[str],
    dialing: list[str],
    advice: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    there, listener = net.listener(*listening)
    end, dialer = net.dialer(listener.port, *dialing)
    dialer.send([b"let me in"])
    told = "has no valid token" if listening else "has a token and there is none here"
    net.until(lambda: advice in caplog.text and told in caplog.text)
    assert there.heard == [] and end.links == []
    assert caplog.text.count(advice) == 1
    assert "one" not in caplog.text.split() and "two" not in caplog.text.split()


def test_a_refused_token_that_is_replaced_gets_through(
    net: Net, caplog: pytest.LogCaptureFixture
) -> None:
    there, listener = net.listener("one")
    end, dialer = net.dialer(listener.port, "wrong")
    dialer.send([b"at last"])
    net.until(lambda: "refused our token" in caplog.text)
    end.rotate("one")
    net.until(lambda: bool(there.heard))
    assert there.heard == [b"at last"]


def test_a_rotation_in_three_phases_breaks_the_link_once_and_loses_nothing_sent_later(
    net: Net, caplog: pytest.LogCaptureFixture
) -> None:
    there, listener = net.listener("one")
    here, dialer = net.dialer(listener.port, "one")
    net.until(lambda: here.links == [True])
    for tokens in (("one", "two"), ("two", "one"), ("two",)):
        for end in (here, there):
            end.rotate(*tokens)
            if listener.rekey():
                net.until(lambda: here.links == [True, False])
            dialer.send([tokens[0].encode()])
            net.until(lambda: dialer.connected)
    net.until(lambda: len(there.heard) == 6)
    assert here.links == [True, False, True]
    assert [each for each in caplog.records if each.levelno > logging.WARNING] == []
    assert "refused our token" not in caplog.text


def test_whoever_has_only_the_old_token_is_out_after_a_rotation(net: Net) -> None:
    there, listener = net.listener("one")
    here, dialer = net.dialer(listener.port, "one")
    net.until(lambda: here.links == [True])
    there.rotate("two")
    assert listener.rekey()
    net.until(lambda: here.links == [True, False])
    dialer.send([b"it is still me"])
    _, other = net.dialer(listener.port, "two", name="other")
    other.send([b"it is me"])
    net.until(lambda: bool(there.heard))
    assert there.heard == [b"it is me"] and here.links == [True, False]


def test_answers_that_were_sent_before_a_new_key_arrive(net: Net) -> None:
    there, listener = net.listener("one")
    here, dialer = net.dialer(listener.port, "one", "two")
    dialer.send([b"question"])
    net.until(lambda: bool(there.heard))
    listener.send([b"dialer", b"answer"])
    there.rotate("two", "one")
    assert listener.rekey()
    net.until(lambda: here.links == [True, False, True])
    assert here.heard == [b"answer"]


def test_the_same_token_is_no_reason_for_a_new_key(net: Net) -> None:
    there, listener = net.listener("one")
    there.rotate("one", "two")
    assert not listener.rekey()


def test_a_plain_peer_with_the_right_messages_is_kept_out(
    net: Net, caplog: pytest.LogCaptureFixture
) -> None:
    there, listener = net.listener("one")
    plain = new_dealer(net.context, "plain")
    plain.connect(f"tcp://127.0.0.1:{listener.port}")
    plain.send(b"hello")
    net.until(lambda: "has no valid token" in caplog.text)
    plain.close()
    assert there.heard == []


def test_a_port_that_is_taken_is_named_with_its_variable(net: Net) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}: .*UFORA_PORT"):
            Listener(
                net.context,
                net.attach,
                Tokens(NOBODY),
                print,
                what="port",
                host="127.0.0.1",
                port=port,
                variable="UFORA_PORT",
            )


def test_a_zeromq_without_curve_is_an_error_that_says_what_to_install(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmq, "has", lambda capability: False)
    curve.listener_keys.cache_clear()
    with pytest.raises(SettingsError, match="built without CURVE"):
        net.listener("one")
