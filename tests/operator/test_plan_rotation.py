"""One token follows another, and nobody is refused on the way."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from operator_sights import (
    NOW,
    UNREACHABLE,
    cluster_of,
    observed,
    plan_for,
    pod,
    report,
    worker,
)
from ufora_operator.observed import Observed, Tokens
from ufora_operator.plan.rotation import fingerprint
from ufora_operator.plan.types import Plan, Rotation

OLD_FIRST = (fingerprint("t1"), fingerprint("t2"))
NEW_FIRST = (fingerprint("t2"), fingerprint("t1"))
ONLY_OLD, ONLY_NEW = OLD_FIRST[:1], NEW_FIRST[:1]

STABLE = Tokens("t1", rotation="a", exists=True)
HANDED_OUT = Tokens("t1", "t2", "a", second_is_next=True, exists=True)
SWITCHED = Tokens("t2", "t1", "b", exists=True)
DONE = Tokens("t2", rotation="b", exists=True)


def turn(
    tokens: Tokens,
    manager: tuple[str, ...] = ONLY_OLD,
    *workers: tuple[str, ...],
    rotation: str = "b",
    phase: tuple[str, str] = ("", ""),
    silent: bool = False,
) -> Plan:
    """The plan for workers that report these fingerprints; one more is ``silent``."""
    pods = [pod(ordinal) for ordinal in range(len(workers) + silent)]
    status: dict[str, object] = {"auth": {"phase": phase[0], "since": phase[1]}}
    seen = observed(*pods, tokens=tokens, status=status)
    cluster = cluster_of(workers__replicas=len(pods), auth__rotation=rotation)
    said = [worker(ordinal, tokens=each) for ordinal, each in enumerate(workers)]
    return plan_for(cluster, seen, report(*said, tokens=manager))


def test_a_fingerprint_is_what_the_processes_report() -> None:
    assert fingerprint("t1") == hashlib.sha256(b"ufora token fingerprint:t1").hexdigest()[:16]


@pytest.mark.parametrize("there", [Tokens(), Tokens(exists=True)])
def test_a_token_is_made_when_there_is_none(there: Tokens) -> None:
    plan = plan_for(cluster_of(auth__rotation="b"), observed(tokens=there), UNREACHABLE)
    assert plan.tokens == DONE


@pytest.mark.parametrize(
    "auth", [{"enabled": False}, {"enabled": True, "secretRef": {"name": "x"}}]
)
def test_a_token_that_is_not_ours_is_left_alone(auth: dict[str, object]) -> None:
    plan = plan_for(cluster_of(auth=auth), observed(), report())
    assert plan.tokens is None and plan.rotation is None


def test_nothing_turns_without_a_new_value() -> None:
    plan = turn(STABLE, rotation="a")
    assert plan.tokens == STABLE and plan.rotation == Rotation("Stable", "a")


def test_the_next_token_is_handed_out_first() -> None:
    assert turn(STABLE).tokens == HANDED_OUT


@pytest.mark.parametrize(
    ("manager", "workers", "goes_on"),
    [
        (OLD_FIRST, (OLD_FIRST, OLD_FIRST), True),
        (ONLY_OLD, (OLD_FIRST, OLD_FIRST), False),
        (OLD_FIRST, (OLD_FIRST, ONLY_OLD), False),
        (OLD_FIRST, (OLD_FIRST, ()), False),
    ],
)
def test_it_is_used_when_everybody_accepts_it(
    manager: tuple[str, ...], workers: tuple[tuple[str, ...], ...], goes_on: bool
) -> None:
    assert turn(HANDED_OUT, manager, *workers).tokens == (SWITCHED if goes_on else HANDED_OUT)


@pytest.mark.parametrize(
    ("manager", "workers", "goes_on"),
    [
        (NEW_FIRST, (NEW_FIRST, NEW_FIRST), True),
        (OLD_FIRST, (NEW_FIRST, NEW_FIRST), False),
        (NEW_FIRST, (NEW_FIRST, OLD_FIRST), False),
        (ONLY_NEW, (ONLY_NEW,), True),
    ],
)
def test_the_former_token_is_void_when_everybody_sends_the_next(
    manager: tuple[str, ...], workers: tuple[tuple[str, ...], ...], goes_on: bool
) -> None:
    assert turn(SWITCHED, manager, *workers).tokens == (DONE if goes_on else SWITCHED)


def test_who_is_waited_for_is_named() -> None:
    plan = turn(HANDED_OUT, OLD_FIRST, ONLY_OLD)
    assert plan.rotation == Rotation("Distributing", "a", ("demo-worker-0",))
    assert plan.again_after is not None


def test_without_an_answer_of_the_manager_nothing_turns_further() -> None:
    seen = observed(pod(0), tokens=HANDED_OUT)
    plan = plan_for(cluster_of(workers__replicas=1, auth__rotation="b"), seen, UNREACHABLE)
    assert plan.tokens == HANDED_OUT


def test_a_new_value_while_the_former_token_is_still_accepted_does_not_bring_it_back() -> None:
    assert turn(SWITCHED, NEW_FIRST, NEW_FIRST, rotation="c").tokens == DONE
    once_more = turn(DONE, ONLY_NEW, ONLY_NEW, rotation="c").tokens
    assert once_more is not None and (once_more.token, once_more.second_is_next) == ("t2", True)


@pytest.mark.parametrize(
    ("phase", "goes_on"),
    [
        (("", ""), False),
        (("Distributing", "2027-01-15T07:55:01Z"), False),  # 299 s
        (("Distributing", "2027-01-15T07:55:00Z"), True),
        (("Switching", "2027-01-15T07:00:00Z"), False),  # of another phase
    ],
)
def test_a_worker_that_is_not_registered_holds_it_up_for_five_minutes(
    phase: tuple[str, str], goes_on: bool
) -> None:
    assert NOW == 1_800_000_000  # 2027-01-15T08:00:00Z
    plan = turn(HANDED_OUT, OLD_FIRST, OLD_FIRST, phase=phase, silent=True)
    assert plan.tokens == (SWITCHED if goes_on else HANDED_OUT)


def test_where_nobody_runs_it_turns_at_once() -> None:
    asleep: Observed = replace(observed(manager_replicas=0), tokens=HANDED_OUT)
    plan = plan_for(cluster_of(suspend=True, auth__rotation="b"), asleep, UNREACHABLE)
    assert plan.tokens == SWITCHED
