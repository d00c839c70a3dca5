"""A loop in one process: every item runs once, here or where it was given, whatever happens."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_core.errors import StoreError
from ufora_worker.executor.interrupts import Interrupts, Stopped
from ufora_worker.loops.loop import Loop, Place
from ufora_worker.loops.shapes import accumulator
from ufora_worker.shared_words import SharedWords


class NoSignals(Interrupts):
    """Interrupts without signals: the test beats the heart itself."""

    def __init__(self) -> None:
        super().__init__(lambda: False)
        self.beat: Callable[[], None] = lambda: None
        self.stopped = False

    @contextmanager
    def heartbeat(self, beat: Callable[[], None]) -> Iterator[None]:
        self.beat = self._beat = beat
        yield

    def check(self) -> None:
        if self.stopped:
            raise Stopped


@dataclass
class Setup:
    """One executor with fakes around it."""

    words: SharedWords
    interrupts: NoSignals = field(default_factory=NoSignals)
    given: list[tuple[int, int]] = field(default_factory=list)
    ran: list[int] = field(default_factory=list)
    before_item: Callable[[int], None] = lambda item: None

    def run(self, items: Iterable[Any]) -> list[Any]:
        """The body: what an item yields is the item itself."""
        values = []
        for item in items:
            self.before_item(item)
            self.ran.append(item)
            values.append(item)
        return values

    run_divided = run

    def loop(self, count: int, on_give: Callable[[], None] = lambda: None) -> Loop:
        def give(lo: int, hi: int) -> None:
            self.given.append((lo, hi))
            on_give()

        place = Place(self.words, 0, self.interrupts)
        kind = accumulator(SiteKind.LIST)
        return Loop(self, range(count), 0, count, kind, place, give, lambda items: None)


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Iterator[Setup]:
    # Every item counts as slow, so that giving away always seems worth it.
    monkeypatch.setattr("ufora_worker.loops.loop.WORTH_GIVING_NS", 0)
    words = SharedWords.create(1)
    yield Setup(words)
    words.close()


def values_of(loop: Loop) -> list[int]:
    return [value for each in loop.accumulator.segments for value in each.value]


def test_with_nobody_hungry_all_items_run_here_in_order(setup: Setup) -> None:
    loop = setup.loop(5000)
    loop.run()
    assert setup.given == []
    assert values_of(loop) == list(range(5000))


def test_a_hungry_executor_gets_the_back_half_of_what_is_left(setup: Setup) -> None:
    setup.words.set_hungry(1)
    loop = setup.loop(1001, on_give=lambda: setup.words.set_hungry(0))
    loop.run()
    assert setup.given == [(501, 1001)]  # one item had run, then 1000 were left
    assert values_of(loop) == list(range(501))


def test_a_heartbeat_gives_away_everything_behind_a_long_item_but_half(setup: Setup) -> None:
    def beat(item: int) -> None:
        if item == 0:
            setup.words.set_hungry(1)
            setup.interrupts.beat()
            setup.words.set_hungry(0)

    setup.before_item = beat
    loop = setup.loop(9)
    loop.run()
    assert setup.given == [(5, 9)]
    assert values_of(loop) == [0, 1, 2, 3, 4]


def test_a_heartbeat_while_half_is_about_to_be_given_gives_nothing_twice(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = Loop._is_worth_giving

    def decide_slowly(loop: Loop, left: int, item_ns: float) -> bool:
        setup.interrupts._on_beat(0, None)
        return decide(loop, left, item_ns)

    monkeypatch.setattr(Loop, "_is_worth_giving", decide_slowly)
    setup.words.set_hungry(1)
    loop = setup.loop(1001, on_give=lambda: setup.words.set_hungry(0))
    loop.run()
    assert setup.given == [(501, 1001)]
    assert values_of(loop) == list(range(501))


def test_the_last_item_goes_while_the_one_before_it_runs(setup: Setup) -> None:
    def beat(item: int) -> None:
        setup.words.set_hungry(1)
        setup.interrupts.beat()
        setup.words.set_hungry(0)

    setup.before_item = beat
    loop = setup.loop(2)
    loop.run()
    assert setup.given == [(1, 2)]
    assert values_of(loop) == [0]


@given(count=st.integers(0, 300), hungry=st.lists(st.booleans(), max_size=40))
def test_every_item_runs_once_here_or_is_given_away_once(count: int, hungry: list[bool]) -> None:
    words = SharedWords.create(1)
    try:
        setup = Setup(words)
        moods = iter(hungry)

        def change_mood(item: int) -> None:
            words.set_hungry(int(next(moods, False)))
            setup.interrupts.beat()

        setup.before_item = change_mood
        loop = setup.loop(count)
        loop.run()
        away = [item for lo, hi in setup.given for item in range(lo, hi)]
        assert sorted(setup.ran + away) == list(range(count))
        assert values_of(loop) == setup.ran
    finally:
        words.close()


@given(count=st.integers(1, 200), failing=st.data())
def test_the_first_item_that_raises_ends_the_loop_and_the_items_before_it_count(
    count: int, failing: st.DataObject
) -> None:
    bad = failing.draw(st.sets(st.integers(0, count - 1), min_size=1))
    words = SharedWords.create(1)
    try:
        setup = Setup(words)

        def fail(item: int) -> None:
            if item in bad:
                raise ZeroDivisionError

        setup.before_item = fail
        loop = setup.loop(count)
        loop.run()
        assert loop.failed
        assert loop.next == loop.hi == min(bad)
        assert values_of(loop) == list(range(min(bad)))
    finally:
        words.close()


def test_an_item_that_raises_only_once_does_not_end_the_loop(setup: Setup) -> None:
    raised: list[int] = []

    def fail_once(item: int) -> None:
        if item == 7 and not raised:
            raised.append(item)
            raise MemoryError

    setup.before_item = fail_once
    loop = setup.loop(20)
    loop.run()
    assert not loop.failed
    assert values_of(loop) == list(range(20))


def test_a_range_that_cannot_be_given_away_stays(setup: Setup) -> None:
    def refuse() -> None:
        raise StoreError("disk full")

    setup.words.set_hungry(1)
    loop = setup.loop(100, on_give=refuse)
    loop.run()
    assert values_of(loop) == list(range(100))


def test_a_stop_ends_the_loop_between_two_slices(setup: Setup) -> None:
    def stop(item: int) -> None:
        setup.interrupts.stopped = item >= 3

    setup.before_item = stop
    loop = setup.loop(10**9)
    with pytest.raises(Stopped):
        loop.run()
    assert len(setup.ran) < 10_000


def test_busy_time_and_progress_are_counted(setup: Setup) -> None:
    counted: list[int] = []
    loop = setup.loop(1000)
    loop.on_progress = counted.append
    loop.run()
    assert sum(counted) == 1000
    assert loop.busy_ns > 0
    assert setup.words.busy(0) == loop.busy_ns


def test_a_search_stops_at_the_slice_that_decides(setup: Setup) -> None:
    place = Place(setup.words, 0, setup.interrupts)

    class Search:
        def run(self, items: Iterable[Any]) -> bool:
            return any(cast(int, item) == 50 for item in items)

        run_divided = run

    loop = Loop(
        Search(),
        range(10**9),
        0,
        10**9,
        accumulator(SiteKind.ANY),
        place,
        lambda lo, hi: None,
        lambda items: None,
    )
    loop.run()
    assert loop.decided


def test_a_loop_that_is_to_yield_gives_everything_behind_its_slice_away(setup: Setup) -> None:
    setup.words.set_yield(0, True)
    loop = setup.loop(1000)
    loop.run()
    assert setup.given == [(1, 1000)]
    assert values_of(loop) == [0]


def test_a_loop_yields_in_the_middle_of_a_long_item(setup: Setup) -> None:
    def beat(item: int) -> None:
        if item == 0:
            setup.words.set_yield(0, True)
            setup.interrupts.beat()

    setup.before_item = beat
    loop = setup.loop(1000)
    loop.run()
    assert (setup.given, values_of(loop)) == ([(1, 1000)], [0])
