"""When which cluster is looked at, by a clock of the test."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ufora_operator.controller.queue import Key, WorkQueue

A, B = Key("ns", "a"), Key("ns", "b")


def test_a_key_is_due_once_however_often_it_is_added() -> None:
    queue = WorkQueue()
    for _ in range(5):
        queue.add(A, 0.0)
    assert queue.take(0.0) == A
    assert queue.take(0.0) is None
    queue.done(A, 0.0)
    assert queue.take(10.0) is None


def test_the_key_that_is_due_the_longest_comes_first() -> None:
    queue = WorkQueue()
    queue.add(B, 0.0)
    queue.add(A, 1.0)
    assert [queue.take(2.0), queue.take(2.0)] == [B, A]


def test_a_key_that_is_added_during_its_round_is_due_again_afterwards_and_never_meanwhile() -> None:
    queue = WorkQueue(spacing=0.5)
    queue.add(A, 0.0)
    assert queue.take(0.0) == A
    queue.add(A, 1.0)
    assert queue.take(1.0) is None
    queue.done(A, 2.0)
    assert queue.take(2.4) is None
    assert queue.take(2.5) == A


def test_every_key_is_due_again_at_the_resync_and_not_all_at_once() -> None:
    dues = set()
    for number in range(20):
        queue, key = WorkQueue(resync=300.0), Key("ns", str(number))
        queue.add(key, 0.0)
        assert queue.take(0.0) == key
        queue.done(key, 0.0)
        due = queue.next_due()
        assert due is not None and 240.0 <= due <= 300.0
        dues.add(due)
    assert len(dues) > 10


def test_a_round_may_ask_for_an_earlier_look() -> None:
    queue = WorkQueue()
    queue.add(A, 0.0)
    queue.take(0.0)
    queue.done(A, 0.0, again_after=2.0)
    assert queue.next_due() == 2.0


def test_failures_wait_longer_each_time_up_to_a_limit_and_success_forgets_them() -> None:
    queue = WorkQueue(first_backoff=1.0, longest_backoff=60.0)
    now, waits = 0.0, []
    queue.add(A, now)
    for _ in range(10):
        assert queue.take(now) == A
        wait = queue.failed(A, now)
        waits.append(wait)
        now += wait
    assert waits == sorted(waits)
    assert waits[1] == 2 * waits[0]
    assert 48.0 <= waits[-1] <= 60.0
    queue.take(now)
    queue.done(A, now)
    assert queue.failures(A) == 0


def test_events_do_not_shorten_the_wait_after_a_failure() -> None:
    queue = WorkQueue(first_backoff=10.0)
    queue.add(A, 0.0)
    queue.take(0.0)
    wait = queue.failed(A, 0.0)
    queue.add(A, 0.1)
    assert queue.take(wait - 0.1) is None
    assert queue.take(wait) == A


def test_the_server_may_ask_for_a_longer_wait() -> None:
    queue = WorkQueue()
    queue.add(A, 0.0)
    queue.take(0.0)
    assert queue.failed(A, 0.0, at_least=30.0) == 30.0
    assert queue.take(29.9) is None


def test_a_key_that_is_gone_is_forgotten_unless_it_was_added_meanwhile() -> None:
    queue = WorkQueue()
    queue.add(A, 0.0)
    queue.add(B, 0.0)
    queue.take(0.0), queue.take(0.0)
    queue.add(B, 0.5)
    queue.gone(A, 1.0)
    queue.gone(B, 1.0)
    assert queue.keys() == [B]
    assert queue.take(2.0) == B


def test_the_oldest_is_the_key_that_has_been_due_the_longest() -> None:
    queue = WorkQueue()
    queue.add(A, 1.0)
    queue.add(B, 3.0)
    assert (queue.waiting(5.0), queue.oldest(5.0)) == (2, 4.0)
    queue.take(5.0)
    assert (queue.waiting(5.0), queue.oldest(5.0)) == (1, 2.0)


@given(st.lists(st.tuples(st.sampled_from("atdf"), st.integers(0, 3), st.integers(0, 20))))
def test_no_key_is_worked_on_twice_at_once_and_none_is_ever_lost(
    steps: list[tuple[str, int, int]],
) -> None:
    queue = WorkQueue(resync=50.0)
    now = 0.0
    running, known, later = set[Key](), set[Key](), set[Key]()
    for step, number, elapsed in steps:
        now += elapsed / 10
        key = Key("ns", str(number))
        if step == "a":
            queue.add(key, now)
            known.add(key)
        elif step == "t":
            taken = queue.take(now)
            assert taken not in running
            running |= set() if taken is None else {taken}
        elif running:
            ended = sorted(running)[0]
            running.discard(ended)
            if step == "d":
                queue.done(ended, now)
            else:
                queue.failed(ended, now)
    for key in sorted(running):
        queue.done(key, now)
    while (due := queue.take(now + 200.0)) is not None:
        later.add(due)
    assert later == known
