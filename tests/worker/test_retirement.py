"""A retiring worker takes nothing new and hands over what it holds."""

import pytest

from ufora_core.protocol.executor import Judged, RootEnded
from ufora_core.protocol.worker import (
    CancelRoot,
    Farewell,
    GiveRange,
    Hungry,
    Leaving,
    PeerPiece,
    PlaceRoot,
    Recall,
    Retire,
    ReturnRange,
    RootDone,
    RootReturned,
    RootStarted,
    StealRequest,
    StillHolds,
    Unretire,
    WorkAt,
)
from ufora_worker.errors import RefusedEvent
from ufora_worker.state.commands import AskRepeatable, CancelFetch, Depart, SetYield
from ufora_worker.state.dispatch import HUNGRY_SECONDS, LONG_SECONDS
from ufora_worker.state.events import Leave, Registered
from working import BULK, SMALL, Working, address, work

RETIRE, UNRETIRE = Retire(), Unretire()


def holdings(worker: Working) -> list[tuple[int, int]]:
    return [(x.roots, x.ranges) for x in worker.to_manager(StillHolds)]


def returned(worker: Working) -> list[tuple[str, int]]:
    return [(name, message.lease) for name, message in worker.to_peers(ReturnRange)]


# ---------------------------------------------------------------------- roots


def test_roots_that_were_not_begun_are_returned_and_those_that_run_go_on() -> None:
    worker = Working(1).place("runs").place("waits").order(RETIRE)
    assert worker.to_manager(RootReturned) == [RootReturned(job="waits")]
    assert (worker.state.roots, holdings(worker)) == (("runs",), [(1, 0)])
    worker.said(0, RootEnded(job="runs", result=SMALL))
    assert [done.job for done in worker.to_manager(RootDone)] == ["runs"]
    assert holdings(worker) == [(0, 0)]


def test_a_root_whose_objects_are_on_their_way_is_returned() -> None:
    worker = Working(1).place(program=BULK).order(RETIRE)
    assert worker.to_manager(RootReturned) == [RootReturned(job="job")]
    assert len(worker.wanted(CancelFetch)) == 1


def test_a_root_that_comes_too_late_is_returned() -> None:
    worker = Working(1).order(RETIRE).place()
    assert worker.to_manager(RootReturned) == [RootReturned(job="job")]
    assert worker.state.roots == ()


def test_a_root_that_was_returned_may_come_again() -> None:
    worker = Working(1).order(RETIRE).place().order(UNRETIRE)
    assert worker.place().roots_run == [(0, "job")]


def test_a_root_that_ended_here_does_not_run_again() -> None:
    worker = Working(1).place().said(0, RootEnded(job="job", result=SMALL))
    assert worker.place().last == []


def test_others_may_steal_from_a_retiring_worker() -> None:
    worker = Working(1).place().order(RETIRE).hungry_peer("thief").offer(0, work(50, 100))
    assert worker.given_away == [("thief", 50, 100)]
    assert holdings(worker) == [(1, 1)]


def test_executors_of_a_retiring_worker_help_its_own_roots() -> None:
    worker = Working(2).place().order(RETIRE).offer(0, work(50, 100))
    assert worker.ranges_run == [(1, 50, 100)]
    assert worker.wanted(SetYield) == []


# ---------------------------------------------------------------------- ranges


def test_a_retiring_worker_asks_nobody_for_work() -> None:
    worker = Working(2).tick(HUNGRY_SECONDS).order(WorkAt(workers=(address("a"),))).order(RETIRE)
    assert [x.slots for _, x in worker.to_peers(StealRequest)] == [0]
    assert [x.slots for x in worker.tick(HUNGRY_SECONDS).to_manager(Hungry)] == [0]
    assert worker.order(WorkAt(workers=(address("b"),))).to_peers(StealRequest) == []


def test_a_range_that_is_given_to_a_retiring_worker_goes_back() -> None:
    worker = Working(1).order(RETIRE).given("home", 7, work(0, 10, task=BULK))
    assert (returned(worker), len(worker.state.ledger.leases)) == ([("home", 7)], 0)


def test_ranges_that_were_not_begun_go_back() -> None:
    worker = Working(1).place().given("home", 7, work(0, 10, job="other", task=BULK))
    assert returned(worker.order(RETIRE)) == [("home", 7)]
    assert len(worker.wanted(CancelFetch)) == 1


def test_a_running_range_is_cut_short_and_its_rest_returned_after_what_is_done() -> None:
    worker = Working(1).given("home", 7, work(0, 100)).order(RETIRE)
    assert (worker.wanted(SetYield), holdings(worker)) == ([SetYield(0, True)], [(0, 1)])
    worker.offer(0, work(30, 100))
    assert (returned(worker), holdings(worker)) == ([], [(0, 2)])
    worker.done(0, 0, 30)
    assert worker.wanted(SetYield) == [SetYield(0, False)]
    assert [type(x.message) for x in worker.wanted_of_peers()] == [PeerPiece, ReturnRange]
    assert holdings(worker) == [(0, 0)]


def test_a_range_that_ends_before_it_hears_needs_no_return() -> None:
    worker = Working(1).given("home", 7, work(0, 100)).order(RETIRE).done(0, 0, 100)
    assert (returned(worker), holdings(worker)) == ([], [(0, 0)])


