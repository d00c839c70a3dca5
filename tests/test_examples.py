"""The programs of examples/ and of the README, run as a person runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAST_LINE = {
    "montecarlo_pi.py": "pi is about 3.1432",
    "rows.py": "364 of 2,000 rows are the nearest row of their own nearest row",
    "words.py": "200,000 words of 1,350,000 letters, first of all several, longest, equally",
}


def _output(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_here() -> None:
    names = {path.name for path in (ROOT / "examples").glob("*.py")}
    assert names == {*LAST_LINE, "primes.py"}


@pytest.mark.parametrize("name", LAST_LINE)
def test_an_example_ends_with_its_answer(name: str) -> None:
    assert _output(f"examples/{name}").splitlines()[-1] == LAST_LINE[name]


def test_the_demo_prints_the_answer_and_what_each_executor_did() -> None:
    answer, summary, *lines = _output("examples/primes.py", "30000").splitlines()
    assert answer == "3247 of the numbers below 30,000 are prime, 0 and 1 included"
    assert re.search(r"primes.py:\d+ in main: \d+\.\d+ s on \d+ cores?, .* busy", summary)
    executors = [line for line in lines if " executor " in line]
    items = [re.findall(r"([\d,]+) items", line)[0] for line in executors]
    assert sum(int(count.replace(",", "")) for count in items) == 30_000
    assert any("sum(is_prime(n) for n in range(stop))" in line for line in lines)


def test_the_program_of_the_readme_prints_its_answer(tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    script = tmp_path / "program.py"
    script.write_text(program.replace("10_000_000", "30_000"))
    assert _output(str(script)) == "3247\n"
