"""A client whose link broke: what is kept for it, how long, and what it hears when it is back."""

import pytest

from scheduling import SMALL, Cluster, of, told_client
from ufora_core.protocol.client import JobDone, JobOutput, ToClient
from ufora_manager.scheduler import commands, events
from ufora_manager.scheduler.printed import KEPT, Printed
from ufora_manager.scheduler.records import Change, changes, everything
from ufora_manager.scheduler.restoring import restored
from ufora_manager.scheduler.scheduler import Scheduler
from ufora_manager.scheduler.state import Kind


@pytest.fixture
def cluster() -> Cluster:
    """One worker, which runs job ``a`` of a client that says it comes back within a minute."""
    cluster = Cluster()
    cluster.join("w0")
    cluster.handle(events.SessionConnected(cluster.now, "s", returns_within=60.0))
    cluster.connect("other")
    cluster.submit("a")
    return cluster


def prints(cluster: Cluster, text: str, at: int) -> list[ToClient]:
    event = events.RootPrinted(cluster.now, "w0", "a", "stdout", text, at)
    return told_client(cluster.handle(event))


def comes_back(cluster: Cluster) -> None:
    assert cluster.handle(events.SessionConnected(cluster.now, "s", returns_within=60.0)) == []


def asks_again(cluster: Cluster, heard: int) -> list[ToClient]:
    event = events.JobSubmitted(cluster.now, "s", "a", SMALL, heard=heard)
    return told_client(cluster.handle(event))


def output(text: str, at: int) -> JobOutput:
    return JobOutput(job="a", stream="stdout", text=text, at=at)


def test_it_hears_the_output_that_it_missed_and_then_the_end(cluster: Cluster) -> None:
    assert prints(cluster, "one\n", 0) == [output("one\n", 0)]
    cluster.disconnect()
    prints(cluster, "two\n", 4)
    prints(cluster, "three\n", 8)
    cluster.end("a", "w0")
    comes_back(cluster)
    *missed, done = asks_again(cluster, heard=4)
    assert missed == [output("two\n", 4), output("three\n", 8)]
    assert isinstance(done, JobDone) and done.result is not None


def test_it_hears_what_it_missed_from_a_manager_that_was_restarted(cluster: Cluster) -> None:
    prints(cluster, "one\n", 0)
    cluster.disconnect()
    prints(cluster, "two\n", 4)
    written = [each.record for each in everything(cluster.scheduler.state)]
    cluster.scheduler = Scheduler(restored([each for each in written if each], cluster.now))
    cluster.join("w0", roots=("a",))
    comes_back(cluster)
    prints(cluster, "one\n", 0)  # the worker cannot know that this was written down
    prints(cluster, "three\n", 8)
    assert asks_again(cluster, heard=4) == [output("two\n", 4), output("three\n", 8)]


def test_output_that_nobody_can_ask_for_any_more_is_erased(cluster: Cluster) -> None:
    cluster.join("w1")
    cluster.submit("b", session="other")
    state = cluster.scheduler.state
    state.unsaved = {}
    prints(cluster, "of a client that stays away\n", 0)
    cluster.handle(events.RootPrinted(cluster.now, "w1", "b", "stdout", "and of one that stays", 0))
    assert [each.key for each in changes(state) if each.record] == ["a 0", "b 0"]
    cluster.end("b", "w1")
    cluster.disconnect()
    for _ in range(61):
        cluster.hear("w0")
        cluster.pass_time(1.0)
    erased = [each for each in changes(state) if each.kind is Kind.OUTPUT]
    assert erased == [Change(Kind.OUTPUT, "b 0", None), Change(Kind.OUTPUT, "a 0", None)]


def test_nothing_new_overtakes_what_it_missed(cluster: Cluster) -> None:
    cluster.disconnect()
    prints(cluster, "one\n", 0)
    comes_back(cluster)
    assert prints(cluster, "two\n", 4) == []
    assert told_client(cluster.end("a", "w0")) == []
    assert asks_again(cluster, heard=0)[:2] == [output("one\n", 0), output("two\n", 4)]


def test_its_jobs_run_on_for_as_long_as_it_said(cluster: Cluster) -> None:
    cluster.disconnect()
    for _ in range(59):
        cluster.hear("w0")
        assert of(cluster.pass_time(1.0), commands.Withdraw) == []
    assert of(cluster.pass_time(2.0), commands.Withdraw) == [commands.Withdraw("w0", "a")]


def test_when_it_comes_too_late_it_hears_how_long_it_was_waited_for(cluster: Cluster) -> None:
    cluster.disconnect()
    cluster.pass_time(61.0)
    cluster.connect("anew")
    (told,) = told_client(cluster.submit("a", session="anew"), "anew")
    assert "the client was away for more than 60 s" in str(told)


def test_a_restarted_manager_waits_for_it_as_long_as_it_said(cluster: Cluster) -> None:
    cluster.handle(events.SessionConnected(cluster.now, "s", returns_within=300.0))
    written = [each.record for each in everything(cluster.scheduler.state)]
    cluster.scheduler = Scheduler(restored([each for each in written if each], cluster.now))
    cluster.join("w0", roots=("a",))
    for _ in range(299):
        cluster.hear("w0")
        assert of(cluster.pass_time(1.0), commands.Withdraw) == []
    assert of(cluster.pass_time(2.0), commands.Withdraw) == [commands.Withdraw("w0", "a")]


def test_an_answer_is_kept_while_it_is_away_and_until_it_has_asked(cluster: Cluster) -> None:
    cluster.disconnect()
    cluster.end("a", "w0")
    cluster.pass_time(55.0)
    comes_back(cluster)
    cluster.pass_time(10.0)
    assert len(asks_again(cluster, heard=0)) == 1


def test_the_oldest_output_goes_when_there_is_too_much_and_nothing_is_kept_twice() -> None:
    printed = Printed()
    half = "x" * (KEPT // 2)
    for number in range(3):
        printed.keep(output(half, number * len(half)))
    printed.keep(output(half, 0))
    assert [each.at for each in printed.since(0)] == [len(half), 2 * len(half)]
    assert [each.at for each in printed.since(2 * len(half))] == [2 * len(half)]
    assert printed.clear() == [len(half), 2 * len(half)]
    assert printed.since(0) == []
