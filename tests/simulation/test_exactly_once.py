"""Whatever goes wrong, every item counts once, and nothing is left behind.

The modelled root checks each piece that reaches it; here everything else is let go wrong.
"""

import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated_cluster import Cluster
from simulated_loops import LoopSpec
from simulation import Chances, World

#: Virtual seconds: every job is over by then, or something hangs.
LONG = 600.0


def random_loop(rng: random.Random, depth: int = 2) -> LoopSpec:
    count = rng.choice([1, 2, 7, 60, 300])
    slow = rng.choice([0.0001, 0.003, 0.03])
    costs = tuple(rng.random() * slow for _ in range(count))
    early = frozenset(rng.randrange(count) for _ in range(rng.choice([0, 0, 1, 3])))
    kind = rng.randrange(3)
    inner = rng.sample(range(count), min(count, rng.choice([0, 1, 3]))) if depth else []
    return LoopSpec(
        costs,
        fails=early if kind == 0 else frozenset(),
        decides=early if kind == 1 else frozenset(),
        inner={index: random_loop(rng, depth - 1) for index in inner},
    )


def run_cluster(seed: int, chances: Chances, *, deaths: int = 0, breaks: int = 0) -> Cluster:
    """Some jobs on some workers, with some accidents; until all is over and quiet."""
    world = World(seed, chances)
    rng = world.rng
    cluster = Cluster(world, [rng.choice([1, 1, 2, 3]) for _ in range(rng.choice([1, 2, 3, 4]))])
    names = list(cluster.workers)
    jobs = rng.choice([1, 2, 4])
    for number in range(jobs):
        job, worker = f"job{number}", rng.choice(names)
        world.programs[job] = tuple(random_loop(rng) for _ in range(rng.choice([1, 2, 3])))
        start = rng.random() * 0.5
        world.after(start, partial(cluster.place, job, worker))
        if rng.random() < 0.2:
            world.after(start + rng.random() * 0.5, partial(cluster.cancel, job, worker))
    for _ in range(deaths):
        name, when = rng.choice(names), rng.random()
        if rng.random() < 0.3:
            world.after(when, partial(cluster.end_worker, name))
        else:
            world.after(when, partial(cluster.workers[name].end_executor, 0))
    for _ in range(breaks):
        one, other, when = rng.choice(names), rng.choice(names), rng.random()
        world.after(when, partial(cluster.break_link, one, other))
    world.run(lambda: world.now > 1.5 and len(cluster.manager.done) == jobs, LONG)
    quiet_at = world.now + 10.0
    world.run(lambda: world.now > quiet_at, LONG)
    return cluster


def leftovers(cluster: Cluster) -> dict[str, list[str]]:
    alive = [worker for worker in cluster.workers.values() if worker.alive]
    return {w.address.name: w.leftovers() for w in alive if w.leftovers()}


def run_many(first: int, count: int, chances: Chances, *, deaths: int = 0, breaks: int = 0) -> None:
    for seed in range(first, first + count):
        try:
            cluster = run_cluster(seed, chances, deaths=deaths, breaks=breaks)
            assert leftovers(cluster) == {}
        except BaseException as error:
            error.add_note(f"in the simulation with seed {seed}")
            raise


def test_a_peaceful_cluster_runs_every_item_once() -> None:
    run_many(0, 200, Chances())


def test_slow_links_late_objects_and_repeated_messages_change_nothing() -> None:
    chances = Chances(latency=0.02, duplicate=0.3, by_digest=0.5, missing=0.05)
    run_many(1000, 200, chances)


def test_lost_executors_and_workers_change_no_result() -> None:
    run_many(2000, 200, Chances(by_digest=0.3, deaf=0.3), deaths=4)


def test_broken_links_lose_no_item() -> None:
    run_many(3000, 200, Chances(latency=0.05, by_digest=0.3), breaks=25)


@settings(max_examples=200)
@given(
    seed=st.integers(0, 2**32),
    latency=st.sampled_from([0.0001, 0.005, 0.1]),
    share=st.floats(0, 0.5),
    deaths=st.integers(0, 5),
    breaks=st.integers(0, 5),
)
def test_all_accidents_together(
    seed: int, latency: float, share: float, deaths: int, breaks: int
) -> None:
    chances = Chances(latency, duplicate=share, by_digest=share, missing=share / 5, deaf=share)
    cluster = run_cluster(seed, chances, deaths=deaths, breaks=breaks)
    assert leftovers(cluster) == {}


@pytest.mark.parametrize("executors", [[1], [4], [2, 2]], ids=str)
def test_items_that_end_every_executor_are_reported_and_the_cluster_goes_on(
    executors: list[int],
) -> None:
    world = World(7, Chances())
    cluster = Cluster(world, executors)
    manager = cluster.manager
    costs = tuple([0.01] * 400)
    world.programs["poisoned"] = (LoopSpec(costs, poison=frozenset({390})),)
    world.programs["healthy"] = (LoopSpec(costs),)
    for job in world.programs:
        world.after(0.5, partial(cluster.place, job, "w0"))
    world.run(lambda: len(manager.done) == 2, LONG)
    failure = manager.done["poisoned"].failure
    assert failure is not None and failure.reason == "executor-died"
    assert "was killed by the simulation" in failure.message
    assert manager.done["healthy"].result is not None
