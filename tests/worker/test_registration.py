"""Being known to the manager, in every order in which links break and managers restart."""

from msgspec.structs import replace

from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_core.protocol.worker import (
    Heartbeat,
    HeartbeatSeen,
    Hello,
    Hungry,
    Introduce,
    RootDone,
    RootOutput,
    RootReturned,
    Welcome,
)
from ufora_worker.supervisor.registration import Registration

HELLO = Hello(
    protocol=1,
    release="0",
    python="3",
    address=WorkerAddress("w", "h", 1, 2),
    executors=1,
    incarnation="i",
)
WELCOME = Welcome(release="0", manager="m", store_path="", store_proof="")
DONE = RootDone(job="job", result=Payload("d", 0, b""))
OUTPUT = RootOutput(job="job", stream="stdout", text="x")
RETURNED = RootReturned(job="job")


def registered() -> Registration:
    registration = Registration(HELLO, 0.0)
    assert registration.connected([]) == [HELLO]
    assert registration.heard(WELCOME, 0.0, []) == []
    return registration


def beats(registration: Registration, now: float) -> int:
    return len(registration.tick(now, 1, 0, []))


def test_a_heartbeat_goes_out_at_once_and_then_every_second() -> None:
    registration = registered()
    times = [0.0, 0.5, 0.99, 1.0, 1.5, 2.1]
    assert [beats(registration, 100.0 + now) for now in times] == [1, 0, 0, 1, 0, 1]


def test_nothing_goes_out_before_the_welcome() -> None:
    registration = Registration(HELLO, 0.0)
    registration.connected([])
    assert registration.post(Hungry(slots=1)) == registration.post(OUTPUT) == []
    assert registration.post(DONE) == registration.tick(5.0, 1, 0, []) == []
    assert registration.heard(WELCOME, 5.0, []) == [OUTPUT, DONE]


def test_a_manager_that_does_not_know_the_worker_is_told_its_roots() -> None:
    registration = registered()
    (hello,) = registration.heard(Introduce(), 1.0, ["job"])
    assert isinstance(hello, Hello) and hello.roots == ("job",)


def test_the_end_of_a_root_is_repeated_until_a_later_heartbeat_was_answered() -> None:
    registration = registered()
    assert registration.post(DONE) == [DONE]
    (hello,) = registration.heard(Introduce(), 1.0, [])
    assert isinstance(hello, Hello) and hello.roots == ("job",)
    assert registration.heard(WELCOME, 1.0, []) == [DONE]
    assert beats(registration, 2.0) == 1
    registration.heard(HeartbeatSeen(), 2.0, [])
    registration.heard(Introduce(), 3.0, [])
    assert registration.heard(WELCOME, 3.0, []) == []


def test_the_return_of_a_root_is_repeated_until_a_later_heartbeat_was_answered() -> None:
    registration = registered()
    assert registration.post(RETURNED) == [RETURNED]
    (hello,) = registration.heard(Introduce(), 1.0, [])
    assert isinstance(hello, Hello) and hello.roots == ("job",)
    assert registration.heard(WELCOME, 1.0, []) == [RETURNED]
    assert beats(registration, 2.0) == 1
    registration.heard(HeartbeatSeen(), 2.0, [])
    (hello,) = registration.heard(Introduce(), 3.0, [])
    assert isinstance(hello, Hello) and hello.roots == ()


def test_a_root_that_was_placed_here_again_is_not_returned_again() -> None:
    registration = registered()
    registration.post(RETURNED)
    registration.heard(Introduce(), 1.0, ["job"])
    assert registration.heard(WELCOME, 1.0, ["job"]) == []


def test_an_answer_to_an_earlier_heartbeat_proves_nothing() -> None:
    registration = registered()
    beats(registration, 1.0)
    registration.post(DONE)
    registration.heard(HeartbeatSeen(), 1.1, [])
    registration.heard(Introduce(), 1.2, [])
    assert registration.heard(WELCOME, 1.2, []) == [DONE]


def test_a_broken_connection_makes_the_worker_introduce_itself_again() -> None:
    registration = registered()
    registration.disconnected()
    assert registration.post(Hungry(slots=1)) == []
    assert registration.connected(["job"]) != []


def test_unanswered_heartbeats_make_the_worker_introduce_itself_again() -> None:
    registration = registered()
    sent = [registration.tick(float(now), 1, 0, []) for now in range(1, 7)]
    kinds = [type(message) for messages in sent for message in messages]
    assert kinds == [Heartbeat, Heartbeat, Heartbeat, Heartbeat, Hello]


def test_the_shared_store_is_claimed_anew_from_each_manager() -> None:
    registration = registered()
    (claim,) = registration.shares_store([])
    assert isinstance(claim, Hello) and claim.shares_store
    (hello,) = registration.connected([])
    assert isinstance(hello, Hello) and not hello.shares_store


def test_a_long_silence_is_noticed() -> None:
    registration = registered()
    assert not registration.silent(9.0)
    assert registration.silent(11.0)
    registration.heard(HeartbeatSeen(), 11.0, [])
    assert not registration.silent(12.0)


def test_hellos_and_heartbeats_carry_the_tokens_of_now() -> None:
    registration = Registration(replace(HELLO, tokens=("a",)), 0.0)
    (hello,) = registration.connected([])
    registration.heard(WELCOME, 0.0, [])
    (first,) = registration.tick(1.0, 1, 0, [])
    registration.accepts(("b", "a"))
    (second,) = registration.tick(2.0, 1, 0, [])
    (again,) = registration.heard(Introduce(), 2.0, [])
    carried = []
    for message in (hello, first, second, again):
        assert isinstance(message, Hello | Heartbeat)
        carried.append(message.tokens)
    assert carried == [("a",), ("a",), ("b", "a"), ("b", "a")]
