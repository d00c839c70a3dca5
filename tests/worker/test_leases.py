"""The worker's state: ranges on their way out, and pieces on their way back."""

import pytest

from ufora_core.protocol.executor import (
    LoopLost,
    RangeStopped,
    RootEnded,
    RunRange,
    TakePiece,
)
from ufora_core.protocol.worker import (
    Abandon,
    ForgetObjects,
    PeerLeft,
    PeerPiece,
    Piece,
    ReturnRange,
    RootDone,
    StealRequest,
)
from ufora_worker.errors import RefusedEvent
from ufora_worker.state.commands import (
    ClosePeer,
    DeleteObjects,
    FetchObjects,
    SetStop,
)
from ufora_worker.state.events import (
    LinkBroken,
    ObjectsHere,
    ObjectsMissing,
    Shutdown,
)
from working import BULK, SMALL, Working, address, work

# ---------------------------------------------------------------------- who gets a range


def test_an_offered_range_goes_to_an_idle_executor() -> None:
    assert Working(2).place().offer(0, work(5, 10)).ranges_run == [(1, 5, 10)]


def test_without_an_idle_executor_it_goes_to_the_root_that_waits_for_it() -> None:
    worker = Working(1).place().offer(0, work(5, 10))
    assert worker.ranges_run == []
    assert worker.waits(0).ranges_run == [(0, 5, 10)]


def test_a_root_that_waits_runs_ranges_of_any_loop_of_its_job_and_of_no_other() -> None:
    assert Working(1).place().offer(0, work(5, 10)).waits(0, loop=1).ranges_run == [(0, 5, 10)]
    assert Working(1).place().waits(0).given("a", 7, work(0, 5, job="other")).ranges_run == []


def test_hungry_peers_get_ranges_in_turn_and_no_more_than_they_asked_for() -> None:
    worker = Working(1).hungry_peer("a", 2).hungry_peer("b", 1).place()
    gifts = [worker.offer(0, work(n, n + 1)).given_away for n in (9, 8, 7, 6)]
    assert gifts == [[("a", 9, 10)], [("b", 8, 9)], [("a", 7, 8)], []]


def test_a_peer_that_gets_hungry_later_gets_what_is_queued() -> None:
    worker = Working(1).place().offer(0, work(5, 10))
    assert worker.hungry_peer("a").given_away == [("a", 5, 10)]


def test_a_peer_that_takes_its_request_back_gets_nothing() -> None:
    worker = Working(1).hungry_peer("a", 2).hungry_peer("a", 0).place()
    assert worker.offer(0, work(5, 10)).given_away == []


def test_a_peer_whose_root_waits_gets_ranges_of_that_job_only() -> None:
    worker = Working(1).place()
    request = StealRequest(sender=address("a"), slots=0, waiting=(("other", 1), ("job", 1)))
    worker.peer(request)
    assert worker.offer(0, work(5, 10, loop=0)).given_away == [("a", 5, 10)]
    assert worker.offer(0, work(5, 10, loop=1)).given_away == []


def test_the_front_of_a_range_goes_home_before_the_rest() -> None:
    worker = Working(2).place().offer(0, work(50, 100))
    ((owner, message),) = worker.begun(1, 50, 70).to_executor(TakePiece)
    assert (owner, message.piece.lo, message.piece.hi) == (0, 50, 70)
    ((_, message),) = worker.done(1, 70, 100).to_executor(TakePiece)
    assert (message.piece.lo, message.piece.hi) == (70, 100)


def test_what_went_home_is_not_run_again_when_the_executor_dies() -> None:
    worker = Working(3).place().offer(0, work(50, 100)).begun(1, 50, 70)
    assert worker.ended(1).ranges_run == [(2, 70, 100)]


def test_the_rest_of_a_range_of_which_the_front_went_home_is_split() -> None:
    worker = Working(3).place().offer(0, work(50, 100)).begun(1, 50, 70)
    assert worker.offer(1, work(85, 100)).ranges_run == [(2, 85, 100)]
    assert worker.done(1, 70, 85).done(2, 85, 100).state.ledger.leases.queued() == []


