"""Control flow as machine code: loops, calls, and what leaves them."""

from __future__ import annotations

from itertools import islice

import pytest

from machine_code import entry_of, run, words_of
from ufora_worker.native.ir.types import COMPLEX, FLOAT, INT, Tuple
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.weights import Weights
from ufora_worker.native.runs import Status

LEAST, GREATEST = -(2**63), 2**63 - 1

COUNTING = """
unit columns of int

def item(%index: int, start: int, stop: int, step: int, most: int):
    turns: int = copy 0
    for i: int in range(start, stop, step):
        emit i
        turns: int = int.add turns, 1
        %1: bool = int.eq turns, most
        if %1:
            return
    else:
        emit -77
"""

RANGES = [
    (0, 10, 1),
    (0, 0, 1),
    (5, 3, 1),
    (3, 5, -1),
    (10, 0, -1),
    (10, -10, -3),
    (-7, 23, 7),
    (GREATEST - 3, GREATEST, 1),
    (GREATEST - 3, GREATEST, 2),
    (GREATEST - 3, GREATEST, 100),
    (LEAST + 3, LEAST, -1),
    (LEAST + 3, LEAST, -2),
    (LEAST, GREATEST, 1),
    (LEAST, GREATEST, GREATEST),
    (GREATEST, LEAST, -1),
    (GREATEST, LEAST, LEAST),
    (LEAST, GREATEST, 2**62),
    (0, GREATEST, 2**62 + 1),
]


@pytest.mark.parametrize("strip", [1, 2, 3, 10, 1000])
def test_a_for_loop_counts_as_range_does(strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Weights, "strip_length", lambda self, body: strip)
    counting, columns = entry_of(COUNTING), Columns.for_type(INT, 100)
    for start, stop, step in RANGES:
        done = run(counting, 0, 1, start, stop, step, 30, columns=columns)
        wanted = list(islice(range(start, stop, step), 30))
        wanted += [-77] * (len(wanted) < 30)
        assert done.status is Status.DONE
        assert done.columns[0].tolist() == wanted, (start, stop, step)


@pytest.mark.parametrize(("start", "stop", "step"), RANGES)
def test_a_for_loop_with_constant_bounds_counts_as_range_does(
    start: int, stop: int, step: int
) -> None:
    text = COUNTING.replace("range(start, stop, step)", f"range({start}, {stop}, {step})")
    done = run(entry_of(text), 0, 1, 0, 0, 0, 7, columns=Columns.for_type(INT, 100))
    wanted = list(islice(range(start, stop, step), 7))
    assert done.columns[0].tolist() == wanted + [-77] * (len(wanted) < 7)


def test_a_step_of_0_bails() -> None:
    done = run(entry_of(COUNTING), 0, 1, 0, 5, 0, 30, columns=Columns.for_type(INT, 100))
    assert (done.status, done.next, done.count) == (Status.BAILED, 0, 0)


LEAVING = """
unit columns of int

def item(%index: int, limit: int):
    last: int = copy -9
    for i: int in range(0, 6, 1):
        last: int = copy i
        %1: bool = int.eq i, 1
        if %1:
            continue
        j: int = copy 0
        loop:
            %2: bool = int.lt j, 4
        while %2:
            j: int = int.add j, 1
            %3: bool = int.eq j, 2
            if %3:
                continue
            %4: bool = int.gt i, limit
            if %4:
                break
            %5: int = int.mul i, 100
            %6: int = int.add %5, j
            emit %6
        else:
            emit -1
        %7: bool = int.eq i, limit
        if %7:
            break
    else:
        emit -2
    emit last
"""


def leaving(limit: int) -> list[int]:
    emitted = []
    for i in range(6):
        if i == 1:
            continue
        j = 0
        while j < 4:
            j += 1
            if j == 2:
                continue
            if i > limit:
                break
            emitted.append(100 * i + j)
        else:
            emitted.append(-1)
        if i == limit:
            break
    else:
        emitted.append(-2)
    return [*emitted, i]


@pytest.mark.parametrize("limit", [-1, 0, 1, 2, 5, 6])
def test_break_continue_and_else_go_where_pythons_go(limit: int) -> None:
    done = run(entry_of(LEAVING), 0, 1, limit, columns=Columns.for_type(INT, 100))
    assert done.columns[0].tolist() == leaving(limit)


CALLS = """
unit columns of (int, (float, complex))

def item(%index: int, z: complex):
    %1: float = int.to_float %index
    %2: (complex, (int, bool)) = call inner(%1, z, True)
    %3: complex = tuple.get %2, 0
    %4: (int, bool) = tuple.get %2, 1
    %5: int = tuple.get %4, 0
    %6: (float, complex) = tuple.make %1, %3
    %7: (int, (float, complex)) = tuple.make %5, %6
    emit %7

def inner(x: float, z: complex, flag: bool) -> (complex, (int, bool)):
    %1: complex = complex.make x, 1.5
    %2: complex = complex.mul %1, z
    %3: int = float.to_int x
    %4: (int, bool) = tuple.make %3, flag
    %5: (complex, (int, bool)) = tuple.make %2, %4
    return %5
"""


def test_tuples_and_complex_numbers_go_through_calls_and_columns() -> None:
    z = complex(0.1, -2.5)
    columns = Columns.for_type(Tuple((INT, Tuple((FLOAT, COMPLEX)))), 10)
    done = run(entry_of(CALLS), 3, 6, *words_of(z), columns=columns)
    assert done.columns[0].tolist() == [3, 4, 5]
    assert done.columns[1].tolist() == [3.0, 4.0, 5.0]
    assert done.columns[2].tolist() == [complex(x, 1.5) * z for x in (3.0, 4.0, 5.0)]


DEEP = """
unit total of int

def item(%index: int):
    %1: int = call outer(%index)
    emit %1

def outer(n: int) -> int:
    %1: int = call down(n)
    return %1

def down(n: int) -> int:
    %1: bool = int.eq n, 0
    if %1:
        return 0
    %2: int = int.sub n, 1
    %3: int = call across(%2)
    %4: int = int.add %3, n
    %5: int = int.mul %4, 3
    return %5

def across(n: int) -> int:
    %1: int = call down(n)
    %2: int = int.sub %1, n
    return %2
"""


def test_recursion_beyond_the_limit_bails() -> None:
    deep = entry_of(DEEP, depth_limit=20)
    outcomes = [run(deep, n, n + 1).status for n in range(20)]
    # n levels of down and n of across below outer and the first down.
    assert outcomes == [Status.DONE] * 10 + [Status.BAILED] * 10


def test_endless_recursion_bails_and_the_process_lives() -> None:
    endless = DEEP.replace("%1: bool = int.eq n, 0", "%1: bool = int.eq n, 100")
    done = run(entry_of(endless, depth_limit=10_000), 7, 9)
    assert (done.status, done.next) == (Status.BAILED, 7)


def test_a_bail_in_a_called_function_is_a_bail_of_the_item() -> None:
    text = """
    unit total of int

    def item(%index: int):
        emit 1000
        %1: int = call check(%index)
        emit %1

    def check(n: int) -> int:
        %1: bool = int.eq n, 4
        if %1:
            bail 'raise ValueError' @3
        return n
    """
    done = run(entry_of(_dedent(text)), 0, 9)
    assert (done.status, done.next, done.count) == (Status.BAILED, 4, 8)
    assert done.total == 4000 + 0 + 1 + 2 + 3


def _dedent(text: str) -> str:
    return "\n".join(line[4:] for line in text.splitlines())
