"""``for`` statements whose items run as machine code leave behind what Python leaves behind."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from differential import Case, Here, Scope, cases, differences, run
from generous import give_everything
from inline_cluster import InlineCluster, QuietInterrupts
from prompt_native import PromptCompiler, PromptEngine
from random_for_loops import program
from ufora_core.compiler.sites.reducers import SiteKind
from ufora_core.program import LoopFacts
from ufora_worker.loops.visits import Visits
from ufora_worker.native.attention import Attention
from ufora_worker.native.body import NativeItems

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


#: Loops that run turn after turn, and how many turns do so at least.
IN_TURN = {
    "a recurrence of ints": ("t = 1", "for _ in range(900):\n    t = (t * 31 + 7) % 1009", 890),
    "a recurrence of floats": ("t = 0.5", "for n in range(900):\n    t = 3.9 * t * (1 - t)", 890),
    "ints that become large": ("t = 1", "for n in range(200):\n    t *= 2", 40),
    "an exception": ("t = 1", "for n in range(300):\n    t = t % 7 + 60 // (250 - n)", 200),
    "NaN": (
        "t = 1.0",
        "for n in range(300):\n    t = t * 1e2 - t * 1e2 if n < 250 else 1.0",
        1,
    ),
    "a NaN that is kept": (
        "t = s = 1.0",
        "for n in range(300):\n    s = 1e308 * 10 - 1e308 * n * 10 if n == 200 else s\n    t += 1",
        150,
    ),
    "what a turn finds": (
        "found = None\nt = 0",
        "for n in range(900):\n"
        "    t = work(t + n)\n"
        "    if t == 1008:\n"
        "        found = n\n"
        "        break\n"
        "else:\n"
        "    t = -1",
        1,
    ),
    "nothing found": (
        "found = [1]\nt = 0",
        "for n in range(300):\n    t += n\n    if t < 0:\n        found = n\n        break\n"
        "else:\n    t = -t",
        290,
    ),
    "a list, backwards and counted": (
        "t = 1\nxs = [n % 13 - 5 for n in range(300)]",
        "for i, x in enumerate(reversed(xs), 7):\n    t = (t * 3 + x * i) % 1009",
        290,
    ),
    "numbers side by side": (
        "t = 1\nxs = [n % 13 - 5 for n in range(300)]",
        "for x, k in zip(xs, range(900, 0, -3)):\n    t = (t * 3 + x * k) % 1009",
        290,
    ),
    "characters": ("t = 7", "for c in 'some text ' * 30:\n    t = (t * 31 + ord(c)) % 1009", 290),
    "an array": (
        "import numpy\nxs = numpy.arange(300) * 0.5\nt = 1.5",
        "for x in xs:\n    t = t * 0.5 + float(x)",
        290,
    ),
    "truths": ("t = False\nc = 0", "for n in range(300):\n    t = not t\n    c = c ^ n", 290),
}


class Rig:
    """Clusters of one process with native code from the first item on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._attention = Attention(QuietInterrupts())
        self._clusters: list[InlineCluster] = []
        self.compiler = PromptCompiler()

    def cluster(
        self, *, hungry: int = 0, seed: int = 0, engine: type[PromptEngine] = PromptEngine
    ) -> InlineCluster:
        native = engine(self.compiler, self._attention, before_first=engine is PromptEngine)
        folder = self._folder / str(len(self._clusters))
        cluster = InlineCluster(folder, random.Random(seed).randrange, native)
        cluster.words.set_hungry(hungry)
        self._clusters.append(cluster)
        return cluster

    def close(self) -> None:
        self._attention.close()
        for each in self._clusters:
            each.close()


class Way(Enum):
    """How a loop runs that works on nothing but variables."""

    APART = "its items apart"
    IN_TURN = "turn after turn"

    def chosen(self, patch: pytest.MonkeyPatch) -> None:
        """Let such loops run in this way from the second item on."""
        turns = "ufora_worker.for_loops.turns"
        patch.setattr(f"{turns}._LEAST_APART_NS", 0)
        patch.setattr(f"{turns}._SHOWN_NS", -1)
        if self is Way.IN_TURN:
            patch.setattr(f"{turns}._SETTLING_NS", 3_000_000)
            patch.setattr(f"{turns}._APART_NS", 8_000)
            patch.setattr(f"{turns}._WORTH_NS", 0)
            patch.setattr(f"{turns}._WORTH_AGAIN_NS", 0)
            patch.setattr(f"{turns}._FIRST_CALL", 5)
            patch.setattr(f"{turns}._CALL_NS", 50_000)
            patch.setattr(f"{turns}._FEW", 2)


@pytest.fixture(params=Way, ids=lambda way: way.value)
def way(request: pytest.FixtureRequest) -> Way:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way) -> Iterator[Rig]:
    give_everything(monkeypatch)
    way.chosen(monkeypatch)
    made = Rig(tmp_path)
    yield made
    made.close()


def loop_of(cluster: InlineCluster, *heads: str) -> LoopFacts:
    assert cluster.ended is not None
    known = heads or ("for n", "for i")
    [loop] = [each for each in cluster.ended.loops if each.text.startswith(known)]
    return loop


