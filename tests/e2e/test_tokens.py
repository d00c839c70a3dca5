"""A cluster of processes that all need a token: who gets in, and how the token is replaced."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

import pyfora
from guarded_cluster import GuardedCluster, TokenFolder
from restartable_cluster import wait_until
from ufora_core import curve
from ufora_core.sockets import new_dealer
from ufora_core.tokens import TokenPair

Sockets = zmq.Context[zmq.Socket[bytes]]
Peer = zmq.Socket[bytes]

TOTAL = sum(n * n % 7 for n in range(1_000_000))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedCluster]:
    with GuardedCluster(tmp_path_factory.mktemp("guarded"), "first-token") as cluster:
        yield cluster


@pytest.fixture
def context() -> Iterator[Sockets]:
    with zmq.Context() as context:
        yield context


def work(cluster: pyfora.Cluster) -> None:
    """Run a block long enough for both workers to have a part of it."""
    with cluster.remotely.downloadAll():
        total = sum(n * n % 7 for n in range(1_000_000))
    assert total == TOTAL


def accepted_by(guarded: GuardedCluster) -> set[tuple[str, ...]]:
    """What the manager accepts, and what each worker says that it does."""
    state = guarded.state()
    return {tuple(each["tokens"]) for each in (state["manager"], *state["workers"])}


def test_a_token_is_replaced_in_three_phases_while_blocks_run(
    guarded: GuardedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = guarded.tokens.token, "second-token"
    mine = TokenFolder(tmp_path / "auth", guarded.tokens)
    monkeypatch.setenv("UFORA_AUTH_TOKEN_FILE", str(mine.token))
    monkeypatch.setenv("UFORA_AUTH_SECOND_TOKEN_FILE", str(mine.second))
    with pyfora.connect(guarded.url) as cluster:
        for phase in (TokenPair(old, new), TokenPair(new, old), TokenPair(new)):
            mine.write(phase)
            guarded.write(phase)
            while accepted_by(guarded) != {phase.fingerprints}:
                work(cluster)
            work(cluster)
    assert len(guarded.workers()) == 2
    for name in ("manager", "worker-0", "worker-1"):
        log = guarded.log(name)
        assert "refused our token" not in log and "has no valid token; refused" not in warnings(log)
        assert "first-token" not in log and "second-token" not in log


def warnings(log: str) -> str:
    return "\n".join(line for line in log.splitlines() if "WARNING" in line or "ERROR" in line)


def with_no_key(peer: Peer) -> None:
    """The plain handshake of ZeroMQ, which asks for nothing."""


def with_a_wrong_key(peer: Peer) -> None:
    curve.guard_dialer(peer, "wrong")


def with_a_password(peer: Peer) -> None:
    peer.plain_username, peer.plain_password = b"ufora", b"password"


@pytest.mark.parametrize(
    ("number", "prepare"), [(2, with_no_key), (3, with_a_wrong_key), (4, with_a_password)]
)
@pytest.mark.parametrize("port", ["registry", "control", "data"])
def test_who_has_not_the_key_is_refused_with_one_line_on_every_port(
    guarded: GuardedCluster,
    context: Sockets,
    port: str,
    number: int,
    prepare: Callable[[Peer], None],
) -> None:
    worker = guarded.workers()["worker-0"]
    ports = {
        "registry": guarded.registry_port,
        "control": worker["control_port"],
        "data": worker["data_port"],
    }
    where = "manager" if port == "registry" else "worker-0"
    source = f"127.0.0.{number}"
    line = f"{port} port {ports[port]}: {source} has no valid token; refused"

    def knock() -> bool:
        with new_dealer(context, "stranger") as peer:
            prepare(peer)
            peer.connect(f"tcp://{source}:0;127.0.0.1:{ports[port]}")
            peer.send(b"let me in")
            assert not peer.poll(100)
        return line in guarded.log(where)

    wait_until(knock, f"{line!r} in the log of {where}")
    knock()
    assert guarded.log(where).count(line) == 1
    with pyfora.connect(guarded.url, token=guarded.tokens.token) as cluster:
        work(cluster)


def test_no_request_is_served_without_the_token(guarded: GuardedCluster) -> None:
    for token in (None, "wrong"):
        with pytest.raises(pyfora.AuthenticationError, match="UFORA_AUTH_TOKEN"):
            pyfora.connect(guarded.url, token=token)


def test_a_worker_with_a_wrong_token_says_what_to_do_and_gets_in_once_it_has_the_right_one(
    guarded: GuardedCluster,
) -> None:
    guarded.start_worker("late", TokenPair("wrong"))
    advice = "put the cluster's token into UFORA_AUTH_TOKEN_FILE"
    wait_until(lambda: advice in guarded.log("late"), "the worker says what to do")
    assert guarded.alive("late") and "late" not in guarded.workers()
    guarded.folder_of("late").write(guarded.tokens)
    wait_until(lambda: "late" in guarded.workers(), "the worker is let in")
    assert guarded.log("late").count(advice) == 1
    guarded.stop("late")
