import builtins
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from types import CellType
from typing import NoReturn

import pytest

from local_engine import LocalEngine
from pyfora import _variables
from pyfora._capture import Captured
from pyfora._errors import JobFailedError
from registered import run
from ufora_core.program import Proxy


@pytest.fixture
def cluster() -> LocalEngine:
    return LocalEngine()


# --------------------------------------------------------------------- variables of a frame


def test_a_function_s_variables_are_written_and_deleted() -> None:
    def main(a: int, b: int, c: int) -> Callable[[], int]:
        def shared() -> int:
            return c

        local = 1
        if a == 0:
            del b, c, local  # what may be deleted must look so to the compiler
        _variables.write(sys._getframe(), {"a": 10, "c": 30}, ["b", "local", "missing"])
        with pytest.raises(UnboundLocalError):
            print(b)
        with pytest.raises(UnboundLocalError):
            print(local)
        assert (a, c, shared()) == (10, 30, 30)
        _variables.write(sys._getframe(), {"b": 5}, ["c"])
        assert b == 5
        with pytest.raises(NameError):
            print(c)
        return shared

    with pytest.raises(NameError):
        main(1, 2, 3)()


def test_a_generator_s_variables_are_written_and_deleted() -> None:
    def numbers(a: int, b: int) -> Iterator[int]:
        if a == 0:
            del b
        yield a
        yield b

    running = numbers(1, 2)
    assert next(running) == 1
    _variables.write(running.gi_frame, {"a": 3}, ["b"])  # type: ignore[attr-defined]
    assert running.gi_frame.f_locals == {"a": 3}  # type: ignore[attr-defined]
    with pytest.raises(UnboundLocalError):
        next(running)


def test_deleting_frees_the_value() -> None:
    class Thing:
        pass

    def main() -> weakref.ref[Thing]:
        thing = Thing()
        alive = weakref.ref(thing)
        if alive() is None:
            del thing
        _variables.write(sys._getframe(), {}, ["thing"])
        assert alive() is None
        return alive

    main()


def test_a_cell_is_told_from_another_one_that_looks_the_same() -> None:
    def make(x: object) -> tuple[CellType, ...]:
        def get() -> object:
            return x

        return get.__closure__ or ()

    def main(x: object, empty: bool = False) -> None:
        def get() -> object:
            return x, late

        own_late, own = get.__closure__ or ()
        (other,) = make(x)
        here = sys._getframe()
        assert _variables.is_variable(here, "x", own)
        assert not _variables.is_variable(here, "x", other)
        assert _variables.is_variable(here, "late", own_late)
        assert not _variables.is_variable(here, "late", CellType())
        assert own.cell_contents is x
        late = None

    main(object())
    main(None)


# --------------------------------------------------------------------- names


def test_deleted_names_are_gone(cluster: LocalEngine) -> None:
    kept, gone = 1, 2
    error = "bound before"
    with cluster.remotely.downloadAll():
        kept += gone
        del gone
        try:
            raise ValueError
        except ValueError as error:
            str(error)
    assert kept == 3
    with pytest.raises(UnboundLocalError):
        print(gone)  # noqa: F821 - the block has deleted it
    with pytest.raises(UnboundLocalError):
        print(error)  # type: ignore[misc]


def test_globals_and_class_attributes_are_deleted_as_well(cluster: LocalEngine) -> None:
    found = run(
        """
        x = 1
        y = 1
        with c.remotely.downloadAll():
            del x
        class C:
            z = 1
            with c.remotely.downloadAll():
                del z
        def main():
            global y
            with c.remotely.downloadAll():
                del y
        main()
        """,
        c=cluster,
    )
    assert "x" not in found
    assert "y" not in found
    assert not hasattr(found["C"], "z")


def test_a_name_that_was_not_assigned_keeps_its_value(cluster: LocalEngine) -> None:
    first, second = [1], [2]
    kept = first
    with cluster.remotely.downloadAll():
        if not first:
            first = [3]
        else:
            second = [4]
    assert first is kept
    assert second == [4]


