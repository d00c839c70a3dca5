"""One call of a block: native code may take it over, unless what happens in it is divided."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from inline_cluster import InlineCluster
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_core.protocol.executor import LoopLost, TakePiece
from ufora_core.protocol.parts import Failure
from ufora_worker.executor.interrupts import Interrupts
from ufora_worker.loops.loop import Loop, Place
from ufora_worker.loops.shapes import Accumulator, accumulator
from ufora_worker.shared_words import SharedWords


class ByHand(Interrupts):
    """Interrupts without signals: the test beats the heart itself."""

    def __init__(self) -> None:
        super().__init__(lambda: False)

    @contextmanager
    def heartbeat(self, beat: Callable[[], None]) -> Iterator[None]:
        yield


@dataclass
class Call:
    """A call: what it does in CPython, and native code that is there from the beginning."""

    in_cpython: Callable[[], None]
    ran: list[str] = field(default_factory=list)
    refusal: None = None
    is_made: bool = True
    functions: tuple[()] = ()

    def run_divided(self, items: Any) -> list[int]:
        self.ran.append("begun")
        self.in_cpython()
        self.ran.append("CPython")
        return [1]

    run = run_divided

    def prepare(self, spent_ns: int) -> None:
        """It is ready."""

    def ready(self, index: int) -> bool:
        return True

    def counts(self) -> tuple[int, int]:
        return 0, 0


class NativeCall:
    """The native side of a ``Call``."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.prepare, self.ready, self.counts = call.prepare, call.ready, call.counts
        self.refusal, self.is_made, self.functions = None, True, ()

    def run(self, lo: int, hi: int, results: Accumulator) -> tuple[int, bool]:
        self.call.ran.append("native")
        return hi, results.add([1], lo, hi)

    def leave(self) -> None:
        """Nothing takes that long."""


@pytest.fixture
def place() -> Iterator[Place]:
    words = SharedWords.create(1)
    yield Place(words, 0, ByHand())
    words.close()


def loop_of(call: Call, place: Place, *, calls: bool, count: int = 1) -> Loop:
    return Loop(
        call,
        range(count),
        0,
        count,
        accumulator(SiteKind.LIST if calls else SiteKind.SUM),
        place,
        lambda lo, hi: None,
        lambda items: None,
        native=NativeCall(call),
        leased=False,
        calls=calls,
    )


def test_a_call_begins_in_cpython_and_goes_native_at_a_heartbeat(place: Place) -> None:
    call = Call(place.beat)
    loop_of(call, place, calls=True).run()
    assert call.ran == ["begun", "native"]


def test_without_a_heartbeat_it_stays_in_cpython(place: Place) -> None:
    call = Call(lambda: None)
    loop_of(call, place, calls=True).run()
    assert call.ran == ["begun", "CPython"]


def test_a_loop_goes_native_at_once(place: Place) -> None:
    call = Call(lambda: None)
    loop_of(call, place, calls=False).run()
    assert call.ran == ["native"]


def test_a_call_in_which_a_loop_lasts_stays_in_cpython(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.loops.loop._LASTS_NS", -1)
    inner = Call(place.beat)

    def with_a_loop() -> None:
        loop_of(inner, place, calls=False, count=2).run()
        place.beat()

    call = Call(with_a_loop)
    loop_of(call, place, calls=True).run()
    assert call.ran == ["begun", "CPython"]


def test_a_call_in_which_others_make_calls_stays_in_cpython(place: Place) -> None:
    def with_calls() -> None:
        inner = loop_of(Call(lambda: None), place, calls=True, count=2)
        inner.splits = 1
        inner.run()
        place.beat()

    call = Call(with_calls)
    loop_of(call, place, calls=True).run()
    assert call.ran == ["begun", "CPython"]


# ---------------------------------------------------------------------- lost loops


def inner(k: int, count: int) -> int:
    return sum(x * k % 7 for x in range(count))


def test_a_nested_loop_that_is_lost_ends_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.loops.loop.WORTH_GIVING_NS", 0)
    monkeypatch.setattr("ufora_worker.loops.root_loop._NESTED_TASK_NS", 0.0)

    class Losing(InlineCluster):
        def wait(self, job: str, loop: int) -> TakePiece | LoopLost:
            return LoopLost(job=job, loop=loop, failure=Failure("internal", "its worker is gone"))

    cluster = Losing(tmp_path)
    cluster.words.set_hungry(3)
    with pytest.raises(AssertionError, match="its worker is gone"), cluster.remotely.downloadAll():
        rows = [inner(k, 300) for k in range(3)]
        print(rows)
    cluster.close()
