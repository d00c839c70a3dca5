"""Runs captured programs as jobs, and lands what they leave behind.

A block waits here in the user's own thread, so its output and progress callbacks run there. All
else gets a future, which the delivery thread serves.
"""

import concurrent.futures
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import InvalidStateError
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from pyfora import _output
from pyfora._calls import (
    RESULT,
    capture_call,
    capture_definition,
    land_call,
    land_kept,
    title_of,
)
from pyfora._capture import Captured
from pyfora._download import Arrived, fetch, named
from pyfora._errors import CancelledError, PyforaError
from pyfora._failures import failure_of, unreadable
from pyfora._futures import STOP_SECONDS, Future, Handle
from pyfora._landing import Outcome
from pyfora._progress import ProgressCallback, progress_of
from pyfora._remote import RemoteValue
from pyfora._report import Report
from pyfora._session import JobEvent, Session, objects_of
from ufora_core.errors import CoreError, UnappliedChangeError
from ufora_core.program import Block, Download, Kept, Program, Proxy, Result
from ufora_core.protocol.client import JobDone, JobOutput
from ufora_core.protocol.parts import Payload
from ufora_core.values.trackers import ClassTrackers

T = TypeVar("T")
K = TypeVar("K", Result, Kept)

#: Turns what a job left behind into the value of its future.
Land = Callable[[Arrived[Result], JobDone], T]


