"""The worker's state as a table: what comes in, and what it wants done."""

from dataclasses import asdict

import pytest

from ufora_core.protocol.executor import (
    FromExecutor,
    LoopClosed,
    LoopLost,
    Offer,
    Printed,
    RangeDone,
    RangeStopped,
    Ready,
    RootEnded,
    TakePiece,
    Waiting,
)
from ufora_core.protocol.worker import (
    Abandon,
    CancelRoot,
    ForgetObjects,
    Hungry,
    PeerLeft,
    PeerPiece,
    Piece,
    ReturnRange,
    RootDone,
    RootProgress,
    StealRequest,
    WorkAt,
)
from ufora_worker.commands import (
    CancelFetch,
    ClosePeer,
    DeleteObjects,
    FetchObjects,
    GiveUp,
    KillExecutor,
    SetHungry,
    SetStop,
    StartExecutor,
)
from ufora_worker.errors import RefusedEvent
from ufora_worker.events import (
    ExecutorEnded,
    ExecutorSaid,
    LinkBroken,
    ObjectsHere,
    ObjectsMissing,
    Registered,
    Shutdown,
    Tick,
)
from ufora_worker.executor_table import TRANSITIONS, Status
from working import BULK, SMALL, Working, address, work

# ---------------------------------------------------------------------- executors


def test_every_executor_is_started_at_once() -> None:
    worker = Working(3, ready=False).tick()
    assert [command.executor for command in worker.wanted(StartExecutor)] == [0, 1, 2]


def test_a_dead_executor_is_started_again() -> None:
    worker = Working(2).ended(1)
    assert worker.wanted(StartExecutor) == [StartExecutor(1)]
    assert worker.state.idle == 1


def test_an_executor_that_never_gets_ready_is_started_ever_more_slowly() -> None:
    worker = Working(1, ready=False).tick()
    pauses = []
    for _ in range(4):
        worker.ended(0)
        began = worker.now
        while not worker.wanted(StartExecutor):
            worker.tick(0.05)
        pauses.append(round(worker.now - began, 1))
    assert pauses == sorted(pauses) and pauses[0] >= 0.5 > 0.25 and pauses[-1] <= 5.0


def test_executors_that_cannot_be_started_end_the_worker() -> None:
    worker = Working(1, ready=False).tick()
    while not worker.wanted(GiveUp):
        worker.ended(0, "ended with status 1")
        while not worker.wanted(StartExecutor) and not worker.wanted(GiveUp):
            worker.tick(1.0)
    (give_up,) = worker.wanted(GiveUp)
    assert "cannot be started" in give_up.reason and "ended with status 1" in give_up.reason


def test_an_executor_that_takes_a_minute_to_start_is_killed() -> None:
    worker = Working(1, ready=False).tick()
    assert worker.tick(61.0).wanted(KillExecutor) == [KillExecutor(0)]


# ---------------------------------------------------------------------- roots


def test_roots_go_to_idle_executors_in_the_order_in_which_they_came() -> None:
    worker = Working(1)
    assert worker.place("first").roots_run == [(0, "first")]
    assert worker.place("second").roots_run == worker.place("third").roots_run == []
    assert worker.said(0, RootEnded(job="first", result=SMALL)).roots_run == [(0, "second")]


def test_a_root_runs_once_its_objects_are_here() -> None:
    worker = Working(1).place(program=BULK)
    (fetch,) = worker.wanted(FetchObjects)
    assert (fetch.objects, fetch.source, worker.roots_run) == ((BULK,), None, [])
    assert worker.handle(ObjectsHere(fetch.ticket)).roots_run == [(0, "job")]


def test_a_root_without_its_objects_fails() -> None:
    worker = Working(1).place(program=BULK)
    (fetch,) = worker.wanted(FetchObjects)
    worker.handle(ObjectsMissing(fetch.ticket, "it is gone"))
    (done,) = worker.to_manager(RootDone)
    assert done.failure is not None and done.failure.reason == "missing-object"
    assert "it is gone" in done.failure.message


def test_a_root_that_is_placed_twice_runs_once() -> None:
    assert Working(2).place().place().last == []


