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
from ufora_worker.loops.loop import Giver, Loop, Place
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
    #: Called in each item that "native code" runs, which may be told to leave it.
    on_fast: Callable[[int], None] = lambda item: None
    left: bool = False

    def prepare(self, spent_ns: int) -> None:
        """Nothing to prepare."""

    def ready(self, index: int) -> bool:
        return self.native_now or self.ready_at < 0

    def leave(self) -> None:
        self.left = True

    def run_items(self, items: Iterable[int]) -> list[int]:
        values = []
        for item in items:
            self.on_item(item)
            self.interpreted.append(item)
            values.append(item)
        return values

    def run_native(self, lo: int, hi: int, results: Accumulator) -> tuple[int, bool]:
        first, self.left = lo, False
        while lo < hi and lo not in self.bails:
            self.on_fast(lo)
            if self.left:
                break
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
        self.leave = twin.leave
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


def loop_of(
    twin: Twin,
    words: SharedWords,
    interrupts: ByHand,
    count: int,
    give: Giver = lambda lo, hi: None,
) -> Loop:
    place = Place(words, 0, interrupts)
    results = accumulator(SiteKind.LIST)
    items = range(count)
    return Loop(
        _Body(twin), items, 0, count, results, place,
        give, lambda items: None, native=_Native(twin),
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


@pytest.fixture
def all_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slice takes longer than it was to, and whatever is left is worth giving."""
    monkeypatch.setattr("ufora_worker.loops.loop._LATE_NS", -1)
    monkeypatch.setattr("ufora_worker.loops.loop.WORTH_GIVING_NS", 0)


@pytest.mark.usefixtures("all_is_late")
def test_a_late_slice_is_left_so_that_its_rest_can_be_given(words: SharedWords) -> None:
    interrupts, given = ByHand(), list[tuple[int, int]]()

    def beat(item: int) -> None:
        if item == 50 and not given:
            words.set_hungry(1)
            interrupts.beat()

    def give(lo: int, hi: int) -> None:
        given.append((lo, hi))
        words.set_hungry(0)

    twin = Twin(on_fast=beat)
    loop = loop_of(twin, words, interrupts, 100, give)
    loop._count = 100  # one slice
    loop.run()
    # Nobody can tell how far the item was: half of the rest is given, and it is begun again.
    assert given == [(75, 100)]
    assert twin.fast == values_of(loop) == list(range(75))


@pytest.mark.usefixtures("all_is_late")
def test_a_late_slice_goes_on_as_long_as_nobody_is_hungry(words: SharedWords) -> None:
    interrupts = ByHand()
    twin = Twin(on_fast=lambda item: interrupts.beat())
    loop = loop_of(twin, words, interrupts, 100)
    loop._count = 100
    loop.on_progress = lambda items: sliced.append(items)
    sliced: list[int] = []
    loop.run()
    assert sliced == [100]


@given(
    count=st.integers(0, 200),
    bails=st.sets(st.integers(0, 199)),
    hungry=st.lists(st.booleans(), max_size=60),
)
def test_wherever_slices_are_left_each_item_runs_once_or_is_given_once(
    count: int, bails: set[int], hungry: list[bool]
) -> None:
    words, interrupts, moods = SharedWords.create(1), ByHand(), iter(hungry)
    given: list[tuple[int, int]] = []

    def beat(item: int) -> None:
        words.set_hungry(int(next(moods, False)))
        interrupts.beat()

    twin = Twin(bails, on_fast=beat)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ufora_worker.loops.loop._LATE_NS", -1)
        patch.setattr("ufora_worker.loops.loop.WORTH_GIVING_NS", 0)
        loop = loop_of(twin, words, interrupts, count, lambda lo, hi: given.append((lo, hi)))
        loop.run()
    words.close()
    parts = [range(loop.next), *(range(lo, hi) for lo, hi in reversed(given))]
    assert [item for part in parts for item in part] == list(range(count))
    assert values_of(loop) == list(range(loop.next))
    assert sorted(twin.fast + twin.interpreted) == list(range(loop.next))
