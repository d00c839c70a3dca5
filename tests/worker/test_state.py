"""The worker's state: executors, roots, who is told what, and what is refused."""

from dataclasses import asdict

import pytest

from ufora_core.protocol.executor import (
    FromExecutor,
    LoopClosed,
    Offer,
    Printed,
    RangeDone,
    RangeStopped,
    Ready,
    RootEnded,
    Waiting,
)
from ufora_core.protocol.worker import (
    Abandon,
    CancelRoot,
    Hungry,
    Piece,
    RootDone,
    RootProgress,
    StealRequest,
    WorkAt,
)
from ufora_worker.errors import RefusedEvent
from ufora_worker.state.commands import (
    CancelFetch,
    FetchObjects,
    GiveUp,
    KillExecutor,
    SetHungry,
    SetStop,
    StartExecutor,
)
from ufora_worker.state.dispatch import HUNGRY_SECONDS
from ufora_worker.state.events import (
    ExecutorEnded,
    ExecutorSaid,
    ObjectsHere,
    ObjectsMissing,
    Registered,
    Tick,
)
from ufora_worker.state.executor_table import TRANSITIONS, Status
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


# ---------------------------------------------------------------------- who is told what


def test_executors_are_asked_to_give_while_somebody_has_nothing_to_do() -> None:
    worker = Working(3)
    assert worker.place().wanted(SetHungry) == [SetHungry(2, 2)]
    assert worker.offer(0, work(5, 10)).wanted(SetHungry) == [SetHungry(1, 1)]
    assert worker.hungry_peer("thief", 3).wanted(SetHungry) == [SetHungry(4, 1)]
    assert worker.said(0, RootEnded(job="job", result=SMALL)).wanted(SetHungry) == [SetHungry(0, 0)]


def test_the_manager_hears_how_many_executors_have_nothing_to_do() -> None:
    worker = Working(2).place()
    assert [message.slots for message in worker.tick(HUNGRY_SECONDS).to_manager(Hungry)] == [1]
    assert [message.slots for message in worker.handle(Registered()).to_manager(Hungry)] == [1]


def test_the_manager_hears_nothing_of_a_block_that_is_over_at_once() -> None:
    worker = Working(2).tick(HUNGRY_SECONDS).place()
    worker.said(0, RootEnded(job="job", result=SMALL))
    assert worker.tick(HUNGRY_SECONDS).to_manager(Hungry) == []
    assert worker.state.next_deadline is None


def test_workers_with_work_are_asked_for_it_and_told_when_it_is_not_wanted_any_more() -> None:
    worker = Working(2).order(WorkAt(workers=(address("a"), address("me"))))
    ((name, request),) = worker.to_peers(StealRequest)
    assert (name, request.slots) == ("a", 2)
    assert [x.slots for _, x in worker.place().to_peers(StealRequest)] == [1]
    assert [x.slots for _, x in worker.order(WorkAt(workers=())).to_peers(StealRequest)] == [0]


def test_a_waiting_root_asks_the_workers_that_hold_its_ranges() -> None:
    worker = Working(1)
    worker.give_to_thief()
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