class Jobs:
    """Everything that may be run through one session. Implements ``Runner`` and ``Owner``.

    Whatever needs the connection holds this object; once nobody does, the connection is closed.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.trackers = ClassTrackers()
        self.last_report: Report | None = None
        close_later = partial(session.delivery.put, session.close)
        weakref.finalize(self, close_later).atexit = False

    # ------------------------------------------------------------------ blocks

    def run(self, captured: Captured, progress: ProgressCallback | None = None) -> Outcome:
        """Run a block and wait for it; see ``Runner.run``. ``progress`` is called meanwhile."""
        inbox: SimpleQueue[JobEvent] = SimpleQueue()
        job = self.session.prepare(captured, _place_of(captured.program))
        try:
            self.session.launch(job, inbox.put)
            done = _last_of(inbox, progress)
        except BaseException:
            # Ctrl-C, or an exception of the user's callback.
            if self.session.cancel(job):
                job.ended.wait(STOP_SECONDS)
            raise
        finally:
            if progress is not None:
                progress(None)
        self.last_report = Report(job.submit.title, done.seconds, done.use)
        try:
            outcome = self._outcome(done)
            self.last_report = self.last_report.with_facts(outcome.result)
            return replace(outcome, report=self.last_report)
        finally:
            self.session.let_go(objects_of(done))

    def _outcome(self, done: JobDone) -> Outcome:
        try:
            arrived = fetch(self.session.transport, _result_of(done), Result).result()
        except CoreError as problem:
            raise unreadable(problem) from problem
        proxies = arrived.content.proxies.values()
        values = {proxy.digest: self._remote_value(proxy, done) for proxy in proxies}
        return Outcome(
            result=arrived.content, blob=arrived.blob, proxy=lambda proxy: values[proxy.digest]
        )

    # ------------------------------------------------------------------ calls and definitions

    def submit(
        self,
        function: Callable[..., T],
        arguments: Sequence[object],
        keywords: Mapping[str, object],
    ) -> Future[T]:
        """Call the function in the cluster; the future has what it returns."""
        everything = Download(limit=None)
        captured = capture_call(self.trackers, everything, function, arguments, keywords)

        def land(arrived: Arrived[Result], done: JobDone) -> T:
            value: T = land_call(arrived, captured, self.trackers)
            return value

        return self._begin(captured, title_of(function), land)

    def define(self, value: object) -> Future[RemoteValue]:
        """Bring a value into the cluster."""
        captured = capture_definition(self.trackers, value)
        return self._begin(captured, f"define {type(value).__name__}", self._keep(captured))

    def call(
        self, function: RemoteValue, arguments: Sequence[object], keywords: Mapping[str, object]
    ) -> Future[RemoteValue]:
        """Call a function that is in the cluster; see ``Owner.call``."""
        nothing = Download(limit=0)
        captured = capture_call(self.trackers, nothing, function, arguments, keywords)
        return self._begin(captured, f"call {function!r}", self._keep(captured))

    def download(self, proxy: Proxy, text: str) -> Future[Any]:
        """A copy of a value that is in the cluster; see ``Owner.download``."""
        self.session.check()
        nothing_runs = threading.Event()
        nothing_runs.set()
        future: Future[Any] = Future(
            Handle(lambda: None, nothing_runs, self.session.delivery.ident)
        )
        fetched = fetch(self.session.transport, Payload(proxy.digest, proxy.size), Kept)

        def land(arrived: Arrived[Kept]) -> Any:
            return land_kept(arrived, self.trackers)

        self._when_here(named(fetched, text), future, land)
        return future

    def _begin(self, captured: Captured, title: str, land: Land[T]) -> Future[T]:
        job = self.session.prepare(captured, title)
        ident = self.session.delivery.ident
        future: Future[T] = Future(Handle(partial(self.session.cancel, job), job.ended, ident))

        def deliver(event: JobEvent) -> None:
            self.session.delivery.put(partial(self._follow, title, future, land, event))

        self.session.launch(job, deliver)
        return future

    def _follow(self, title: str, future: Future[T], land: Land[T], event: JobEvent) -> None:
        """In the delivery thread: what an event of a job means for its future."""
        if isinstance(event, JobOutput):
            _output.write(event)
        elif isinstance(event, PyforaError):
            _settle(future, None, event)
        elif isinstance(event, JobDone):
            self.last_report = Report(title, event.seconds, event.use)
            objects = objects_of(event)
            future.add_done_callback(lambda _: self.session.let_go(objects))
            self._fetch_and_land(future, land, event)

    def _fetch_and_land(self, future: Future[T], land: Land[T], done: JobDone) -> None:
        if done.result is None:
            _settle(future, None, failure_of(done))
            return
        fetched = fetch(self.session.transport, done.result, Result)
        if fetched.done():
            self._deliver(fetched, future, lambda arrived: land(arrived, done))
        else:
            self._when_here(fetched, future, lambda arrived: land(arrived, done))

    def _when_here(
        self,
        fetched: "concurrent.futures.Future[Arrived[K]]",
        future: Future[T],
        land: Callable[[Arrived[K]], T],
    ) -> None:
        def deliver(arrived: "concurrent.futures.Future[Arrived[K]]") -> None:
            self.session.delivery.put(partial(self._deliver, arrived, future, land))

        fetched.add_done_callback(deliver)

    def _deliver(
        self,
        fetched: "concurrent.futures.Future[Arrived[K]]",
        future: Future[T],
        land: Callable[[Arrived[K]], T],
    ) -> None:
        """In the delivery thread: decode what came, and give it to who waits for it."""
        value: T | None = None
        error: BaseException | None = None
        try:
            value = land(fetched.result())
        except CancelledError:
            error = PyforaError(f"the connection to {self.session.transport.url} was closed")
        except UnappliedChangeError as problem:
            error = problem
        except CoreError as problem:
            error = unreadable(problem)
        except BaseException as raised:
            error = raised.with_traceback(_outside_of_us(raised.__traceback__))
        _settle(future, value, error)

    def _keep(self, captured: Captured) -> Land[RemoteValue]:
        def land(arrived: Arrived[Result], done: JobDone) -> RemoteValue:
            land_call(arrived, captured, self.trackers)
            return self._remote_value(arrived.content.proxies[RESULT], done)

        return land

    def _remote_value(self, proxy: Proxy, done: JobDone) -> RemoteValue:
        value = RemoteValue(self, proxy)
        self.session.keep(value, proxy.digest, done.objects)
        return value


def _last_of(inbox: "SimpleQueue[JobEvent]", progress: ProgressCallback | None) -> JobDone:
    """The end of a job; meanwhile its output is printed and its progress reported."""
    while True:
        event = inbox.get()
        if isinstance(event, JobDone):
            return event
        if isinstance(event, PyforaError):
            raise event
        if isinstance(event, JobOutput):
            _output.write(event)
        elif progress is not None:
            progress(progress_of(event))


def _result_of(done: JobDone) -> Payload:
    if done.result is None:
        raise failure_of(done)
    return done.result


def _settle(future: Future[T], value: Any, error: BaseException | None) -> None:
    # A future that its user has cancelled meanwhile takes nothing any more.
    with suppress(InvalidStateError):
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


def _outside_of_us(traceback: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is the user's: what the job itself ran."""
    inner = traceback
    while inner is not None and inner.tb_frame.f_globals.get("__package__") == "pyfora":
        inner = inner.tb_next
    return inner or traceback


def _place_of(program: Program) -> str:
    task = program.task
    if isinstance(task, Block):
        return f"{PurePath(task.filename).name}:{task.line} in {task.function}"
    return type(task).__name__.lower()
