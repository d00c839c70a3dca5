"""Whatever the link and the manager do: each job runs once, and each end arrives once.

The real session and outbox against a cluster that forgets nothing but what was on its way, and its
objects; or against one that forgets everything.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flaky_cluster import FlakyCluster
from pyfora import _session
from pyfora._calls import capture_call
from pyfora._session import Job, JobEvent, Session
from ufora_core.program import Download
from ufora_core.protocol.client import JobDone, JobOutput
from ufora_core.values.trackers import ClassTrackers


class DeliveryAtOnce:
    """In the place of the delivery thread."""

    ident = 0

    def __init__(self, idle: Callable[[], None]) -> None:
        self._idle = idle

    def put(self, task: Callable[[], None]) -> None:
        task()
        self._idle()

    def stop(self) -> None:
        pass


@dataclass
class Asked:
    """A job of the test, and what came of it."""

    job: Job
    events: list[JobEvent] = field(default_factory=list)
    cancelled: bool = False

    @property
    def ends(self) -> list[JobDone]:
        return [each for each in self.events if isinstance(each, JobDone)]

    @property
    def text(self) -> str:
        return "".join(each.text for each in self.events if isinstance(each, JobOutput))


class ManagerThatRemembers(RuleBasedStateMachine):
    forgetful = False

    def __init__(self) -> None:
        super().__init__()
        self.cluster = FlakyCluster()
        with patch.object(_session, "DeliveryThread", DeliveryAtOnce):
            self.session = Session(self.cluster)
        self.session.start()
        self.asked: list[Asked] = []

    # ------------------------------------------------------------------ the client

    @rule(value=st.sampled_from([b"", bytes(300_000), b"x" * 300_000]), trouble=st.booleans())
    def submit(self, value: bytes, trouble: bool) -> None:
        captured = capture_call(ClassTrackers(), Download(limit=None), len, [value], {})
        asked = Asked(self.session.prepare(captured, "len"))
        if captured.blobs and not self.cluster.linked:
            self.cluster.link_is_back()  # an upload waits for that
        if trouble and captured.blobs:
            self.cluster.trouble = partial(self.trouble, True)
        self.session.launch(asked.job, asked.events.append)
        self.asked.append(asked)

    def trouble(self, loses_objects: bool) -> None:
        self.restart(loses_objects)
        self.cluster.link_is_back()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(self.asked))
        asked.cancelled = self.session.cancel(asked.job) or asked.cancelled
        if asked.cancelled and not self.cluster.linked:
            assert asked.job.ended.is_set()

    @rule()
    def send(self) -> None:
        self.cluster.client_sends()

    @rule()
    def hear(self) -> None:
        self.cluster.client_hears()

    # ------------------------------------------------------------------ the cluster

    @rule()
    def manager_hears(self) -> None:
        self.cluster.manager_hears()

    @precondition(lambda self: self.cluster.unfinished)
    @rule(data=st.data(), text=st.text("ab\n", min_size=1, max_size=5))
    def job_prints(self, data: st.DataObject, text: str) -> None:
        self.cluster.job_prints(data.draw(st.sampled_from(self.cluster.unfinished)), text)

    @precondition(lambda self: self.cluster.unfinished)
    @rule(data=st.data())
    def job_ends(self, data: st.DataObject) -> None:
        self.cluster.job_ends(data.draw(st.sampled_from(self.cluster.unfinished)))

    @precondition(lambda self: self.cluster.linked)
    @rule()
    def link_breaks(self) -> None:
        self.cluster.link_breaks()

    @precondition(lambda self: not self.cluster.linked)
    @rule()
    def link_is_back(self) -> None:
        self.cluster.link_is_back()

    @precondition(lambda self: self.cluster.linked)
    @rule(loses_objects=st.booleans())
    def restart(self, loses_objects: bool) -> None:
        self.cluster.link_breaks()
        if loses_objects:
            self.cluster.objects.clear()
        if self.forgetful:
            self.cluster.jobs.clear()

    # ------------------------------------------------------------------ what holds

    @invariant()
    def no_end_comes_twice_and_nothing_after_it(self) -> None:
        for asked in self.asked:
            assert len(asked.ends) <= 1
            if asked.ends:
                assert asked.events[-1] is asked.ends[0]

    @invariant()
    def nothing_runs_without_its_objects(self) -> None:
        assert self.cluster.starved == []

    @invariant()
    def output_is_in_order_and_never_doubled(self) -> None:
        for asked in self.asked:
            known = self.cluster.jobs.get(asked.job.submit.job)
            if known is not None and not self.forgetful:
                assert known.printed.startswith(asked.text)

    def teardown(self) -> None:
        if not self.cluster.linked:
            self.cluster.link_is_back()
        self.settle()
        for job in self.cluster.unfinished:
            self.cluster.job_ends(job)
        self.settle()
        assert self.session.in_flight() == 0
        for asked in self.asked:
            job = asked.job.submit.job
            assert asked.job.ended.is_set()
            if not asked.cancelled:
                assert len(asked.ends) == 1
                if not self.forgetful:
                    assert asked.text == self.cluster.jobs[job].printed
            if not self.forgetful:
                assert self.cluster.runs[job] <= 1
        self.session.close()

    def settle(self) -> None:
        self.cluster.client_sends()
        while not self.cluster.quiet:
            self.cluster.manager_hears()
            self.cluster.client_hears()


class ManagerThatForgets(ManagerThatRemembers):
    """Its volume is lost with it: what ran is run again, and still ends once for the client."""

    forgetful = True


TestManagerThatRemembers = ManagerThatRemembers.TestCase
TestManagerThatForgets = ManagerThatForgets.TestCase
TestManagerThatRemembers.settings = TestManagerThatForgets.settings = settings(
    max_examples=150, stateful_step_count=40
)
