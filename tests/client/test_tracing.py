import bdb
import sys
import threading
import trace
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from local_engine import LocalEngine
from pyfora import _monitoring
from pyfora._errors import BadWithBlockError, JobFailedError, PyforaError
from pyfora._tracing import Stop

Event = tuple[str, str, int]


@pytest.fixture
def cluster() -> LocalEngine:
    return LocalEngine()


class Recorder:
    """A tracer in Python, as debuggers are; counts the frames that it has seen begin and end."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.depth = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.depth += {"call": 1, "return": -1}.get(event, 0)
        self.events.append((event, frame.f_code.co_name, frame.f_lineno))
        return self

    def lines(self, name: str, first: int) -> list[int]:
        """Lines of the function that were traced, counted from its first."""
        return [line - first for event, at, line in self.events if (event, at) == ("line", name)]

    def last(self, event: str, name: str) -> int:
        """Index of the last event of this kind."""
        return max(i for i, each in enumerate(self.events) if each[:2] == (event, name))


def _traced(recorder: Recorder, function: Callable[[], None]) -> None:
    before = sys.gettrace()
    sys.settrace(recorder)
    try:
        function()
    finally:
        sys.settrace(before)


def test_a_tracer_goes_on_after_the_block(cluster: LocalEngine) -> None:
    recorder = Recorder()

    def main() -> None:
        assert sys.gettrace() is recorder
        with cluster.remotely.downloadAll():
            x = 1
            x += 1
        y = x
        assert sys.gettrace() is recorder
        assert sys._getframe().f_trace is recorder
        del y

    _traced(recorder, main)
    lines = recorder.lines("main", main.__code__.co_firstlineno)
    assert set(lines) == {1, 2, 5, 6, 7, 8}, "all but the block's body"
    assert recorder.depth == 0, "each call that the tracer saw has its return"
    after = recorder.events[recorder.last("return", "__enter__") + 1 :]
    assert {name for _, name, _ in after} == {"main"}, "nothing else of pyfora, neither end of it"


def test_a_tracer_goes_on_after_an_exception_of_the_block(cluster: LocalEngine) -> None:
    recorder = Recorder()

    def main() -> None:
        try:
            with cluster.remotely.downloadAll():
                1 / 0  # noqa: B018
        except ZeroDivisionError:
            x = 1
        assert sys.gettrace() is recorder
        del x

    _traced(recorder, main)
    assert {5, 6, 7} <= set(recorder.lines("main", main.__code__.co_firstlineno))
    assert recorder.depth == 0
    after = recorder.events[recorder.last("return", "__enter__") + 1 :]
    assert {name for _, name, _ in after} == {"main"}


def test_a_frame_s_own_settings_are_left_as_they_were(cluster: LocalEngine) -> None:
    frame = sys._getframe()
    marker = Recorder()
    frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes = marker, False, True
    with cluster.remotely:
        pass
    found = frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes
    frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes = None, True, False
    assert found == (marker, False, True)


@pytest.mark.parametrize("failure", [None, JobFailedError("gone"), KeyboardInterrupt()])
def test_no_tracer_is_left_behind(cluster: LocalEngine, failure: BaseException | None) -> None:
    before = sys.gettrace()
    cluster.failure = failure
    frame = sys._getframe()
    caught: BaseException | None = None
    try:
        with cluster.remotely:
            pass
    except BaseException as error:
        caught = error
    assert caught is failure
    assert sys.gettrace() is before
    assert (frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes) == (None, True, False)


def test_a_refused_block_does_not_touch_tracing(cluster: LocalEngine) -> None:
    recorder = Recorder()

    def main() -> None:
        for _ in (1,):
            with pytest.raises(BadWithBlockError), cluster.remotely:
                break
        assert sys.gettrace() is recorder

    _traced(recorder, main)
    assert recorder.depth == 0


def test_a_debugger_steps_over_the_block(cluster: LocalEngine) -> None:
    class Stepper(bdb.Bdb):
        stops: list[int]

        def user_line(self, frame: FrameType) -> None:
            if frame.f_code is main.__code__:
                self.stops.append(frame.f_lineno)
            self.set_next(frame)

    def main() -> None:
        before = 1
        with cluster.remotely.downloadAll():
            before += 1
            before += 1
        after = before
        del after

    stepper = Stepper()
    stepper.stops = []
    outer = sys.gettrace()
    try:
        stepper.runcall(main)
    finally:
        sys.settrace(outer)
    first = main.__code__.co_firstlineno
    assert [line - first for line in dict.fromkeys(stepper.stops)] == [1, 2, 5, 6]


def test_counting_lines_with_the_standard_library_s_tracer(cluster: LocalEngine) -> None:
    def main() -> None:
        for _ in range(3):
            with cluster.remotely.downloadAll():
                x = 1
            y = x
        del y

    tracer = trace.Trace(count=True, trace=False)
    outer = sys.gettrace()
    try:
        tracer.runfunc(main)
    finally:
        sys.settrace(outer)
        threading.settrace(None)
    counts = tracer.results().counts
    first = main.__code__.co_firstlineno
    counted = {line - first: n for (file, line), n in counts.items() if file == __file__}
    assert counted.get(3) is None, "the body"
    assert (counted[4], counted[5]) == (3, 1)


def test_a_thread_s_block_leaves_the_tracers_of_others_alone(cluster: LocalEngine) -> None:
    found: list[object] = []
    recorder = Recorder()

    def work() -> None:
        with cluster.remotely.downloadAll():
            x = 1
        found.append((x, sys.gettrace()))

    def main() -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert sys.gettrace() is recorder

    _traced(recorder, main)
    assert found == [(1, None)]


def test_a_block_inside_of_a_trace_function_is_refused(cluster: LocalEngine) -> None:
    """A debugger's prompt is inside of one: nothing would keep the body from running there."""
    ran: list[int] = []
    errors: list[BaseException] = []

    def block() -> None:
        with cluster.remotely:
            ran.append(1)

    def tracer(frame: FrameType, event: str, argument: Any) -> None:
        if frame.f_code is traced.__code__:
            try:
                block()
            except BadWithBlockError as error:
                errors.append(error)

    def traced() -> None:
        pass

    before = sys.gettrace()
    sys.settrace(tracer)
    traced()
    after = sys.gettrace()
    sys.settrace(before)
    assert after is tracer
    assert ran == []
    assert "where Python traces nothing" in str(errors[0])
    block()
    assert ran == [1], "the client's own list, as the block has changed it"


def test_a_body_that_could_not_be_stopped_is_reported(
    cluster: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stop, "arm", lambda self: None)
    with pytest.raises(BadWithBlockError, match="was run here"), cluster.remotely:
        pass


class _AllTaken:
    """``sys.monitoring`` when other tools have taken all of it."""

    def get_tool(self, number: int) -> str:
        return f"tool {number}"


def test_without_a_tool_id_the_block_is_not_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_monitoring, "_tool", None)
    with pytest.raises(PyforaError, match=r"sys\.monitoring"):
        _monitoring._tool_id(_AllTaken())
