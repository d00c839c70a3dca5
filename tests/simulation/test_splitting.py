"""How well lazy halving uses a cluster, in virtual time."""

import pytest

from simulated_cluster import Cluster
from simulated_loops import LoopSpec
from simulation import Chances, World

STEADY = tuple([0.001] * 20_000)
#: The last tenth of the items takes 50 times as long as the others.
SKEWED = tuple([0.0002] * 18_000 + [0.01] * 2_000)
GROWING = tuple(0.00001 + index * 1e-7 for index in range(20_000))


def divided(depth: int, work: float) -> LoopSpec:
    """A recursion that makes two calls, in the proportion of ``fib``."""
    if depth == 0:
        return LoopSpec((0.618 * work, 0.382 * work))
    inner = {0: divided(depth - 1, 0.618 * work), 1: divided(depth - 1, 0.382 * work)}
    return LoopSpec((0.0, 0.0), inner=inner)


#: Two items, with a thousand inside of each.
TWO_OF_A_THOUSAND = LoopSpec((0.001, 0.001), inner=dict.fromkeys((0, 1), LoopSpec((0.01,) * 1000)))
#: One item with all the work.
ONE_OF_MANY = LoopSpec((0.001,), inner={0: LoopSpec((0.001,) * 20_000)})
#: Three levels, and items of their own beside the inner loops.
THREE_LEVELS = LoopSpec(
    (0.02,) * 3,
    inner=dict.fromkeys(
        range(3), LoopSpec((0.01,) * 20, inner=dict.fromkeys((0, 7, 19), LoopSpec((0.02,) * 200)))
    ),
)


def efficiency(executors: list[int], costs: tuple[float, ...]) -> float:
    return efficiency_of(executors, LoopSpec(costs))


def efficiency_of(executors: list[int], loop: LoopSpec) -> float:
    """Ideal time over the time it took, from placing the root to its end."""
    world = World(1, Chances())
    world.programs["job"] = (loop,)
    cluster = Cluster(world, executors)
    world.run(lambda: world.now >= 1.0, limit=2.0)
    started = world.now
    cluster.place("job", "w0")
    world.run(lambda: "job" in cluster.manager.done, limit=1000.0)
    return loop.work / sum(executors) / (world.now - started)


@pytest.mark.parametrize("costs", [STEADY, SKEWED, GROWING], ids=["steady", "skewed", "growing"])
@pytest.mark.parametrize("executors", [[2], [4], [2, 2], [1, 1, 1, 1], [3, 1]], ids=str)
def test_few_executors_are_busy_to_the_end(executors: list[int], costs: tuple[float, ...]) -> None:
    assert efficiency(executors, costs) >= 0.9


@pytest.mark.parametrize("executors", [[64], [16, 16, 16, 16], [8] * 8], ids=str)
def test_many_executors_are_busy_to_the_end(executors: list[int]) -> None:
    costs = tuple([0.001] * 180_000 + [0.05] * 20_000)
    assert efficiency(executors, costs) >= 0.9


@pytest.mark.parametrize(
    "loop", [TWO_OF_A_THOUSAND, ONE_OF_MANY, THREE_LEVELS], ids=["two", "one", "three levels"]
)
@pytest.mark.parametrize("executors", [[4], [8], [16], [2, 2], [4, 4], [1] * 4], ids=str)
def test_loops_in_few_items_keep_every_executor_busy(executors: list[int], loop: LoopSpec) -> None:
    assert efficiency_of(executors, loop) >= 0.8


@pytest.mark.parametrize("executors", [[2], [4], [8], [16], [1, 1], [4, 4]], ids=str)
def test_a_recursion_that_divides_keeps_every_executor_busy(executors: list[int]) -> None:
    assert efficiency_of(executors, divided(9, 10.0)) >= 0.8