def test_what_a_root_prints_and_how_it_ends_goes_to_the_manager() -> None:
    worker = Working(1).place()
    worker.said(0, Printed(job="job", stream="stdout", text="hi"))
    assert len(worker.last) == 1
    worker.said(0, RootEnded(job="job", result=SMALL))
    assert [done.result for done in worker.to_manager(RootDone)] == [SMALL]


def test_a_root_whose_executor_dies_fails_with_a_sentence_for_the_user() -> None:
    worker = Working(1).place().ended(0, "was killed by SIGSEGV (segmentation fault)")
    (done,) = worker.to_manager(RootDone)
    assert done.failure is not None and done.failure.reason == "executor-died"
    assert done.failure.message == (
        "Executor 0 of worker me was killed by SIGSEGV (segmentation fault) while it ran the "
        "block. The cluster goes on; other jobs are not affected."
    )


def test_the_ranges_of_a_dead_root_are_abandoned_everywhere() -> None:
    worker = Working(2).hungry_peer("thief").place()
    worker.offer(0, work(50, 100)).offer(0, work(25, 50)).offer(0, work(12, 25))
    worker.ended(0)
    assert worker.wanted(SetStop)[0] == SetStop(1, 1)
    ((name, message),) = worker.to_peers(Abandon)
    assert (name, message.beyond) == ("thief", 0)
    assert len(worker.state.ledger.leases) == 0


# ---------------------------------------------------------------------- cancelling


def test_a_queued_root_is_cancelled_at_once() -> None:
    worker = Working(1).place("first").place("second").order(CancelRoot(job="second"))
    assert worker.failures == ["cancelled"]


def test_a_root_whose_objects_are_on_their_way_is_cancelled_with_them() -> None:
    worker = Working(1).place(program=BULK)
    (fetch,) = worker.wanted(FetchObjects)
    worker.order(CancelRoot(job="job"))
    assert (worker.failures, worker.wanted(CancelFetch)) == (
        ["cancelled"],
        [CancelFetch(fetch.ticket)],
    )


def test_a_running_root_is_stopped_and_its_executor_used_again() -> None:
    worker = Working(1).place().order(CancelRoot(job="job"))
    assert worker.wanted(SetStop) == [SetStop(0, 1)]
    worker.said(0, RootEnded(job="job", result=SMALL))
    assert (worker.failures, worker.wanted(SetStop)) == (["cancelled"], [SetStop(0, 0)])
    assert worker.place("next").roots_run == [(0, "next")]


def test_an_executor_that_does_not_stop_is_killed_after_its_time() -> None:
    worker = Working(1).place().order(CancelRoot(job="job"))
    assert worker.tick(0.6).wanted(KillExecutor) == []
    assert worker.tick(0.1).wanted(KillExecutor) == [KillExecutor(0)]
    assert worker.ended(0).failures == ["cancelled"]


def test_cancelling_a_job_stops_its_ranges_too() -> None:
    worker = Working(2).place().offer(0, work(5, 10)).order(CancelRoot(job="job"))
    assert worker.wanted(SetStop) == [SetStop(1, 1), SetStop(0, 1)]


def test_cancelling_what_is_not_here_changes_nothing() -> None:
    assert Working(1).order(CancelRoot(job="other")).last == []


# ---------------------------------------------------------------------- who gets a range


def test_an_offered_range_goes_to_an_idle_executor() -> None:
    assert Working(2).place().offer(0, work(5, 10)).ranges_run == [(1, 5, 10)]


def test_without_an_idle_executor_it_goes_to_the_root_that_waits_for_it() -> None:
    worker = Working(1).place().offer(0, work(5, 10))
    assert worker.ranges_run == []
    assert worker.waits(0).ranges_run == [(0, 5, 10)]


def test_a_root_that_waits_for_another_loop_does_not_get_it() -> None:
    assert Working(1).place().offer(0, work(5, 10)).waits(0, loop=1).ranges_run == []


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


def test_a_peer_whose_root_waits_gets_ranges_of_that_loop_only() -> None:
    worker = Working(1).place()
    request = StealRequest(sender=address("a"), slots=0, waiting=(("job", 1),))
    worker.peer(request)
    assert worker.offer(0, work(5, 10, loop=0)).given_away == []
    assert worker.offer(0, work(5, 10, loop=1)).given_away == [("a", 5, 10)]
    assert worker.offer(0, work(2, 5, loop=1)).given_away == []


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


