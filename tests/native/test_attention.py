"""What happens in an executor's main thread while native code runs in it."""

import ctypes
import signal
from collections.abc import Callable, Iterator

import pytest

from ufora_worker.executor.interrupts import Interrupts, Stopped
from ufora_worker.native.attention import Attention

Opened = Callable[[Interrupts], Attention]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Makes the attention of some interrupts; its thread ends with the test."""
    made: list[Attention] = []

    def make(interrupts: Interrupts) -> Attention:
        made.append(Attention(interrupts))
        return made[-1]

    yield make
    for attention in made:
        attention.close()


def test_the_callback_beats_the_heart_and_lets_the_code_go_on(opened: Opened) -> None:
    beats: list[int] = []
    interrupts = Interrupts(lambda: False)
    attention = opened(interrupts)
    with interrupts.heartbeat(lambda: beats.append(1)), attention.native_code():
        assert attention.callback() == 0
    assert beats == [1]


def test_a_stop_makes_the_code_leave_and_is_raised_outside_of_it(opened: Opened) -> None:
    wanted = [False]
    interrupts = Interrupts(lambda: wanted[0])
    attention = opened(interrupts)
    left = None
    with pytest.raises(Stopped), interrupts.running_user_code(), attention.native_code():
        wanted[0] = True
        left = attention.callback()
    assert left == 1


def test_what_a_beat_raises_is_raised_once(
    opened: Opened, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("beat")

    interrupts = Interrupts(lambda: False)
    attention = opened(interrupts)
    with interrupts.heartbeat(fail):
        with pytest.raises(KeyError, match="beat"), attention.native_code():
            assert attention.callback() == 1
        with attention.native_code():
            pass
    assert capfd.readouterr().err == ""


def test_a_beat_can_make_the_code_leave_this_time(opened: Opened) -> None:
    interrupts = Interrupts(lambda: False)
    attention = opened(interrupts)
    with interrupts.heartbeat(attention.leave), attention.native_code():
        assert attention.callback() == 1
    with interrupts.heartbeat(lambda: None), attention.native_code():
        assert attention.callback() == 0


def test_no_handler_acts_while_native_code_runs(opened: Opened) -> None:
    interrupts = Interrupts(lambda: True)
    attention = opened(interrupts)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGUSR1)}
    before |= {number: signal.getsignal(number) for number in (signal.SIGURG, signal.SIGALRM)}
    interrupts.install()
    try:
        interrupts._armed = True
        with pytest.raises(Stopped), attention.native_code():
            signal.raise_signal(signal.SIGUSR1)
            reached = True
        assert reached
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_word_is_set_again_and_again_while_native_code_runs(opened: Opened) -> None:
    attention = opened(Interrupts(lambda: False))
    word = ctypes.c_int64.from_address(attention.address)
    with attention.native_code():
        for _ in range(2):
            while word.value == 0:  # the test's own time limit ends what never comes
                pass
            attention.callback()
            assert word.value == 0
