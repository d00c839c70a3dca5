"""``python -m benchmarks [--quick] [--only PART]...``: run the cases and print the table."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path

from benchmarks import operator_load, report
from benchmarks.cases import CASES, QUICK, Case, Scale
from benchmarks.engines import available, started
from benchmarks.measurement import run_case
from benchmarks.native import suite

RESULTS = Path(__file__).parent / "results"
_OPERATOR = "operator"


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    scale = QUICK if options.quick else Scale()
    stamp = f"{datetime.now():%Y-%m-%d-%H%M%S}"

    def wanted(name: str) -> bool:
        return not options.only or _named(name, options.only)

    cases = [case for case in CASES if wanted(case.name)]
    native = [part for part in suite.PARTS if wanted(part)]
    if not (cases or native or wanted(_OPERATOR)):
        known = ", ".join([*(case.name for case in CASES), _OPERATOR, *suite.PARTS])
        sys.exit(f"no case is named so; there are: {known}")
    if wanted(_OPERATOR):
        _say(f"{_OPERATOR}: {scale.operator_clusters} clusters")
        print(operator_load.measure(scale.operator_clusters).table() + "\n")
    if native:
        outcome = suite.measure(native, quick=options.quick, say=_say)
        print(outcome.table())
        outcome.write(_told(RESULTS / f"{stamp}-native.json"))
    if cases:
        _compare(cases, scale, stamp, options.engine)


def _compare(cases: list[Case], scale: Scale, stamp: str, engine: list[str] | None) -> None:
    """Ufora beside the other engines."""
    kinds = [kind for kind in available() if not engine or _named(kind.name, engine)]
    if "Dask" not in [kind.name for kind in available()]:
        _say("Dask is not installed, so it is left out: pip install -r requirements-bench.txt")
    loads, results = [], []
    with started(kinds) as engines:
        for case in cases:
            loads.append(os.getloadavg()[0])
            results.append(run_case(case, engines, scale, _say))
    loads.append(os.getloadavg()[0])
    path = report.write(RESULTS, stamp, scale, loads, results)
    print(", ".join(f"{name} {value}" for name, value in report.machine().items()))
    print(report.table(results))
    _told(path)


def _told(path: Path) -> Path:
    print(f"\nall values: {os.path.relpath(path)}\n")
    return path


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: a smoke test")
    parser.add_argument("--only", action="append", metavar="PART", help="cases with this in them")
    parser.add_argument("--engine", action="append", metavar="PART", help="likewise for engines")
    return parser.parse_args()


def _named(name: str, parts: list[str]) -> bool:
    return any(part.lower() in name.lower() for part in parts)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