def test_the_front_of_a_range_of_another_worker_goes_to_that_worker() -> None:
    worker = Working(1).given("home", 7, work(0, 100)).begun(0, 0, 30)
    ((name, message),) = worker.to_peers(PeerPiece)
    assert (name, message.lease, message.piece.hi) == ("home", 7, 30)


@pytest.mark.parametrize(("lo", "hi"), [(60, 70), (50, 100), (50, 50), (0, 70)])
def test_what_is_no_front_of_the_range_is_refused(lo: int, hi: int) -> None:
    worker = Working(2).place().offer(0, work(50, 100))
    with pytest.raises(RefusedEvent, match="is not the front of"):
        worker.begun(1, lo, hi)


def test_the_front_of_a_range_that_nobody_needs_any_more_is_dropped() -> None:
    worker = Working(2).place().offer(0, work(50, 100)).closes(0)
    assert worker.begun(1, 50, 70).to_executor(TakePiece) == []


def test_only_ranges_of_a_loop_that_is_owned_here_may_use_files_of_the_machine() -> None:
    here = Working(2).place().offer(0, work(50, 100)).to_executor(RunRange)
    elsewhere = Working(1).given("home", 7, work(0, 100)).to_executor(RunRange)
    assert [message.home for _, message in here + elsewhere] == [True, False]


def test_part_of_a_range_that_is_given_on_keeps_its_origin() -> None:
    worker = Working(2).given("home", 7, work(0, 100)).offer(0, work(50, 100))
    assert worker.ranges_run == [(1, 50, 100)]
    ((name, message),) = worker.done(1, 50, 100).to_peers(PeerPiece)
    assert (name, message.lease, message.piece.lo) == ("home", 7, 50)
    ((_, message),) = worker.done(0, 0, 50).to_peers(PeerPiece)
    assert (message.lease, message.piece.hi) == (7, 50)
    assert len(worker.state.ledger.leases) == 0


def test_a_given_range_waits_for_its_objects_from_the_giver() -> None:
    worker = Working(1).given("home", 7, work(0, 100, task=BULK))
    (fetch,) = worker.wanted(FetchObjects)
    assert (fetch.source, worker.ranges_run) == (address("home"), [])
    assert worker.handle(ObjectsHere(fetch.ticket)).ranges_run == [(0, 0, 100)]


def test_a_given_range_without_its_objects_goes_back() -> None:
    worker = Working(1).given("home", 7, work(0, 100, task=BULK))
    (fetch,) = worker.wanted(FetchObjects)
    ((name, message),) = worker.handle(ObjectsMissing(fetch.ticket, "gone")).to_peers(ReturnRange)
    assert (name, message.lease, message.reason, message.failure) == ("home", 7, "gone", None)


def test_a_range_that_is_given_twice_is_taken_once() -> None:
    assert Working(2).given("home", 7, work(0, 100)).given("home", 7, work(0, 100)).last == []


def test_a_range_goes_back_when_every_executor_has_a_root() -> None:
    worker = Working(1).place()
    ((name, message),) = worker.given("home", 7, work(0, 100)).to_peers(ReturnRange)
    assert (name, message.lease) == ("home", 7)


# ---------------------------------------------------------------------- pieces


def test_a_piece_of_this_worker_goes_to_the_root() -> None:
    worker = Working(2).place().offer(0, work(5, 10)).done(1, 5, 10)
    ((executor, message),) = worker.to_executor(TakePiece)
    assert (executor, message.piece.lo, message.piece.hi) == (0, 5, 10)


def test_a_peers_pieces_close_its_lease_when_all_are_back() -> None:
    worker = Working(1)
    lease = worker.give_to_thief()
    assert len(worker.piece("thief", lease, 75, 100).to_executor(TakePiece)) == 1
    assert len(worker.state.ledger.leases) == 1
    assert len(worker.piece("thief", lease, 50, 75).to_executor(TakePiece)) == 1
    assert len(worker.state.ledger.leases) == 0


def test_a_piece_that_comes_twice_counts_once() -> None:
    worker = Working(1)
    lease = worker.give_to_thief()
    worker.piece("thief", lease, 75, 100)
    assert worker.piece("thief", lease, 75, 100).last == []
    worker.piece("thief", lease, 50, 75)
    assert worker.piece("thief", lease, 50, 75).last == []