def lease_at_peer(worker: Working) -> int:
    """Give items 50 to 100 of the root on executor 0 to the peer ``thief``."""
    worker.hungry_peer("thief").place().offer(0, work(50, 100))
    return max(lease.id for lease in worker.state.ledger.leases)


def test_a_piece_of_this_worker_goes_to_the_root() -> None:
    worker = Working(2).place().offer(0, work(5, 10)).done(1, 5, 10)
    ((executor, message),) = worker.to_executor(TakePiece)
    assert (executor, message.piece.lo, message.piece.hi) == (0, 5, 10)


def test_a_peers_pieces_close_its_lease_when_all_are_back() -> None:
    worker = Working(1)
    lease = lease_at_peer(worker)
    assert len(worker.piece("thief", lease, 75, 100).to_executor(TakePiece)) == 1
    assert len(worker.state.ledger.leases) == 1
    assert len(worker.piece("thief", lease, 50, 75).to_executor(TakePiece)) == 1
    assert len(worker.state.ledger.leases) == 0


def test_a_piece_that_comes_twice_counts_once() -> None:
    worker = Working(1)
    lease = lease_at_peer(worker)
    worker.piece("thief", lease, 75, 100)
    assert worker.piece("thief", lease, 75, 100).last == []
    worker.piece("thief", lease, 50, 75)
    assert worker.piece("thief", lease, 50, 75).last == []


def test_a_piece_whose_objects_do_not_come_is_run_again() -> None:
    worker = Working(1)
    lease = lease_at_peer(worker)
    worker.waits(0)
    piece = Piece(lo=75, hi=100, partial=BULK)
    worker.peer(PeerPiece(sender="thief", lease=lease, piece=piece))
    (fetch,) = worker.wanted(FetchObjects)
    assert fetch.source == address("thief")
    assert worker.handle(ObjectsMissing(fetch.ticket, "gone")).ranges_run == [(0, 75, 100)]


def test_after_an_item_that_raised_nothing_more_of_the_lease_is_expected() -> None:
    worker = Working(1)
    lease = lease_at_peer(worker)
    worker.piece("thief", lease, 50, 60, failed=True)
    assert len(worker.state.ledger.leases) == 0


def test_an_item_that_raised_first_of_all_is_a_piece_without_items() -> None:
    worker = Working(1)
    lease = lease_at_peer(worker)
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
    lease = lease_at_peer(home)
    home.peer(ReturnRange(sender="thief", lease=lease, reason="", failure=returned.failure))
    assert len(home.to_executor(LoopLost)) == 1


def test_what_a_lost_worker_held_is_run_again_and_its_late_pieces_do_not_count() -> None:
    worker = Working(1)
    lease = lease_at_peer(worker)
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
    lease = lease_at_peer(worker)
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
    lease_at_peer(worker)
    worker.peer(ReturnRange(sender="thief", lease=0, reason="link"))
    assert worker.state.ledger.leases.at_peer("thief") == []


def test_a_worker_that_stops_gives_back_what_it_was_given() -> None:
    worker = Working(1).given("home", 7, work(0, 10)).handle(Shutdown("told to"))
    assert [(name, x.lease) for name, x in worker.to_peers(ReturnRange)] == [("home", 7)]


def test_objects_that_nobody_needs_are_deleted() -> None:
    worker = Working(1).order(ForgetObjects(digests=("d",)))
    assert worker.wanted(DeleteObjects) == [DeleteObjects(("d",))]


# ---------------------------------------------------------------------- who is told what


def test_executors_are_asked_to_give_while_somebody_has_nothing_to_do() -> None:
    worker = Working(3)
    assert worker.place().wanted(SetHungry) == [SetHungry(2)]
    assert worker.offer(0, work(5, 10)).wanted(SetHungry) == [SetHungry(1)]
    assert worker.hungry_peer("thief", 3).wanted(SetHungry) == [SetHungry(4)]
    assert worker.said(0, RootEnded(job="job", result=SMALL)).wanted(SetHungry) == [SetHungry(0)]


def test_the_manager_hears_how_many_executors_have_nothing_to_do() -> None:
    worker = Working(2).place()
    assert [message.slots for message in worker.to_manager(Hungry)] == [1]
    assert [message.slots for message in worker.handle(Registered()).to_manager(Hungry)] == [1]