def test_what_was_passed_on_is_recalled_and_returned_when_it_is_back() -> None:
    worker = Working(1).given("home", 7, work(0, 100)).hungry_peer("thief")
    worker.offer(0, work(50, 100)).done(0, 0, 50)
    ((_, gift),) = [(1, x) for x in worker.state.ledger.leases]
    ((name, recall),) = worker.order(RETIRE).to_peers(Recall)
    assert (name, recall.lease) == ("thief", gift.id)
    assert worker.order(RETIRE).to_peers(Recall) == []
    worker.piece("thief", gift.id, 50, 60)
    assert (len(worker.to_peers(PeerPiece)), returned(worker)) == (1, [])
    worker.peer(ReturnRange(sender="thief", lease=gift.id, reason="recalled"))
    assert (returned(worker), holdings(worker)) == ([("home", 7)], [(0, 0)])


def test_a_worker_that_is_asked_for_a_lease_hands_back_that_one_only() -> None:
    worker = Working(2).given("home", 7, work(0, 100)).given("home", 8, work(100, 200))
    worker.peer(Recall(sender="home", lease=8))
    assert worker.wanted(SetYield) == [SetYield(1, True)]
    worker.offer(1, work(130, 200)).done(1, 100, 130)
    assert returned(worker) == [("home", 8)]
    assert worker.state.idle == 1


def test_a_recall_of_what_is_not_here_changes_nothing() -> None:
    assert Working(1).peer(Recall(sender="home", lease=8)).last == []


# ---------------------------------------------------------------------- orders


def test_an_order_that_is_taken_back_restores_everything() -> None:
    worker = Working(2).order(WorkAt(workers=(address("a"),))).order(RETIRE).order(UNRETIRE)
    assert [x.slots for _, x in worker.to_peers(StealRequest)] == [2]
    assert worker.place().roots_run == [(0, "job")]
    assert holdings(worker) == []


def test_a_range_that_was_being_cut_short_runs_on_when_the_order_is_taken_back() -> None:
    worker = Working(1).given("home", 7, work(0, 100)).order(RETIRE).order(UNRETIRE)
    assert worker.wanted(SetYield) == [SetYield(0, False)]
    assert worker.done(0, 0, 100).to_peers(ReturnRange) == []


def test_an_order_that_comes_again_is_answered_again() -> None:
    worker = Working(1).order(RETIRE)
    assert holdings(worker.tick()) == []
    assert holdings(worker.order(RETIRE)) == [(0, 0)]


def test_a_worker_that_is_known_anew_works_until_it_is_told_to_retire_again() -> None:
    worker = Working(1).order(RETIRE).handle(Registered())
    assert worker.place().roots_run == [(0, "job")]
    assert holdings(worker.order(RETIRE)) == [(1, 0)]


def test_a_worker_that_leaves_says_so_and_retires_whatever_it_is_told() -> None:
    worker = Working(1).place("runs").place("waits").handle(Leave("told to"))
    assert worker.to_manager(Leaving) == [Leaving(reason="told to")]
    assert worker.to_manager(RootReturned) == [RootReturned(job="waits")]
    assert holdings(worker.order(UNRETIRE).handle(Registered())) == [(1, 0)]
    assert worker.place("late").to_manager(RootReturned) == [RootReturned(job="late")]


def test_a_farewell_ends_a_retiring_worker() -> None:
    assert len(Working(1).order(RETIRE).order(Farewell()).wanted(Depart)) == 1


def test_a_farewell_to_a_worker_that_does_not_retire_is_refused() -> None:
    with pytest.raises(RefusedEvent, match="farewell"):
        Working(1).order(Farewell())


def test_cancelling_works_while_a_worker_retires() -> None:
    worker = Working(1).place().order(RETIRE).order(CancelRoot(job="job"))
    worker.said(0, RootEnded(job="job"))
    assert (worker.failures, holdings(worker)) == (["cancelled"], [(0, 0)])


# ---------------------------------------------------------------------- roots that run for long


def test_a_root_that_runs_for_long_is_asked_once_and_reported() -> None:
    worker = Working(1).place()
    assert worker.tick(LONG_SECONDS / 2).wanted(AskRepeatable) == []
    assert worker.tick(LONG_SECONDS / 2).wanted(AskRepeatable) == [AskRepeatable(0)]
    assert worker.tick(1.0).wanted(AskRepeatable) == []
    worker.said(0, Judged(job="job", repeatable=True))
    assert worker.to_manager(RootStarted) == [RootStarted(job="job", repeatable=True)]
    assert worker.handle(Registered()).to_manager(RootStarted) != []


def test_a_root_that_ends_soon_is_not_asked() -> None:
    worker = Working(1).place().said(0, RootEnded(job="job", result=SMALL))
    assert worker.tick(1.0).wanted(AskRepeatable) == []


def test_a_root_that_waits_for_an_executor_is_asked_once_it_runs() -> None:
    worker = Working(1).place("first").place("second").tick(1.0)
    assert worker.wanted(AskRepeatable) == [AskRepeatable(0)]
    worker.said(0, RootEnded(job="first", result=SMALL))
    assert worker.tick(LONG_SECONDS).wanted(AskRepeatable) == [AskRepeatable(0)]


def test_an_answer_that_nobody_asked_for_is_refused() -> None:
    worker = Working(1).place().said(0, Judged(job="job", repeatable=False))
    with pytest.raises(RefusedEvent, match="was not asked about job"):
        worker.said(0, Judged(job="job", repeatable=True))


def test_messages_that_crossed_the_order_do_no_harm() -> None:
    worker = Working(1).order(RETIRE)
    for _ in range(2):
        worker.order(PlaceRoot(job="job", program=SMALL))
        worker.peer(GiveRange(sender=address("home"), lease=7, range=work(0, 10)))
    assert (worker.state.roots, len(worker.state.ledger.leases)) == ((), 0)
