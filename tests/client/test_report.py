"""What a user reads of a job: as text, as data, and in Jupyter."""

import json

from pyfora import Report
from ufora_core.program import Explanation, FunctionFacts, LoopFacts
from ufora_core.protocol.parts import ExecutorUse

USE = (
    ExecutorUse("worker-0", 0, items=600, ranges=2, splits=1, busy_seconds=0.5),
    ExecutorUse("worker-0", 1, items=400, ranges=1, busy_seconds=0.4),
)
LOOPS = (
    LoopFacts(
        "prog.py", 14, "sum(is_prime(n) for n in range(1000))", taken=1, declined=0, items=1000,
        seconds=0.52, splits=3, steals=2, native_items=990, bails=10,
    ),
    LoopFacts(
        "prog.py", 20, "[show(x) for x in xs]", taken=0, declined=1,
        why_sequential=Explanation(
            "`print` writes <text>", "prog.py", 8, "gather what is to be shown, and show it after"
        ),
    ),
    LoopFacts(
        "prog.py", 22, "[name(x) for x in xs]", taken=2, declined=5, items=80,
        why_interpreted=Explanation("`str.upper` is no function of numbers", "prog.py", 5),
    ),
)  # fmt: skip
FUNCTIONS = (
    FunctionFacts("is_prime", "prog.py", 3, native=True),
    FunctionFacts(
        "name", "prog.py", 5, native=False, why_interpreted=Explanation("text", "prog.py", 5)
    ),
)
REPORT = Report("prog.py:12", 0.75, USE, LOOPS, FUNCTIONS)


def test_a_report_as_text() -> None:
    assert str(REPORT).splitlines() == [
        "prog.py:12: 0.750 s on 2 cores, 0.900 s busy",
        "  worker-0 executor 0: 0.500 s, 600 items in 2 ranges",
        "  worker-0 executor 1: 0.400 s, 400 items in 1 ranges",
        "  prog.py:14: sum(is_prime(n) for n in range(1000))",
        "    parallel: 1,000 items in 0.520 s, 3 splits, 2 steals",
        "    native: 990 items, 10 bails",
        "  prog.py:20: [show(x) for x in xs]",
        "    not parallel: `print` writes <text> (prog.py:8); "
        "gather what is to be shown, and show it after",
        "  prog.py:22: [name(x) for x in xs]",
        "    parallel: 80 items in 0.000 s, 0 splits, 0 steals",
        "    not parallel (5 times)",
        "    not native: `str.upper` is no function of numbers (prog.py:5)",
        "  prog.py:3: is_prime",
        "    native",
        "  prog.py:5: name",
        "    not native: text (prog.py:5)",
    ]


def test_a_report_as_data_goes_through_json() -> None:
    data = json.loads(json.dumps(REPORT.as_dict()))
    assert data == REPORT.as_dict()
    assert [loop["native_items"] for loop in data["loops"]] == [990, 0, 0]
    assert data["loops"][1]["why_sequential"]["line"] == 8
    assert data["functions"][0] == {
        "name": "is_prime", "filename": "prog.py", "line": 3, "native": True,
        "why_interpreted": None,
    }  # fmt: skip


def test_jupyter_shows_every_loop_with_the_users_text_escaped() -> None:
    shown = REPORT._repr_html_()
    assert shown.count("<tr>") == len(LOOPS) + len(FUNCTIONS)
    assert "&lt;text&gt;" in shown and "<text>" not in shown
    assert "prog.py:12: 0.750 s on 2 cores" in shown