@pytest.mark.parametrize("hungry", [0, 1], ids=["alone", "with thieves"])
@pytest.mark.parametrize("name", LOOPS)
def test_a_common_loop_runs_natively(name: str, hungry: int, rig: Rig) -> None:
    start, loop, bails = LOOPS[name]
    case = Case("loops", name, SETUP, f"{start}\n{loop}\n")
    cluster = rig.cluster(hungry=hungry)
    assert differences(run(case, Scope.CLOSURE, Here()), run(case, Scope.CLOSURE, cluster)) == []
    facts = loop_of(cluster)
    assert facts.why_interpreted is None
    if facts.taken:
        # The first item runs as written in loops that begin so.
        assert facts.bails in (bails, bails - 1)
        assert facts.native_items + facts.bails == facts.items
    else:
        assert facts.native_items > 0


@pytest.mark.parametrize("scope", [Scope.MODULE, Scope.CLOSURE], ids=lambda scope: scope.value)
@pytest.mark.parametrize("way", [Way.IN_TURN], ids=[""], indirect=True)
@pytest.mark.parametrize("name", IN_TURN)
def test_a_loop_runs_turn_after_turn(name: str, scope: Scope, rig: Rig) -> None:
    start, loop, turns = IN_TURN[name]
    case = Case("loops", name, SETUP, f"{start}\n{loop}\n")
    cluster = rig.cluster()
    assert differences(run(case, scope, Here()), run(case, scope, cluster)) == []
    assert cluster.ended is not None
    loops = [each for each in cluster.ended.loops if each.text.startswith("for")]
    [facts] = [each for each in loops if not each.text.startswith("for k in")]  # that of ``work``
    assert (facts.taken, facts.native_items >= turns) == (0, True)
    assert rig.compiler.failures == []


@pytest.mark.parametrize("way", [Way.IN_TURN], ids=[""], indirect=True)
def test_variables_that_are_no_numbers_are_left_to_python(rig: Rig) -> None:
    loop = "for n in range(300):\n    t = t + (n,)\n    u = n\n"
    case = Case("loops", "tuples", SETUP, f"t = ()\n{loop}")
    cluster = rig.cluster()
    assert differences(run(case, Scope.CLOSURE, Here()), run(case, Scope.CLOSURE, cluster)) == []
    assert rig.compiler.made == 0


class LateEngine(PromptEngine):
    """Has native code made for thieves alone, behind the first slice of a range."""

    def items(self, kind: SiteKind, *about: Any) -> NativeItems:
        made = super().items(kind, *about)
        made.request.history.worth_ns = 0 if self._asked else 2**62
        self._asked = True
        return made

    _asked = False


@pytest.mark.parametrize("way", [Way.APART], ids=[""], indirect=True)
@pytest.mark.parametrize("name", ["a conditional append", "counts by key", "several accumulators"])
def test_native_code_takes_over_inside_a_range_that_helps(
    name: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.for_loops.turns.TurnAfterTurn.first", lambda self, run: ())
    start, loop, _ = LOOPS[name]
    case = Case("loops", name, SETUP, f"{start}\n{loop}\n")
    cluster = rig.cluster(hungry=1, engine=LateEngine)
    assert differences(run(case, Scope.CLOSURE, Here()), run(case, Scope.CLOSURE, cluster)) == []
    facts = loop_of(cluster)
    assert cluster.ranges_run > 0
    assert 0 < facts.native_items < facts.items
    assert rig.compiler.made == 1


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


@pytest.mark.parametrize("name", ["several accumulators", "a sum of floats", "a break"])
def test_a_loop_is_one_visit_of_its_site_in_however_many_ways_it_runs(
    name: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.for_loops.turns._HELPED_NS", -1)
    monkeypatch.setattr("ufora_worker.for_loops.turns._HELPED_FROM_NS", -1)
    noted: list[int] = []

    def note(visits: Visits, count: int, spent: int, native: int = 0, **more: object) -> None:
        if count >= 300:  # the loop in ``work`` has fewer items
            noted.append(native)

    monkeypatch.setattr(Visits, "note", note)
    start, loop, _ = LOOPS[name]
    case = Case("loops", name, SETUP, f"{start}\n{loop}\n")
    cluster = rig.cluster(hungry=1)
    began = perf_counter()
    assert differences(run(case, Scope.CLOSURE, Here()), run(case, Scope.CLOSURE, cluster)) == []
    facts = loop_of(cluster)
    assert noted == [facts.native_items]
    assert facts.seconds < perf_counter() - began


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


@pytest.mark.parametrize("way", [Way.APART], ids=[""], indirect=True)
def test_a_refusal_names_what_the_loop_iterates_over_as_written(rig: Rig) -> None:
    loop = "for w in sorted(words):\n    t ^= work(len(w))\n"
    case = Case("loops", "words", SETUP, f"t = 0\nwords = ['a', 'bc'] * 9\n{loop}")
    cluster = rig.cluster()
    assert differences(run(case, Scope.CLOSURE, Here()), run(case, Scope.CLOSURE, cluster)) == []
    why = loop_of(cluster, "for w").why_interpreted
    assert why is not None
    assert why.message.startswith("`sorted(words)[")


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
