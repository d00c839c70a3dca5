"""Items that warn fail, whatever they make of it."""

import threading
import warnings

import pytest

from ufora_worker.executor.warned import Warned, unless_it_warns
from ufora_worker.loops.first_look import take_less


def warn() -> None:
    warnings.warn("odd", UserWarning, stacklevel=1)


def test_what_does_not_warn_gives_its_result() -> None:
    assert unless_it_warns(divmod, 7, 2) == (3, 1)


def test_a_warning_is_a_failure_and_nobody_hears_it() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(Warned, match="odd"):
            unless_it_warns(warn)
        assert not heard
        warn()
        assert len(heard) == 1


def test_a_filter_that_ignores_it_makes_no_difference() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Warned):
            unless_it_warns(warn)


def test_a_warning_that_is_swallowed_is_a_failure() -> None:
    def swallow() -> int:
        try:
            warn()
        except BaseException:
            return 1
        return 2

    with pytest.raises(Warned):
        unless_it_warns(swallow)


def test_an_exception_behind_a_swallowed_warning_is_a_failure_as_well() -> None:
    def swallow() -> None:
        try:
            warn()
        except BaseException:
            raise KeyError from None

    with pytest.raises(KeyError):
        unless_it_warns(swallow)


def test_what_was_warned_of_once_stays_known() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        warn()
        unless_it_warns(warn)
        warn()
        assert len(heard) == 1


def test_other_threads_warn_as_they_did() -> None:
    def start() -> None:
        thread = threading.Thread(target=warn)
        thread.start()
        thread.join()

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        warnings.showwarning = lambda *message: heard.append(message)  # type: ignore[arg-type]
        unless_it_warns(start)
        assert len(heard) == 1


def test_nobody_hears_a_first_look_at_items_that_warn() -> None:
    def run(items: object) -> None:
        warn()

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert not take_less(1e9, run, range(3), 1000)
        assert not heard
