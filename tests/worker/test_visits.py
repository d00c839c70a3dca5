"""What an engine learns of a site from its loops: which are worth a look, and when the next is."""

from math import inf

import pytest

from ufora_worker.loops import visits as rules
from ufora_worker.loops.visits import NATIVE_SHORT_NS, SHORT_NS, WORTH, Visits

MS = 1_000_000


class Clock:
    """Says what time it is, as the test wants."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rules, "perf_counter_ns", clock)
    return clock


def test_the_first_loop_is_looked_at_and_one_of_a_single_item_never(clock: Clock) -> None:
    visits = Visits()
    assert not visits.skip(2)
    visits.note(2, SHORT_NS)
    assert [visits.skip(count) for count in (0, 1, 2)] == [True, True, False]


def test_what_a_short_loop_takes_says_how_many_items_are_worth_a_look(clock: Clock) -> None:
    almost, tiny = Visits(), Visits()
    almost.note(10, SHORT_NS - 1)
    tiny.note(10, SHORT_NS // 100)
    assert [almost.skip(count) for count in (10, 19, 20)] == [True, True, False]
    assert [tiny.skip(count) for count in (10, 99, 100)] == [True, True, False]


def test_loops_that_cost_next_to_nothing_do_not_hide_larger_ones_for_ever(clock: Clock) -> None:
    visits = Visits()
    visits.note(10, 0)
    assert visits.skip(319) and not visits.skip(320)


def test_a_smaller_loop_does_not_make_larger_ones_worth_a_look(clock: Clock) -> None:
    visits = Visits()
    visits.note(1000, 1)
    visits.note(3, 1)
    assert visits.skip(1000)


def test_short_loops_are_looked_at_again_after_a_while_that_doubles(clock: Clock) -> None:
    visits, waits = Visits(), []
    for _ in range(9):
        visits.note(10, 1000, asked=2 * MS)
        begun = clock.now
        while visits.skip(10):
            clock.now += 50 * MS
        waits.append(clock.now - begun)
    assert waits[:3] == [200 * MS, 400 * MS, 800 * MS]
    assert waits[-1] == waits[-2] == 32 * waits[0]


def test_a_site_whose_items_became_slow_is_taken_over_each_time(clock: Clock) -> None:
    visits = Visits()
    visits.note(10, 1000)
    clock.now += 50 * MS
    assert not visits.skip(10)
    visits.note(10, SHORT_NS)
    assert not visits.skip(10) and not visits.skip(2)


def test_what_native_code_did_counts_for_more(clock: Clock) -> None:
    visits = Visits()
    visits.note(10, NATIVE_SHORT_NS, native=9)
    assert not visits.skip(10)
    visits.note(10, NATIVE_SHORT_NS, native=4)
    assert visits.skip(10)


def test_a_loop_that_takes_no_longer_than_looks_at_it_is_short(clock: Clock) -> None:
    visits, asked = Visits(), SHORT_NS // WORTH + 1
    visits.note(10, SHORT_NS, asked=asked)
    assert visits.skip(10)
    visits.note(10, WORTH * asked, asked=asked)
    assert not visits.skip(10)


def test_a_loop_that_others_helped_with_may_take_as_long_to_look_at(clock: Clock) -> None:
    visits, asked = Visits(), SHORT_NS // 2
    visits.note(10, SHORT_NS, asked=asked)
    assert visits.skip(10)
    visits.note(10, SHORT_NS, helped=True, asked=asked)
    assert not visits.skip(10)


def test_what_cannot_be_taken_over_is_looked_at_when_there_is_more_of_it(clock: Clock) -> None:
    visits = Visits()
    visits.refused(10, asked=1)
    assert visits.skip(19) and not visits.skip(20)
    clock.now += 50 * MS
    assert not visits.skip(10)


def test_a_site_that_rested_before_rests_again_sooner() -> None:
    visits = Visits()
    before = [visits.declined() for _ in range(64)]
    visits.rest()
    after = [visits.declined() for _ in range(16)]
    assert (before.index(True), after.index(True)) == (63, 15)


def test_what_a_short_loop_took_besides_its_items_puts_the_next_look_off(clock: Clock) -> None:
    visits = Visits()
    visits.note(10, 1000, asked=MS, besides=2 * MS)
    clock.now = 300 * MS - 1
    assert visits.skip(10)
    clock.now += 1
    assert not visits.skip(10)


# ---------------------------------------------------------------------- calls side by side


def test_calls_whose_values_are_heavy_are_left_alone_for_a_while() -> None:
    visits = Visits()
    visits.open = 1
    visits.weigh([[object() for _ in range(1000)]], MS)
    assert visits.heavy and visits.burden_ns() == inf
    assert visits.note_calls(100 * SHORT_NS, 0)
    assert not visits.note_calls(100 * SHORT_NS, 0, native=100 * SHORT_NS)
    visits.wake()
    assert not visits.heavy


def test_what_calls_give_is_weighed_again_when_they_take_much_longer() -> None:
    visits = Visits()
    visits.weigh(["a" * 10 * MS], MS)
    assert visits.heavy
    visits.weigh([1], 2 * MS)
    assert visits.heavy
    visits.weigh([1], 4 * MS)
    assert not visits.heavy


def test_a_recursion_that_has_shown_nothing_yet_has_to_gain_much() -> None:
    visits = Visits()
    visits.open = 1
    assert visits.burden_ns() == 0
    visits.open = 2
    assert 0 < visits.burden_ns() < inf
    visits.weigh([1], MS)
    assert visits.burden_ns() == 0


def test_a_site_rests_twenty_times_as_long_as_it_was_asked_in_vain() -> None:
    visits = Visits()
    assert not visits.declined()
    visits.asked_in_vain(50 * MS)
    assert visits.declined()
    assert visits.rest() == WORTH * 50 * MS
    assert visits.rest() < WORTH * 50 * MS


def test_after_a_call_that_raised_no_other_is_taken_over_within_it() -> None:
    visits = Visits()
    visits.open = 3
    visits.note_failure()
    assert visits.depth == 0