def test_workers_with_work_are_asked_for_it_and_told_when_it_is_not_wanted_any_more() -> None:
    worker = Working(2).order(WorkAt(workers=(address("a"), address("me"))))
    ((name, request),) = worker.to_peers(StealRequest)
    assert (name, request.slots) == ("a", 2)
    assert [x.slots for _, x in worker.place().to_peers(StealRequest)] == [1]
    assert [x.slots for _, x in worker.order(WorkAt(workers=())).to_peers(StealRequest)] == [0]


def test_a_waiting_root_asks_the_workers_that_hold_its_ranges() -> None:
    worker = Working(1)
    lease_at_peer(worker)
    ((name, request),) = worker.waits(0).to_peers(StealRequest)
    assert (name, request.slots, request.waiting) == ("thief", 0, (("job", 0),))


def test_progress_counts_the_root_and_its_helpers_and_is_told_when_it_changes() -> None:
    worker = Working(2).place().offer(0, work(50, 100))
    worker.handle(Tick(((10, 100), (5, 50))))
    (report,) = worker.to_manager(RootProgress)
    assert (report.items_done, report.items_total, report.executors) == (15, 100, 2)
    assert worker.handle(Tick(((10, 100), (5, 50)))).to_manager(RootProgress) == []


# ---------------------------------------------------------------------- what is refused

IN_STATUS = {
    Status.STARTING: lambda: Working(1, ready=False).tick(),
    Status.IDLE: lambda: Working(1),
    Status.ROOT: lambda: Working(1).place(),
    Status.WAITING: lambda: Working(1).place().waits(0),
    Status.RANGE: lambda: Working(1).given("home", 7, work(0, 10)),
    Status.STOPPING: lambda: Working(1).place().order(CancelRoot(job="job")),
    Status.DEAD: lambda: Working(1, ready=False).tick().ended(0),
}

ODD = "another job"
MESSAGES: list[FromExecutor] = [
    Ready(pid=1),
    Offer(range=work(5, 5)),
    Offer(range=work(5, 10, job=ODD)),
    Waiting(job=ODD, loop=0),
    LoopClosed(job=ODD, loop=0),
    RangeDone(job=ODD, loop=0, piece=Piece(lo=0, hi=10, partial=SMALL)),
    RangeDone(job="job", loop=0, piece=Piece(lo=0, hi=9, partial=SMALL)),
    RangeStopped(job=ODD, loop=0),
    Printed(job=ODD, stream="stdout", text=""),
    RootEnded(job=ODD),
]


#: A starting executor may say that it is ready, and what a stopping one offers is of no interest.
TAKEN = {(Status.STARTING, Ready), (Status.STOPPING, Offer)}
REFUSED = [
    pytest.param(status, message, id=f"{status.value}-{type(message).__name__}")
    for status in Status
    for message in MESSAGES
    if (status, type(message)) not in TAKEN
]


@pytest.mark.parametrize(("status", "message"), REFUSED)
def test_a_refused_message_changes_nothing(status: Status, message: FromExecutor) -> None:
    worker = IN_STATUS[status]()
    assert worker.state.ledger.executors[0].status is status
    before = asdict(worker.state.ledger)
    with pytest.raises(RefusedEvent):
        worker.said(0, message)
    assert asdict(worker.state.ledger) == before


def test_the_end_of_an_executor_that_ended_before_is_refused() -> None:
    worker = IN_STATUS[Status.DEAD]()
    with pytest.raises(RefusedEvent, match="cannot go from dead to dead"):
        worker.state.handle(ExecutorEnded(0, "executor-died", "again"), worker.now)


def test_a_refusal_tells_what_happened_before() -> None:
    worker = Working(1).place("the job before")
    with pytest.raises(RefusedEvent, match=r"(?s)executor 0 is root.*the job before"):
        worker.state.handle(ExecutorSaid(0, Ready(pid=1)), worker.now)


def test_every_status_can_be_left_and_every_process_can_die() -> None:
    for status in Status:
        assert TRANSITIONS[status]
        assert status is Status.DEAD or Status.DEAD in TRANSITIONS[status]
