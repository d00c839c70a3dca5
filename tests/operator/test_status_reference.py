"""What the document says of conditions and reasons is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from operator_sights import NOW, cluster_of, plan_for
from ufora_operator.observed import Observed
from ufora_operator.plan.reasons import Reason
from ufora_operator.status.build import status_of

DOCUMENT = (Path(__file__).parents[2] / "docs/operator.md").read_text()


def _rows(heading: str) -> list[str]:
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_every_reason_has_a_row_and_no_other_word_has() -> None:
    assert _rows("Reasons, and what to do") == [str(reason) for reason in Reason]


def test_every_reason_is_given_by_some_code() -> None:
    package = Path(__file__).parents[2] / "operator/ufora_operator"
    code = "".join(path.read_text() for path in package.rglob("*.py") if path.name != "reasons.py")
    unused = [
        reason
        for reason in Reason
        if f"Reason.{reason.name}" not in code and f'"{reason}"' not in code
    ]
    assert unused == []


def test_every_condition_has_a_row_in_the_order_of_the_status() -> None:
    plan = plan_for(cluster_of(), Observed(), None)
    conditions = status_of(cluster_of(), Observed(), None, plan, NOW, "0.1.0")["conditions"]
    assert isinstance(conditions, list)
    assert _rows("Conditions") == [each["type"] for each in conditions]


def test_every_row_says_what_to_do() -> None:
    section = DOCUMENT.split("## Reasons, and what to do\n")[1].split("\n## ")[0]
    rows = [row.split(" | ") for row in section.splitlines() if row.startswith("| `")]
    assert [row for row in rows if len(row) != 3 or len(row[2]) < 8] == []