def test_a_piece_whose_objects_do_not_come_is_run_again() -> None:
    worker = Working(1)
    lease = worker.give_to_thief()
    worker.waits(0)
    piece = Piece(lo=75, hi=100, partial=BULK)
    worker.peer(PeerPiece(sender="thief", lease=lease, piece=piece))
    (fetch,) = worker.wanted(FetchObjects)
    assert fetch.source == address("thief")
    assert worker.handle(ObjectsMissing(fetch.ticket, "gone")).ranges_run == [(0, 75, 100)]


def test_after_an_item_that_raised_nothing_more_of_the_lease_is_expected() -> None:
    worker = Working(1)
    lease = worker.give_to_thief()
    worker.piece("thief", lease, 50, 60, failed=True)
    assert len(worker.state.ledger.leases) == 0


def test_an_item_that_raised_first_of_all_is_a_piece_without_items() -> None:
    worker = Working(1)
    lease = worker.give_to_thief()
    assert len(worker.piece("thief", lease, 50, 50, failed=True).to_executor(TakePiece)) == 1


# ---------------------------------------------------------------------- loops that end early


def test_a_closed_loop_stops_what_runs_drops_what_waits_and_abandons_what_is_away() -> None:
    worker = Working(2).hungry_peer("thief").place()
    worker.offer(0, work(50, 100)).offer(0, work(25, 50)).offer(0, work(12, 25)).closes(0)
    assert worker.wanted(SetStop) == [SetStop(1, 1)]
    assert [(name, message.beyond) for name, message in worker.to_peers(Abandon)] == [("thief", 0)]
    assert len(worker.state.ledger.leases) == 0
    assert worker.said(1, RangeStopped(job="job", loop=0)).wanted(SetStop) == [SetStop(1, 0)]
    assert worker.state.idle == 1


def test_a_loop_that_is_closed_from_an_item_on_keeps_what_comes_before() -> None:
    worker = Working(2).hungry_peer("thief").place()
    worker.offer(0, work(50, 100)).offer(0, work(25, 50)).offer(0, work(12, 25)).closes(0, 20)
    (queued,) = worker.state.ledger.leases
    assert (queued.range.lo, queued.range.hi) == (12, 20)


def test_an_offer_of_items_that_are_not_needed_any_more_is_dropped() -> None:
    worker = Working(3).place().offer(0, work(50, 100)).closes(0, 60)
    assert worker.offer(1, work(75, 100)).ranges_run == []
    assert [(x.range.lo, x.range.hi) for x in worker.state.ledger.leases] == [(50, 75)]


def test_the_root_that_ran_a_range_of_a_loop_it_closes_goes_on() -> None:
    worker = Working(1).place().offer(0, work(5, 10)).waits(0)
    worker.closes(0)
    assert worker.wanted(SetStop) == []
    worker.said(0, RangeStopped(job="job", loop=0))
    assert worker.said(0, RootEnded(job="job", result=SMALL)).to_manager(RootDone)


def test_a_root_goes_on_waiting_for_what_comes_before_the_item_that_ends_a_loop() -> None:
    worker = Working(1).hungry_peer("thief", 2).place()
    worker.offer(0, work(50, 100))
    lease = max(lease.id for lease in worker.state.ledger.leases)
    worker.offer(0, work(25, 50)).waits(0)
    worker.piece("thief", lease, 50, 60, failed=True).closes(0, beyond=60)
    assert worker.order(PeerLeft(worker="thief")).ranges_run == [(0, 25, 50)]


def test_an_abandoned_lease_is_stopped_and_its_parts_are_abandoned_on() -> None:
    worker = Working(1).given("home", 7, work(0, 100)).hungry_peer("thief")
    worker.offer(0, work(50, 100))
    worker.peer(Abandon(job="job", loop=0, beyond=0, sender="home", lease=7))
    assert worker.wanted(SetStop) == [SetStop(0, 1)]
    assert [name for name, _ in worker.to_peers(Abandon)] == ["thief"]


def test_an_abandoned_lease_leaves_other_leases_of_the_loop_alone() -> None:
    worker = Working(2).given("home", 7, work(0, 50)).given("other", 7, work(50, 100))
    worker.peer(Abandon(job="job", loop=0, beyond=0, sender="home", lease=7))
    assert worker.wanted(SetStop) == [SetStop(0, 1)]


