"""A loop with a faster way to run its items: each of them counts once, whoever runs it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.executor.interrupts import Interrupts
from ufora_worker.loops.loop import Loop, Place
from ufora_worker.loops.shapes import Accumulator, accumulator
from ufora_worker.shared_words import SharedWords


class ByHand(Interrupts):
    """Interrupts without signals: the test beats the heart itself."""

    def __init__(self) -> None:
        super().__init__(lambda: False)
        self.beat: Callable[[], None] = lambda: None

    @contextmanager
    def heartbeat(self, beat: Callable[[], None]) -> Iterator[None]:
        self.beat = beat
        yield


@dataclass
class Twin:
    """The items of one loop, in CPython and as "native code"; each writes down who ran it."""

    #: Items that native code leaves to CPython.
    bails: set[int] = field(default_factory=set)
    #: The item in which native code becomes ready; -1: at once.
    ready_at: int = -1
    native_now: bool = False
    interpreted: list[int] = field(default_factory=list)
    fast: list[int] = field(default_factory=list)
    on_item: Callable[[int], None] = lambda item: None

    def prepare(self, spent_ns: int) -> None:
        """Nothing to prepare."""

    def ready(self, index: int) -> bool:
        return self.native_now or self.ready_at < 0

    def run_items(self, items: Iterable[int]) -> list[int]:
        values = []
        for item in items:
            self.on_item(item)
            self.interpreted.append(item)
            values.append(item)
        return values

    def run_native(self, lo: int, hi: int, results: Accumulator) -> tuple[int, bool]:
        first = lo
        while lo < hi and lo not in self.bails:
            lo += 1
        self.fast.extend(range(first, lo))
        return lo, results.add(list(range(first, lo)), first, lo) if lo > first else False


class _Body:
    def __init__(self, twin: Twin) -> None:
        self.run: Callable[[Any], Any] = twin.run_items
        self.run_divided = self.run


class _Native:
    def __init__(self, twin: Twin) -> None:
        self.prepare, self.ready, self.run = twin.prepare, twin.ready, twin.run_native
        self.refusal = None
        self.is_made = True
        self.functions = ()

    def counts(self) -> tuple[int, int]:
        return 0, 0


@pytest.fixture
def words() -> Iterator[SharedWords]:
    words = SharedWords.create(1)
    yield words
    words.close()


def loop_of(twin: Twin, words: SharedWords, interrupts: ByHand, count: int) -> Loop:
    place = Place(words, 0, interrupts)
    results = accumulator(SiteKind.LIST)
    items = range(count)
    return Loop(
        _Body(twin), items, 0, count, results, place,
        lambda lo, hi: None, lambda items: None, native=_Native(twin),
    )  # fmt: skip


def values_of(loop: Loop) -> list[int]:
    return [value for each in loop.accumulator.segments for value in each.value]


@given(count=st.integers(0, 300), bails=st.sets(st.integers(0, 299)))
def test_bailed_items_run_in_cpython_and_all_values_stay_in_order(
    count: int, bails: set[int]
) -> None:
    words = SharedWords.create(1)
    try:
        twin = Twin(bails)
        loop = loop_of(twin, words, ByHand(), count)
        loop.run()
        assert values_of(loop) == list(range(count))
        assert twin.interpreted == sorted(bails & set(range(count)))
        assert twin.fast == sorted(set(range(count)) - bails)
    finally:
        words.close()


def test_an_item_that_native_code_left_may_raise_and_the_items_before_it_count(
    words: SharedWords,
) -> None:
    def fail(item: int) -> None:
        raise OverflowError

    twin = Twin({40}, on_item=fail)
    loop = loop_of(twin, words, ByHand(), 100)
    loop.run()
    assert loop.failed and loop.next == 40
    assert values_of(loop) == list(range(40))


def test_a_long_item_is_left_and_begun_again_by_native_code(words: SharedWords) -> None:
    interrupts = ByHand()
    twin = Twin(ready_at=0)

    def become_ready(item: int) -> None:
        twin.native_now = True
        interrupts.beat()

    twin.on_item = become_ready
    loop = loop_of(twin, words, interrupts, 10)
    loop.run()
    assert twin.interpreted == []
    assert values_of(loop) == twin.fast == list(range(10))


def test_an_item_that_catches_everything_is_begun_again_all_the_same(words: SharedWords) -> None:
    interrupts = ByHand()
    twin = Twin(ready_at=0)

    def swallow(item: int) -> None:
        twin.native_now = True
        try:
            interrupts.beat()
        except BaseException:  # as a program may
            twin.interpreted.append(-1)

    twin.on_item = swallow
    loop = loop_of(twin, words, interrupts, 10)
    loop.run()
    assert -1 in twin.interpreted
    assert values_of(loop) == list(range(10))
    assert twin.fast == list(range(10))


def test_a_beat_between_two_items_takes_nothing_over(words: SharedWords) -> None:
    interrupts = ByHand()
    twin = Twin()
    loop = loop_of(twin, words, interrupts, 10)
    loop.on_progress = lambda items: interrupts.beat()
    loop.run()
    assert values_of(loop) == list(range(10))
