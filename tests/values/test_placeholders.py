"""What nothing can carry arrives as something that says so, when it is touched and not before."""

from __future__ import annotations

import copy as copying
import math
import operator
import pickle
import queue
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ufora_core.errors import UnconvertibleValueError
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.nodes import Placeholder, Remote

Copy = Callable[[object], Any]


class Service:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.name = "service"

    def locked(self) -> None:
        with self.lock:
            pass


class Refuses:
    def __reduce_ex__(self, protocol: object) -> Any:
        raise RuntimeError("not me")


class Stays:
    __ufora_stays__ = "it is the connection itself"


class Elsewhere:
    def __ufora_remote__(self) -> tuple[str, int]:
        return "ab" * 32, 17


def generates() -> Iterator[int]:
    yield 1


TOUCHES: list[Callable[[Any], object]] = [
    lambda x: x.attribute,
    lambda x: x(),
    lambda x: iter(x),
    lambda x: len(x),
    lambda x: x[0],
    lambda x: x + 1,
    lambda x: 1 + x,
    lambda x: x - x,
    lambda x: -x,
    lambda x: x == 1,
    lambda x: x == 1,
    lambda x: x < 1,
    lambda x: 1 in x,
    lambda x: bool(x),
    lambda x: not x,
    lambda x: str(x),
    lambda x: repr(x),
    lambda x: f"{x}",
    lambda x: f"{x:>10}",
    lambda x: int(x),
    lambda x: operator.index(x),
    lambda x: math.floor(x),
    lambda x: next(x),
    lambda x: x.__enter__(),
    lambda x: isinstance(x, int),
    lambda x: isinstance(1, x),
    lambda x: hasattr(x, "anything"),
    lambda x: setattr(x, "a", 1),
    lambda x: x.__class__,
    lambda x: copying.copy(x),
    lambda x: pickle.dumps(x),
    lambda x: open(x),  # noqa: SIM115
    lambda x: sum([x]),
    lambda x: [*x],
    lambda x: dir(x),
]


@pytest.mark.parametrize("touch", TOUCHES, ids=range(len(TOUCHES)))
def test_any_touch_says_what_stayed_behind(copy: Copy, touch: Callable[[Any], object]) -> None:
    copied = copy(threading.Lock())
    with pytest.raises(UnconvertibleValueError) as raised:
        touch(copied)
    text = str(raised.value)
    for part in ("value", "_thread.lock", "demo.py:3", "cannot pickle", "inside of the block"):
        assert part in text


def test_with_statements_and_loops_touch(copy: Copy) -> None:
    copied = copy({"config": {"lock": [threading.RLock()]}})
    with pytest.raises(UnconvertibleValueError, match=r"value\['config'\]\['lock'\]\[0\]"):
        with copied["config"]["lock"][0]:
            pass


def test_being_carried_around_is_no_touch(copy: Copy) -> None:
    copied = copy(threading.Lock())
    kept = [copied, (copied,), {"k": copied}]
    assert kept[0] is copied and {copied}
    assert type(copied).__name__ == "Unconvertible"


def test_objects_of_the_users_arrive_without_the_part_that_cannot(copy: Copy) -> None:
    copied = copy(Service())
    assert copied.name == "service"
    with pytest.raises(UnconvertibleValueError, match=r"value\.lock"):
        copied.locked()


def test_installed_objects_stay_behind_as_a_whole(copy: Copy) -> None:
    for value, name in ((queue.Queue(), "queue.Queue"), (threading.Event(), "threading.Event")):
        with pytest.raises(UnconvertibleValueError, match=name):
            copy(value).anything  # noqa: B018
    assert list(copy({"a": [threading.Lock(), 1]})["a"])[1] == 1
    with ThreadPoolExecutor(1) as pool, pytest.raises(UnconvertibleValueError, match="Pool"):
        copy(pool).submit(print)


def test_files_sockets_generators_threads_and_frames_stay(copy: Copy, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+") as file, socket.socket() as connection:
        for value in (
            file,
            file.buffer,
            connection,
            generates(),
            threading.current_thread(),
            sys._getframe(),
        ):
            with pytest.raises(UnconvertibleValueError):
                copy(value)()


def test_variables_of_functions_are_named(copy: Copy) -> None:
    lock = threading.Lock()

    def uses() -> object:
        return lock.locked()

    with pytest.raises(UnconvertibleValueError, match="the value of lock"):
        copy(uses)()


def test_what_refuses_to_be_rebuilt_stays_with_its_reason(copy: Copy) -> None:
    with pytest.raises(UnconvertibleValueError, match="not me"):
        len(copy(Refuses()))


def test_a_class_can_say_that_its_instances_stay(copy: Copy) -> None:
    with pytest.raises(UnconvertibleValueError, match="the connection itself"):
        copy(Stays()).use()


def test_a_placeholder_travels_on_and_comes_home_as_the_original(copy: Copy, journey: Any) -> None:
    with pytest.raises(UnconvertibleValueError, match="the value of value"):
        copy(copy(threading.Lock())).use()
    lock = threading.Lock()
    sent = journey.send([lock])
    assert journey.bring_back(sent, [sent.value[0]])[0] is lock


def test_values_that_stay_in_the_cluster_travel_by_digest() -> None:
    encoder = Encoder()
    item = encoder.item([Elsewhere()])
    graph = encoder.graph()
    assert [node for node in graph.nodes if isinstance(node, Remote)] == [Remote("ab" * 32, 17)]
    found = Decoder(graph, lambda _: b"", remote=lambda digest: f"value of {digest[:4]}").value(
        item
    )
    assert found == ["value of abab"]


def test_the_node_says_what_the_message_says() -> None:
    encoder = Encoder()
    encoder.item(threading.Lock(), "lock")
    [node] = encoder.graph().nodes
    assert node == Placeholder("lock", "_thread.lock", "cannot pickle '_thread.lock' object", "")
