"""The wire format: every message's bytes, and what other bytes do."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from message_samples import DIRECTIONS, messages, sample
from ufora_core.errors import ProtocolError, VersionMismatch
from ufora_core.protocol import codec
from ufora_core.protocol.parts import ExecutorUse
from ufora_core.protocol.version import VERSION, check_peer

GOLDEN = Path(__file__).parent / "golden.txt"
DECODERS = {
    "client to manager": codec.decode_from_client,
    "manager to client": codec.decode_to_client,
    "worker to manager": codec.decode_to_manager,
    "manager to worker": codec.decode_to_worker,
    "worker to worker": codec.decode_to_peer,
    "data request": codec.decode_data_request,
    "data reply": codec.decode_data_reply,
    "supervisor to executor": codec.decode_to_executor,
    "executor to supervisor": codec.decode_from_executor,
}
EVERY_MESSAGE = [
    pytest.param(direction, message, id=f"{direction}: {message.__name__}")
    for direction, union in DIRECTIONS.items()
    for message in messages(union)
]


def test_bytes_of_every_message_are_those_that_were_agreed(request: pytest.FixtureRequest) -> None:
    lines = [f"protocol {VERSION}"]
    for direction, union in DIRECTIONS.items():
        lines += ["", f"[{direction}]"]
        lines += [f"{msgspec.msgpack.encode(sample(each))!r}"[2:-1] for each in messages(union)]
    text = "\n".join(lines) + "\n"
    if request.config.getoption("--update-cases"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "the wire format changed: raise VERSION unless compatible"


@pytest.mark.parametrize(("direction", "message"), EVERY_MESSAGE)
def test_a_message_comes_back_as_it_was_sent(direction: str, message: type[Any]) -> None:
    sent = [sample(message), sample(message)]
    assert DECODERS[direction](codec.encode(sent)) == sent


@pytest.mark.parametrize(("direction", "message"), EVERY_MESSAGE)
def test_a_field_that_a_newer_peer_adds_is_ignored(direction: str, message: type[Any]) -> None:
    fields = msgspec.to_builtins(sample(message), builtin_types=(bytes,))
    frame = msgspec.msgpack.encode([fields | {"added_later": [1, 2, 3]}])
    assert DECODERS[direction](frame) == [sample(message)]


@pytest.mark.parametrize("direction", DECODERS)
@given(frame=st.binary(max_size=60))
def test_bytes_that_are_no_message_are_a_protocol_error(direction: str, frame: bytes) -> None:
    try:
        decoded = DECODERS[direction](frame)
    except ProtocolError:
        return
    assert isinstance(decoded, list)


@pytest.mark.parametrize(("direction", "message"), EVERY_MESSAGE)
def test_half_a_message_is_a_protocol_error(direction: str, message: type[Any]) -> None:
    frame = codec.encode([sample(message)])
    for length in range(len(frame)):
        with pytest.raises(ProtocolError, match=f"{length} bytes"):
            DECODERS[direction](frame[:length])


def test_a_wrong_field_is_named_with_its_path() -> None:
    with pytest.raises(ProtocolError, match=r"Expected `str`.*\$\[0\]\.job"):
        codec.decode_from_client(msgspec.msgpack.encode([{"op": "cancel-job", "job": 7}]))


def test_a_peer_of_another_version_is_refused_with_both_versions() -> None:
    check_peer("worker w", VERSION, "9.9")
    with pytest.raises(VersionMismatch, match=rf"9\.9 \(protocol {VERSION + 1}\).*{VERSION}\)"):
        check_peer("worker w", VERSION + 1, "9.9")


def test_what_an_executor_did_and_did_besides_is_added_up_in_every_respect() -> None:
    one = ExecutorUse("w0", 1, 2, 3, 4, 0.5, 6, 7)
    other = ExecutorUse("w0", 1, 10, 20, 30, 0.25, 50, 60)
    assert one.and_more(other) == ExecutorUse("w0", 1, 12, 23, 34, 0.75, 56, 67)
