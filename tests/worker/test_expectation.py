"""What an item will take, by what the loops within it still have to do."""

from dataclasses import dataclass

from ufora_worker.loops.expectation import item_times


@dataclass
class Running:
    """A loop that has run an item of ``took`` and is ``so_far`` into the next."""

    next: int
    hi: int
    took: float = 0.0
    so_far: float = 0.0

    def item_time(self, inside_ns: float) -> float:
        return max(self.took, self.so_far + inside_ns)


def test_a_loop_alone_lasts_as_long_as_it_has_shown() -> None:
    assert item_times([]) == []
    assert item_times([Running(1, 2, so_far=30.0)]) == [30.0]
    assert item_times([Running(2, 9, took=50.0, so_far=3.0)]) == [50.0]


def test_a_recursion_shows_from_within_how_long_its_first_half_will_take() -> None:
    # The innermost has run one of its two calls, and is about to begin the other.
    depth = 4
    loops = [Running(1, 2, so_far=10.0) for _ in range(depth)]
    loops.append(Running(1, 2, took=10.0))
    assert item_times(loops) == [10.0 * 2 ** (depth - level) for level in range(depth)] + [10.0]


def test_what_was_given_away_is_nothing_that_has_to_be_waited_for() -> None:
    outer, inner = Running(1, 2, so_far=5.0), Running(1, 1, so_far=4.0)
    assert item_times([outer, inner]) == [5.0, 4.0]
