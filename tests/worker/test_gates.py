"""The gates of sites: what they say, for how long they are there, and what a closed one spares."""

import builtins
import gc
from collections import Counter
from pathlib import Path
from types import FrameType, FunctionType

import pytest

from inline_cluster import InlineCluster
from ufora_core.compiler.sites.gates import gate_name, gates_in, runs_as_written
from ufora_core.compiler.sites.site import Site
from ufora_worker.loops.calls import CallLoops
from ufora_worker.loops.gates import Gates, keep_gates_of
from ufora_worker.loops.moments import Moment

#: Numbers that no engine of these tests gives to a site.
FIRST = 10**9


def says(index: int) -> object:
    return vars(builtins).get(gate_name(index))


@pytest.fixture
def gates() -> Gates:
    gates = Gates()
    for index in (FIRST, FIRST + 1):
        gates.add(index)
    return gates


def test_outside_of_an_engine_all_gates_are_closed(gates: Gates) -> None:
    assert says(FIRST) is True
    assert gates.close(False) is True
    assert says(FIRST) is False
    gates.remove()
    assert says(FIRST) is None


def test_the_gate_of_a_site_that_rests_stays_closed(gates: Gates) -> None:
    gates.close(False)
    gates.set(FIRST, True)
    assert (says(FIRST), says(FIRST + 1)) == (True, False)
    assert gates.close(True) is False
    gates.set(FIRST, False)
    assert (says(FIRST), says(FIRST + 1)) == (True, True)
    gates.close(False)
    assert (says(FIRST), says(FIRST + 1)) == (False, False)
    gates.remove()


def test_a_site_is_asked_again_when_its_rest_is_over(gates: Gates) -> None:
    gates.close(False)
    gates.rest(FIRST, 0)
    gates.rest(FIRST + 1, 10**15)
    assert gates.due(helped=False) == [FIRST]
    assert (says(FIRST), says(FIRST + 1)) == (False, True)
    gates.remove()


def test_a_gate_is_there_as_long_as_code_that_asks_for_it(gates: Gates) -> None:
    code = compile(f"def f(): return {gate_name(FIRST)}", "program.py", "exec")
    keep_gates_of(code)
    inner = next(each for each in code.co_consts if hasattr(each, "co_code"))
    late = FunctionType(inner, {})
    del code, inner
    gates.close(False)
    gates.remove()
    assert late() is True and says(FIRST + 1) is None
    del late
    gc.collect()
    assert says(FIRST) is None


def test_the_names_of_gates_are_told_from_others() -> None:
    assert gates_in(("x", gate_name(3), "__ufora_loop__")) == [gate_name(3)]
    assert runs_as_written(3).__class__.__name__ == "Name"


# ---------------------------------------------------------------------- what it costs


def fib(n: int) -> int:
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def tiny(count: int) -> int:
    total = 0
    while count:
        total += sum(x for x in (1, 2, 3))
        count -= 1
    return total


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often sites asked the engine."""
    counts: Counter[str] = Counter()
    alone, count = CallLoops.alone, Moment.count

    def counted_alone(loops: CallLoops, frame: FrameType, site: Site) -> bool:
        counts["alone"] += 1
        return alone(loops, frame, site)

    def counted_count(moment: Moment) -> int:
        counts["loops"] += 1
        return count(moment)

    monkeypatch.setattr(CallLoops, "alone", counted_alone)
    monkeypatch.setattr(Moment, "count", counted_count)
    return counts


def test_a_site_that_gains_nothing_is_left_alone(tmp_path: Path, asked: Counter[str]) -> None:
    cluster = InlineCluster(tmp_path)
    with cluster.remotely.downloadAll():
        number = fib(17)
        total = tiny(5_000)
    cluster.close()
    assert (number, total) == (1597, 30_000)
    # Of 2,583 and 5,000 visits; nothing wakes a site here, since no heart beats.
    assert asked["alone"] < 40
    assert asked["loops"] < 100
