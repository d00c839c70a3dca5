"""The real scheduler and the real workers together: whatever goes wrong, no work is lost.

The modelled roots check that each item counts once; the modelled manager, that nothing is sent to a
worker after its farewell.
"""

import random
from dataclasses import dataclass
from functools import partial

from simulated_loops import LoopSpec
from simulation import Chances, World
from ufora_manager.scheduler.retirement import empty
from whole_cluster import WholeCluster

#: Virtual seconds: every job is over by then, or something hangs.
LONG = 300.0
#: When the accidents are over, and everybody who is left may work.
CALM_AT = 3.0


@dataclass(frozen=True)
class Accidents:
    """How many of each happen in the first two seconds."""

    flaps: int = 0
    leaves: int = 0
    line_breaks: int = 0
    link_breaks: int = 0
    restarts: int = 0
    #: Restarts of the manager with an empty volume.
    losses: int = 0
    kills: int = 0


def random_program(rng: random.Random) -> tuple[LoopSpec, ...]:
    return tuple(
        LoopSpec(tuple(rng.random() * rng.choice([0.001, 0.05]) for _ in range(count)))
        for count in rng.choices([1, 5, 30], k=rng.choice([1, 2]))
    )


def run_cluster(seed: int, chances: Chances, accidents: Accidents) -> WholeCluster:
    """Some jobs and some accidents; afterwards all but one worker retire, half of them for good."""
    world = World(seed, chances)
    rng = world.rng
    cluster = WholeCluster(world, [rng.choice([1, 1, 2]) for _ in range(rng.choice([2, 3, 4]))])
    jobs = [f"job{number}" for number in range(rng.choice([2, 4, 6]))]
    for job in jobs:
        world.programs[job] = random_program(rng)
        if rng.random() < 0.5:
            world.repeatable.add(job)
        world.after(0.2 + rng.random() * 1.5, partial(cluster.manager.submit, job))
    prepare(cluster, accidents)
    world.run(lambda: world.now >= CALM_AT and cluster.manager.alive, LONG)
    for name in cluster.kept:
        cluster.manager.take_back_retirement(name)
    world.run(lambda: set(jobs) <= cluster.manager.done.keys(), LONG)
    retire_all_but_one(cluster)
    return cluster


def prepare(cluster: WholeCluster, accidents: Accidents) -> None:
    rng, world, manager = cluster.world.rng, cluster.world, cluster.manager
    names = list(cluster.kept)

    def at_some_time(action: object) -> None:
        world.after(0.2 + rng.random() * 2.0, action)  # type: ignore[arg-type]

    for _ in range(accidents.flaps):
        name = rng.choice(names)
        order = partial(manager.order_retirement, name, exit=rng.random() < 0.5)
        at_some_time(order)
        if rng.random() < 0.7:
            at_some_time(partial(manager.take_back_retirement, name))
    for _ in range(accidents.leaves):
        at_some_time(partial(lambda name: cluster.workers[name].leave(), rng.choice(names)))
    for _ in range(accidents.line_breaks):
        at_some_time(partial(lambda name: cluster.workers[name].disconnect(), rng.choice(names)))
    for _ in range(accidents.link_breaks):
        at_some_time(partial(cluster.break_link, *rng.sample(names, 2)))
    for index in range(accidents.restarts + accidents.losses):
        restart = partial(
            cluster.restart_manager,
            rng.choice([0.1, 1.0]),
            keeps_journal=index < accidents.restarts,
            # A root that a worker takes with it, and of which the journal does not know yet that it
            # was placed, cannot but run again.
            at_rest=accidents.kills > 0,
        )
        at_some_time(restart)
    for _ in range(accidents.kills):
        at_some_time(partial(cluster.kill, rng.choice(names)))


def retire_all_but_one(cluster: WholeCluster) -> None:
    """Until those that end are gone, and those that stay are empty."""
    ending: list[str] = []
    staying: list[str] = []
    for name in list(cluster.kept)[1:]:
        exit = cluster.world.rng.random() < 0.5
        (ending if exit else staying).append(name)
        if exit:
            del cluster.kept[name]
        cluster.manager.order_retirement(name, exit=exit)
    workers, scheduler = cluster.workers, cluster.manager.scheduler

    def settled() -> bool:
        gone = not any(workers[name].alive for name in ending)
        known = scheduler.state.workers
        return gone and all(
            name in known and empty(scheduler.state, known[name]) for name in staying
        )

    cluster.world.run(settled, LONG)
    quiet_at = cluster.world.now + 2.0
    cluster.world.run(lambda: cluster.world.now > quiet_at, LONG)
    for worker in workers.values():
        assert not worker.alive or worker.leftovers() == [], worker.address.name


def failures(cluster: WholeCluster) -> dict[str, str]:
    done = cluster.manager.done.values()
    return {x.job: x.failure.message for x in done if x.failure is not None}


def check_roots(cluster: WholeCluster) -> None:
    """A block that may not run twice did not."""
    for job, times in cluster.world.begun.items():
        assert times == 1 or job in cluster.world.repeatable, f"{job} ran {times} times"


def run_many(
    first: int, count: int, chances: Chances, accidents: Accidents, *, lossless: bool = True
) -> None:
    for seed in range(first, first + count):
        try:
            cluster = run_cluster(seed, chances, accidents)
            check_roots(cluster)
            if lossless:
                assert failures(cluster) == {}
                assert set(cluster.world.begun.values()) == {1}
        except BaseException as error:
            error.add_note(f"in the simulation with seed {seed}")
            raise


def test_a_peaceful_cluster_runs_every_job_once_and_retires() -> None:
    run_many(0, 100, Chances(), Accidents())


def test_workers_that_retire_and_return_at_any_time_lose_no_job() -> None:
    run_many(1000, 300, Chances(latency=0.005, by_digest=0.2), Accidents(flaps=4))


def test_workers_that_are_told_to_stop_hand_everything_over() -> None:
    run_many(2000, 200, Chances(latency=0.005, by_digest=0.2), Accidents(flaps=1, leaves=2))


def test_broken_lines_change_nothing() -> None:
    chances = Chances(latency=0.01, duplicate=0.1, by_digest=0.2)
    run_many(3000, 200, chances, Accidents(flaps=2, line_breaks=3, link_breaks=3))


def test_a_manager_that_is_started_again_finds_its_workers_and_their_roots() -> None:
    run_many(4000, 150, Chances(latency=0.005), Accidents(flaps=1, restarts=2, line_breaks=1))


def test_a_manager_that_lost_its_journal_finds_them_too() -> None:
    run_many(5000, 150, Chances(latency=0.005), Accidents(flaps=1, losses=2, line_breaks=1))


def test_every_job_ends_whatever_happens_and_blocks_with_effects_run_once() -> None:
    chances = Chances(latency=0.01, duplicate=0.2, by_digest=0.2, missing=0.02, deaf=0.2)
    accidents = Accidents(flaps=3, leaves=1, line_breaks=2, link_breaks=2, restarts=1, kills=2)
    run_many(6000, 200, chances, accidents, lossless=False)
