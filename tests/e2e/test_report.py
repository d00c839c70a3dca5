"""What a user reads of a block that ran on a real cluster."""

import json
import random
from typing import Any

import pyfora

#: Runs after which whatever is made beside the loops must have been there.
RUNS = 200


def collatz(n: int) -> int:
    steps = 0
    while n != 1:
        n = 3 * n + 1 if n % 2 else n // 2
        steps += 1
    return steps


def throws(seed: int) -> float:
    dice = random.Random(seed)
    return sum(dice.random() for _ in range(100))


def report_of(block: Any) -> pyfora.Report:
    assert isinstance(block.report, pyfora.Report)
    return block.report


def lines_of(report: pyfora.Report, text: str) -> list[str]:
    """What the printed report says below the entry that ends with ``text``."""
    lines = str(report).splitlines()
    first = next(i for i, line in enumerate(lines) if line.endswith(f": {text}"))
    below = []
    for line in lines[first + 1 :]:
        if not line.startswith("    "):
            break
        below.append(line.strip())
    return below


def test_a_loop_with_a_best_so_far_and_its_function_become_native(cluster: pyfora.Cluster) -> None:
    for _ in range(RUNS):
        with cluster.remotely.downloadAll() as block:
            longest = start = 0
            for n in range(1, 60_000):
                steps = collatz(n)
                if steps > longest:
                    longest, start = steps, n
        assert (longest, start, steps) == (339, 52_527, collatz(59_999))
        report = report_of(block)
        if any(loop.native_items for loop in report.loops) and report.functions:
            break
    [loop] = report.loops
    assert loop.native_items > 0
    assert lines_of(report, loop.text)[-1] == f"native: {loop.native_items:,} items, 0 bails"
    assert sum(use.native_items for use in report.executors) == loop.native_items
    assert lines_of(report, "collatz") == ["native"]


def test_each_thing_that_was_not_done_has_its_reason(cluster: pyfora.Cluster) -> None:
    shown: list[int] = []
    x = 0.5
    with cluster.remotely.downloadAll() as block:
        for _ in range(10):
            x = 3.9 * x * (1 - x)
        drawn = [random.random() for _ in range(10)]
        for n in range(10):
            shown.append(n)
    assert len(drawn) == len(shown) == 10
    report = report_of(block)
    [why] = lines_of(report, "[random.random() for _ in range(10)]")
    assert why.startswith("not parallel: `random.random()` draws from a random generator")
    assert f"({__file__}:" in why
    texts = [loop.text for loop in report.loops]
    assert texts == [
        "for _ in range(10):",
        "[random.random() for _ in range(10)]",
        "for n in range(10):",
    ]
    assert lines_of(report, "for _ in range(10):")[0].startswith(
        "not parallel: every turn goes on from what the one before it left in `x`"
    )


def test_a_function_that_stays_in_cpython_is_named_with_the_line(cluster: pyfora.Cluster) -> None:
    for _ in range(RUNS):
        with cluster.remotely.downloadAll() as block:
            sums = [throws(seed) for seed in range(500)]
        assert sums == [throws(seed) for seed in range(500)]
        report = report_of(block)
        if report.functions:
            break
    [facts] = report.functions
    assert (facts.name, facts.native) == ("throws", False)
    assert facts.why_interpreted is not None
    assert facts.why_interpreted.line == facts.line + 1
    assert "`random.Random(...)` has no native form" in lines_of(report, "throws")[0]


def test_the_report_is_data_and_a_table_too(cluster: pyfora.Cluster) -> None:
    with cluster.remotely.downloadAll() as block:
        total = sum(collatz(n) for n in range(1, 200))
    assert total > 0
    report = report_of(block)
    data = json.loads(json.dumps(report.as_dict()))
    assert data["loops"][0]["text"] == "sum(collatz(n) for n in range(1, 200))"
    assert "sum(collatz(n) for n in range(1, 200))" in report._repr_html_()
