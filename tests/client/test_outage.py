"""When a client tries again, and when it gives up: decided without a clock and without chance."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pyfora._outage import Outage
from pyfora._outbox import Outbox
from ufora_core.protocol import codec
from ufora_core.protocol.client import CancelJob, FromClient, Release, Submit
from ufora_core.protocol.parts import Payload


def times_of_attempts(outage: Outage, chance: float, seconds: float = 0.0) -> list[float]:
    """When a client tries whose attempts take ``seconds`` each, and all fail."""
    now, times = outage.began, [outage.began]
    while True:
        now += seconds
        pause = outage.pause(now, chance)
        if pause is None:
            return times
        now += pause
        times.append(now)


def test_pauses_grow_to_their_longest_and_end_before_the_limit() -> None:
    times = times_of_attempts(Outage(100.0, 10.0, longest_pause=2.0), chance=1.0)
    pauses = [round(b - a, 2) for a, b in pairwise(times)]
    assert pauses == [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.0, 2.0, 2.0]


def test_chance_takes_up_to_half_of_a_pause_away() -> None:
    assert Outage(0.0, 60.0, 2.0).pause(0.0, chance=0.0) == 0.01
    assert Outage(0.0, 60.0, 2.0).pause(0.0, chance=0.5) == 0.015


@given(
    began=st.floats(0, 1e6),
    limit=st.floats(0.01, 600),
    longest=st.floats(0.05, 5),
    chance=st.floats(0, 1, exclude_max=True),
    seconds=st.floats(0, 10),
)
def test_no_attempt_begins_after_the_limit_and_none_is_missed_for_longer_than_a_pause(
    began: float, limit: float, longest: float, chance: float, seconds: float
) -> None:
    times = times_of_attempts(Outage(began, limit, longest), chance, seconds)
    assert times[-1] <= began + limit
    assert began + limit - times[-1] <= longest + seconds + 1e-6
    assert all(b - a <= longest + seconds + 1e-6 for a, b in pairwise(times))


def submit(job: str) -> Submit:
    return Submit(job=job, program=Payload("a" * 64, 0, b""))


def test_what_is_said_again_goes_before_what_waits_and_no_program_goes_twice() -> None:
    outbox = Outbox()
    outbox.put([submit("a"), Release(digests=("x",)), submit("b"), CancelJob(job="a")])
    outbox.drop_submits()
    outbox.put([submit("c")])
    outbox.put_first([submit("a"), submit("b")])
    sent: list[FromClient] = []
    for frame in outbox.frames():
        sent += codec.decode_from_client(frame)
    assert sent == [
        submit("a"),
        submit("b"),
        Release(digests=("x",)),
        CancelJob(job="a"),
        submit("c"),
    ]