def test_names_that_stay_remote_become_what_the_runner_makes_of_them(cluster: LocalEngine) -> None:
    with cluster.remotely:
        x = [1, 2]
    assert isinstance(x, Proxy)
    with cluster.remotely.downloadAll().remoteAll():
        x = [1, 2]
    assert isinstance(x, Proxy)
    with cluster.remotely.download_all():
        x = [1, 2]
    assert x == [1, 2]


def test_small_values_are_asked_for_by_their_size(cluster: LocalEngine) -> None:
    with cluster.remotely.downloadSmall(bytecount=50):
        pass
    with cluster.remotely.download_small():
        pass
    assert cluster.limits == [50, 10_000]


def test_a_result_cannot_delete_what_the_block_cannot(cluster: LocalEngine) -> None:
    cluster.also_deleted = ["kept"]
    kept = 1
    with cluster.remotely.downloadAll():
        x = 1
    assert (kept, x) == (1, 1)


# --------------------------------------------------------------------- changes


def test_the_client_s_own_objects_show_what_the_block_changed(cluster: LocalEngine) -> None:
    numbers = [1, 2]
    same = numbers
    table: dict[str, object] = {"a": numbers}
    with cluster.remotely.downloadAll():
        numbers.append(3)
        table["b"] = 1
        copy = numbers
    assert same == [1, 2, 3]
    assert numbers is same is table["a"] is copy
    assert table == {"a": same, "b": 1}


def test_changes_and_names_before_an_exception_are_kept(cluster: LocalEngine) -> None:
    numbers = [1]
    with pytest.raises(ZeroDivisionError), cluster.remotely.downloadAll():
        numbers.append(2)
        fresh = 1
        fresh = 1 // (fresh - 1)
    assert (numbers, fresh) == ([1, 2], 1)


def test_a_variable_changed_by_a_function_shows_in_the_frame(cluster: LocalEngine) -> None:
    count = 0

    def bump() -> None:
        nonlocal count
        count += 1

    with cluster.remotely.downloadAll():
        bump()
        bump()
    assert count == 2


def test_a_variable_that_changed_meanwhile_is_not_set_back() -> None:
    class Failing(LocalEngine):
        def run(self, captured: Captured, progress: object = None) -> NoReturn:
            bump()
            raise JobFailedError("after a while")

    count = 0

    def bump() -> None:
        nonlocal count
        count += 1

    with pytest.raises(JobFailedError), Failing().remotely:
        count += 10
    assert count == 1


# --------------------------------------------------------------------- exceptions


class Refusal(Exception):
    """An exception of the user's, with state."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def test_an_exception_is_of_the_user_s_own_class(cluster: LocalEngine) -> None:
    with pytest.raises(Refusal) as refused, cluster.remotely:
        raise Refusal(3, "no")
    assert type(refused.value) is Refusal
    assert (refused.value.code, refused.value.args) == (3, ("no",))


def test_an_exception_can_be_caught_around_the_block(cluster: LocalEngine) -> None:
    try:
        with cluster.remotely.downloadAll():
            before = 1
            dict[str, int]()["key"]
    except KeyError as error:
        caught = error
    assert caught.args == ("key",)
    assert before == 1


def test_a_job_that_fails_shows_only_the_user_s_frames(cluster: LocalEngine) -> None:
    cluster.failure = JobFailedError("the worker is gone")
    try:
        with cluster.remotely:
            first = 1
    except JobFailedError:
        text = traceback.format_exc()
    else:
        del first
    assert text.count("  File ") == 1
    assert "first = 1" in text


def test_an_interrupt_shows_only_the_user_s_frames(cluster: LocalEngine) -> None:
    cluster.failure = KeyboardInterrupt()
    entries: list[traceback.FrameSummary] = []
    try:
        with cluster.remotely:
            pass
    except KeyboardInterrupt as error:
        entries = traceback.extract_tb(error.__traceback__)
    assert len(entries) == 1


def test_an_error_of_our_own_keeps_all_of_its_frames(cluster: LocalEngine) -> None:
    cluster.failure = builtins.AssertionError("a fault in pyfora")
    with pytest.raises(AssertionError) as raised, cluster.remotely:
        pass
    assert any(entry.name == "run" for entry in traceback.extract_tb(raised.value.__traceback__))
