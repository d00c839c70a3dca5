"""Whole lives of a cluster, at random: nothing is lost on the way, and it ends as its spec says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from operator_world import BROKEN_IMAGE, World

SEEDS = range(25)


def converge(world: World, *, within: int = 600) -> None:
    """No more mishaps and jobs; then wait until nothing is left to do."""
    world.calm_down()
    quiet = 0
    for _ in range(within):
        before = world.status
        world.cancel_all()
        world.tick()
        quiet = quiet + 1 if world.status == before and is_settled(world) else 0
        if quiet == 20:
            break
    assert world.faults == []
    assert quiet == 20, (world.plan, world.observe(), world.report)


def is_settled(world: World) -> bool:
    plan, seen = world.plan, world.observe()
    if plan is None or seen.workers is None or seen.manager is None:
        return False
    if plan.notices or plan.again_after is not None:
        return False
    actions = (plan.retire, plan.unretire, plan.delete_pods, plan.scale_down, plan.rollout)
    return (
        not any(actions)
        and plan.tokens == seen.tokens
        and seen.tokens.second == ""
        and (plan.worker_replicas, plan.manager_replicas)
        == (seen.workers.replicas, seen.manager.replicas)
        and not world.orders
    )


def assert_as_wanted(world: World, replicas: int, image: str = "good") -> None:
    assert world.set_replicas == replicas
    assert sorted(pod.ordinal for pod in world.pods.values()) == list(range(replicas))
    for pod in world.pods.values():
        assert pod.process is not None and pod.process.registered and pod.revision == image


def live(world: World, ticks: int, edit: Callable[[World], None], every: int = 30) -> None:
    for number in range(ticks):
        if number % every == 0:
            edit(world)
        if world.chance.random() < 0.3:
            world.submit()
        world.tick()
        assert world.faults == []


@pytest.mark.parametrize("seed", SEEDS)
def test_an_autoscaler_that_flaps_loses_no_worker_with_work(seed: int) -> None:
    world = World(seed)
    live(world, 300, lambda it: it.edit(workers__replicas=it.chance.randrange(7)), every=5)
    world.edit(workers__replicas=4)
    converge(world)
    assert_as_wanted(world, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_people_do_the_cluster_ends_as_its_last_spec_says(seed: int) -> None:
    world = World(seed)
    rotations = 0

    def anything(it: World) -> None:
        nonlocal rotations
        rotations += it.chance.random() < 0.3
        it.edit(
            workers__replicas=it.chance.randrange(6),
            suspend=it.chance.random() < 0.3,
            image=it.chance.choice(["good", "better", BROKEN_IMAGE]),
            auth__rotation=str(rotations),
            workers__rollingUpdate__maxUnavailable=it.chance.choice([1, 2]),
        )

    live(world, 400, anything)
    world.edit(workers__replicas=3, image="best", auth__rotation=str(rotations))
    converge(world)
    assert_as_wanted(world, 3, "best")
    assert world.tokens.rotation == str(rotations)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_roll_out_keeps_all_but_max_unavailable_at_work(seed: int) -> None:
    world = World(seed)
    world.edit(workers__replicas=5, workers__rollingUpdate__maxUnavailable=2)
    converge(world)
    for image in ("better", BROKEN_IMAGE, "best"):
        world.edit(workers__replicas=5, workers__rollingUpdate__maxUnavailable=2, image=image)
        for _ in range(200):
            if world.chance.random() < 0.3:
                world.submit()
            world.tick()
            assert world.faults == []
            away = [pod.name for pod in world.pods.values() if pod.process is None]
            away += [each for each in world.orders if each not in away]
            assert len(away) <= 2, (image, away)
    converge(world)
    assert_as_wanted(world, 5, "best")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cluster_that_nobody_uses_goes_to_sleep_and_wakes_at_an_edit(seed: int) -> None:
    world = World(seed)
    world.edit(workers__replicas=2, idle__action="Suspend", idle__timeoutSeconds=60)
    live(world, 100, lambda it: None)
    world.calm_down()
    for _ in range(400):
        world.tick()
    assert world.faults == []
    assert world.manager_replicas == world.set_replicas == 0
    assert world.status["idleSuspended"] is True
    world.edit(workers__replicas=3)
    converge(world)
    assert_as_wanted(world, 3)
    assert world.status["idleSuspended"] is False


@pytest.mark.parametrize("seed", range(10))
def test_force_lets_go_of_what_does_not_end(seed: int) -> None:
    drain = {"workers__drain__onTimeout": "Force", "workers__drain__timeoutSeconds": 20}
    world = World(seed)
    live(world, 100, lambda it: it.edit(workers__replicas=it.chance.randrange(5), **drain))
    world.edit(workers__replicas=1, **drain)
    converge(world)
    assert_as_wanted(world, 1)
