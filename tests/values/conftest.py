"""Values go through bytes, as they do between two processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ufora_core.values import changes
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import CaptureScope, Encoder
from ufora_core.values.nodes import Change, Graph
from ufora_core.values.trackers import ClassTrackers


def through_bytes(graph: Graph) -> Graph:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(graph), type=Graph)


@dataclass
class Sent:
    """A value on the other side, with both ends of its way."""

    value: Any
    encoder: Encoder
    decoder: Decoder
    graph: Graph


@dataclass
class Journey:
    """Client and worker: values go out, come back, and are changed in between."""

    trackers: ClassTrackers

    def send(self, value: object, label: str = "value", where: str = "demo.py:3") -> Sent:
        encoder = Encoder(trackers=self.trackers, scope=CaptureScope(where))
        item = encoder.item(value, label)
        graph = through_bytes(encoder.graph())
        decoder = Decoder(graph, private_copies(encoder.blobs))
        return Sent(decoder.value(item), encoder, decoder, graph)

    def bring_back(self, sent: Sent, value: object) -> Any:
        """What the client gets when the worker sends ``value`` as a result."""
        encoder = Encoder(originals=identities(sent.decoder), trackers=sent.decoder.trackers)
        item = encoder.item(value)
        decoder = self.at_home(sent, encoder)
        return decoder.value(item)

    def land(self, sent: Sent, exported: Mapping[int, Sequence[str]] | None = None) -> list[Change]:
        """Make the client's objects show what the worker did to its copies."""
        encoder = Encoder(originals=identities(sent.decoder), trackers=sent.decoder.trackers)
        found = changes.find(sent.decoder, encoder, exported=exported)
        decoder = self.at_home(sent, encoder)
        wire = msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=list[Change])
        changes.apply(wire, sent.encoder.objects, decoder)
        return found

    def at_home(self, sent: Sent, encoder: Encoder) -> Decoder:
        return Decoder(
            through_bytes(encoder.graph()),
            private_copies(encoder.blobs),
            originals=sent.encoder.objects,
            classes=self.trackers,
        )


def private_copies(blobs: Mapping[str, Any]) -> Callable[[str], bytearray]:
    # Taken now: an array's blob is the array's memory.
    taken = {digest: bytes(blob) for digest, blob in blobs.items()}
    return lambda digest: bytearray(taken[digest])


def identities(decoder: Decoder) -> dict[int, int]:
    return {id(each): index for index, each in enumerate(decoder.objects)}


@pytest.fixture
def journey() -> Journey:
    return Journey(ClassTrackers())


@pytest.fixture
def copy(journey: Journey) -> Callable[[object], Any]:
    """The value as it arrives on the other side."""
    return lambda value: journey.send(value).value


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes modules of a user's project, which can be imported: ``project(helpers="x = 1")``.
    A double underscore in a name is a dot, and a name that ends in one is a package."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write(**texts: str) -> None:
        for name, text in texts.items():
            path = tmp_path.joinpath(*name.split("__"))
            path = path / "__init__.py" if name.endswith("__") else path.with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]