# ---------------------------------------------------------------------- what gets lost


def test_a_range_whose_executor_dies_is_run_again() -> None:
    worker = Working(3).place().offer(0, work(5, 10))
    assert worker.ended(1).ranges_run == [(2, 5, 10)]


def test_the_third_executor_that_dies_on_a_range_makes_its_loop_lost() -> None:
    worker = Working(4).place().offer(0, work(5, 10)).ended(1).ended(2).ended(3)
    ((executor, message),) = worker.to_executor(LoopLost)
    assert (executor, message.failure.reason) == (0, "executor-died")
    assert "items 5 to 9 of a loop" in message.failure.message
    assert len(worker.state.ledger.leases) == 0


def test_a_given_range_that_ends_every_executor_goes_back_with_the_failure() -> None:
    worker = Working(3).given("home", 7, work(0, 10)).ended(0).ended(1).ended(2)
    ((name, message),) = worker.to_peers(ReturnRange)
    assert name == "home" and message.failure is not None


def test_a_range_that_comes_back_with_a_failure_makes_its_loop_lost() -> None:
    worker = Working(3).given("home", 7, work(0, 10)).ended(0).ended(1).ended(2)
    ((_, returned),) = worker.to_peers(ReturnRange)
    home = Working(1)
    lease = home.give_to_thief()
    home.peer(ReturnRange(sender="thief", lease=lease, reason="", failure=returned.failure))
    assert len(home.to_executor(LoopLost)) == 1


def test_what_a_lost_worker_held_is_run_again_and_its_late_pieces_do_not_count() -> None:
    worker = Working(1)
    lease = worker.give_to_thief()
    worker.piece("thief", lease, 60, 80).waits(0)
    worker.order(PeerLeft(worker="thief"))
    assert (worker.ranges_run, worker.wanted(ClosePeer)) == ([(0, 50, 60)], [ClosePeer("thief")])
    assert worker.piece("thief", lease, 50, 60).last == []
    assert worker.done(0, 50, 60).ranges_run == [(0, 80, 100)]


def test_what_a_lost_worker_gave_is_stopped() -> None:
    worker = Working(1).given("home", 7, work(0, 10)).order(PeerLeft(worker="home"))
    assert worker.wanted(SetStop) == [SetStop(0, 1)]


def test_a_range_that_comes_back_is_run_again_and_its_peer_distrusted_for_a_while() -> None:
    worker = Working(1)
    lease = worker.give_to_thief()
    worker.hungry_peer("thief")
    worker.peer(ReturnRange(sender="thief", lease=lease, reason="objects"))
    assert worker.given_away == []
    assert worker.tick(1.1).given_away == [("thief", 50, 100)]


def test_a_broken_link_takes_back_what_went_over_it_in_both_directions() -> None:
    worker = Working(2).place()
    worker.given("thief", 7, work(0, 10, job="other")).hungry_peer("thief", 1)
    assert worker.offer(0, work(50, 100)).given_away == [("thief", 50, 100)]
    worker.handle(LinkBroken("thief"))
    assert [message.lease for _, message in worker.to_peers(ReturnRange)] == [0]
    assert worker.wanted(SetStop) == [SetStop(1, 1)]
    (queued,) = worker.state.ledger.leases.queued()
    assert (queued.range.lo, queued.range.hi) == (50, 100)


def test_a_peer_that_gives_everything_back_loses_every_lease() -> None:
    worker = Working(1)
    worker.give_to_thief()
    worker.peer(ReturnRange(sender="thief", lease=0, reason="link"))
    assert worker.state.ledger.leases.at_peer("thief") == []


def test_a_worker_that_stops_gives_back_what_it_was_given() -> None:
    worker = Working(1).given("home", 7, work(0, 10)).handle(Shutdown("told to"))
    assert [(name, x.lease) for name, x in worker.to_peers(ReturnRange)] == [("home", 7)]


def test_objects_that_nobody_needs_are_deleted() -> None:
    worker = Working(1).order(ForgetObjects(digests=("d",)))
    assert worker.wanted(DeleteObjects) == [DeleteObjects(("d",))]
