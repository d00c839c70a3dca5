"""How well lazy halving uses a cluster, in virtual time."""

import pytest

from simulated_cluster import Cluster
from simulation import Chances, LoopSpec, World

STEADY = tuple([0.001] * 20_000)
#: The last tenth of the items takes 50 times as long as the others.
SKEWED = tuple([0.0002] * 18_000 + [0.01] * 2_000)
GROWING = tuple(0.00001 + index * 1e-7 for index in range(20_000))


def efficiency(executors: list[int], costs: tuple[float, ...]) -> float:
    """Ideal time over the time it took, from placing the root to its end."""
    world = World(1, Chances())
    world.programs["job"] = (LoopSpec(costs),)
    cluster = Cluster(world, executors)
    world.run(lambda: world.now >= 1.0, limit=2.0)
    started = world.now
    cluster.place("job", "w0")
    world.run(lambda: "job" in cluster.manager.done, limit=1000.0)
    return sum(costs) / sum(executors) / (world.now - started)


@pytest.mark.parametrize("costs", [STEADY, SKEWED, GROWING], ids=["steady", "skewed", "growing"])
@pytest.mark.parametrize("executors", [[2], [4], [2, 2], [1, 1, 1, 1], [3, 1]], ids=str)
def test_few_executors_are_busy_to_the_end(executors: list[int], costs: tuple[float, ...]) -> None:
    assert efficiency(executors, costs) >= 0.9


@pytest.mark.parametrize("executors", [[64], [16, 16, 16, 16], [8] * 8], ids=str)
def test_many_executors_are_busy_to_the_end(executors: list[int]) -> None:
    costs = tuple([0.001] * 180_000 + [0.05] * 20_000)
    assert efficiency(executors, costs) >= 0.9
