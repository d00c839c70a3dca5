"""``for`` statements whose items run as machine code leave behind what Python leaves behind."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from differential import Case, Here, Scope, cases, differences, run
from inline_cluster import InlineCluster, QuietInterrupts
from prompt_native import PromptCompiler, PromptEngine
from random_for_loops import program
from ufora_core.program import LoopFacts
from ufora_worker.native.attention import Attention

CASES = [
    case
    for case in cases(Path(__file__).parent.parent / "differential" / "cases")
    if case.topic == "for_loops"
]
SETUP = """
import math

def work(n):
    s = n
    for k in range(5):
        s = (s * 31 + k) % 1009
    return s

def wave(x):
    return math.sin(x) * x
"""
#: Loops of which every item is to run natively, and how many of them bail.
LOOPS = {
    "a sum of ints": ("total = 0", "for n in range(300):\n    total += work(n)", 0),
    "a sum of floats": ("total = 0.5", "for n in range(300):\n    total -= wave(n * 0.1)", 0),
    "a conditional append": (
        "out = []",
        "for n in range(300):\n    w = work(n)\n    if w % 3:\n        out.append(w)",
        0,
    ),
    "work behind a condition": (
        "out = []",
        "for n in range(300):\n    if n % 3 == 0:\n        out.append(work(n))",
        0,
    ),
    "two ways out of a turn": (
        "ints = []\nfloats = []",
        "for n in range(300):\n"
        "    if work(n) % 2:\n"
        "        ints.append(work(n + 1))\n"
        "        continue\n"
        "    floats.append((wave(n * 0.5), n))",
        0,
    ),
    "counts by key": (
        "counts = {}",
        "for n in range(300):\n    k = work(n) % 7\n    counts[k] = counts.get(k, 0) + 1",
        0,
    ),
    "the least with its place": (
        "best = 10 ** 6\nat = None",
        "for n in range(300):\n    w = work(n)\n    if w < best:\n        best = w\n        at = n",
        0,
    ),
    "a sum for each turn": (
        "rows = []",
        "for i in range(40):\n"
        "    row = 0.0\n"
        "    for j in range(5):\n"
        "        row += wave(i + j * 0.1)\n"
        "    rows.append(row)",
        0,
    ),
    "an inner loop that may not run": (
        "rows = []",
        "for i in range(40):\n"
        "    row = 0\n"
        "    for j in range(i % 20 - 1):\n"
        "        row += work(i * j)\n"
        "    rows.append(row)",
        4,
    ),
    "several accumulators": (
        "s = 0\nq = 1.5",
        "for n in range(300):\n    v = work(n)\n    s += v\n    q += v * 0.5",
        0,
    ),
    "a break": (
        "found = None",
        "for n in range(3000):\n    if work(n) == 1008:\n        found = n\n        break",
        0,
    ),
    "a value that is never set": (
        "out = []",
        "for n in range(300):\n    w = work(n)\n    if w < 0:\n        out.append(wave(w))",
        0,
    ),
}


class Rig:
    """Clusters of one process with native code from the first item on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._attention = Attention(QuietInterrupts())
        self._clusters: list[InlineCluster] = []
        self.compiler = PromptCompiler()

    def cluster(self, *, hungry: int = 0, seed: int = 0) -> InlineCluster:
        engine = PromptEngine(self.compiler, self._attention, before_first=True)
        folder = self._folder / str(len(self._clusters))
        cluster = InlineCluster(folder, random.Random(seed).randrange, engine)
        cluster.words.set_hungry(hungry)
        self._clusters.append(cluster)
        return cluster

    def close(self) -> None:
        self._attention.close()
        for each in self._clusters:
            each.close()


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr("ufora_worker.loops.loop.WORTH_GIVING_NS", 0)
    for module in ("segments", "root_loop"):
        monkeypatch.setattr(f"ufora_worker.loops.{module}.weigh", lambda *values: 0.0)
    made = Rig(tmp_path)
    yield made
    made.close()


def loop_of(cluster: InlineCluster) -> LoopFacts:
    assert cluster.ended is not None
    [loop] = [each for each in cluster.ended.loops if each.taken]
    return loop


@pytest.mark.parametrize("hungry", [0, 1], ids=["alone", "with thieves"])
@pytest.mark.parametrize("name", LOOPS)
def test_a_common_loop_runs_natively(name: str, hungry: int, rig: Rig) -> None:
    start, loop, bails = LOOPS[name]
    case = Case("loops", name, SETUP, f"{start}\n{loop}\n")
    cluster = rig.cluster(hungry=hungry)
    assert differences(run(case, Scope.CLOSURE, Here()), run(case, Scope.CLOSURE, cluster)) == []
    facts = loop_of(cluster)
    assert (facts.why_interpreted, facts.bails) == (None, bails)
    assert facts.native_items + bails == facts.items


def test_a_loop_that_was_short_since_it_ran_natively_is_taken_over_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.loops.visits.NATIVE_SHORT_NS", 0)
    loop = "    for n in range(300):\n        t += work(n)\n"
    case = Case("loops", "twice", SETUP, f"t = i = 0\nwhile i < 4:\n{loop}    i += 1\n")
    cluster = rig.cluster()
    assert differences(run(case, Scope.CLOSURE, Here()), run(case, Scope.CLOSURE, cluster)) == []
    facts = loop_of(cluster)
    assert (facts.taken, facts.declined, facts.native_items) == (4, 0, 1200)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_case_leaves_behind_what_python_does(case: Case, rig: Rig) -> None:
    there = run(case, Scope.MODULE, rig.cluster(hungry=1))
    assert differences(run(case, Scope.MODULE, Here()), there) == []


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(st.randoms(use_true_random=False), st.integers(0, 1), st.integers(0, 1000))
def test_any_loop_leaves_behind_what_python_does(
    rig: Rig, rng: random.Random, hungry: int, seed: int
) -> None:
    setup, block = program(rng)
    case = Case("random", "loops", setup, f"{block}\n")
    there = run(case, Scope.CLOSURE, rig.cluster(hungry=hungry, seed=seed))
    assert differences(run(case, Scope.CLOSURE, Here()), there) == []


def test_later_windows_of_a_loop_use_the_code_of_the_first(rig: Rig) -> None:
    cluster = rig.cluster()
    kept: list[float] = []
    with cluster.remotely.downloadAll():
        kept = []
        for n in range(3000):
            if n % 7:
                kept.append(math.sqrt(n))
    assert kept == [math.sqrt(n) for n in range(3000) if n % 7]
    assert rig.compiler.made == 1
