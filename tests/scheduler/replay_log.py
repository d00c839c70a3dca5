"""Sends a fixed, varied log of events to a scheduler and prints every command.

Run as a program by ``test_replay``, under several hash seeds.
"""

import random
from collections.abc import Callable
from functools import partial

from scheduling import SMALL, Cluster, bulk
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler.commands import Command


def main() -> None:
    chance = random.Random(7)
    cluster = Cluster()
    workers = [f"worker-{number}" for number in range(5)]
    sessions = [f"session-{number}" for number in range(4)]
    jobs = [f"job-{number}" for number in range(60)]
    for session in sessions:
        cluster.connect(session)
    for _ in range(1500):
        worker, session, job = map(chance.choice, (workers, sessions, jobs))
        needs = tuple(bulk(letter) for letter in chance.sample("abcdef", 2))
        cluster.now += chance.random() / 5
        acts: list[Callable[[], list[Command]]] = [
            partial(cluster.join, worker, 2, chance.choice(["one", "two"])),
            partial(cluster.leave, worker),
            partial(cluster.hunger, worker),
            partial(cluster.submit, job, session, SMALL, needs),
            partial(cluster.submit, job, session, SMALL, needs),
            partial(cluster.end, job, worker, result=SMALL, objects=needs),
            partial(cluster.disconnect, session),
            partial(cluster.connect, session),
            partial(cluster.pass_time, 1.0),
            partial(cluster.release, "a" * 64, "b" * 64, session=session),
        ]
        try:
            print(chance.choice(acts)())
        except EventRefused as error:
            print("refused:", error)


if __name__ == "__main__":
    main()
