"""What came out, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cases import Figure, Scale
from benchmarks.engines import CORES
from benchmarks.measurement import Series


def table(results: Sequence[Sequence[Series]]) -> str:
    """A row a figure; each engine's best and median, and how Ufora's median compares."""
    names = [series.engine for series in results[0]]
    ours, *others = names
    header = ["", "unit", *(f"{name}: best, median" for name in names)]
    header += [f"{ours} : {name}" for name in others] + ["aim"]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for case in results:
        lines += ["| " + " | ".join(cells) + " |" for cells in _rows(case)]
    return "\n".join(lines)


def _rows(case: Sequence[Series]) -> Iterator[list[str]]:
    for figure in case[0].case.figures:
        medians = [statistics.median(series.of(figure)) for series in case]
        cells = [f"{case[0].case.name}: {figure.name}", figure.unit]
        cells += [
            f"{_number(_best(series, figure))}, {_number(median)}"
            for series, median in zip(case, medians, strict=True)
        ]
        cells += [f"{medians[0] / median:.2f}" if median else "-" for median in medians[1:]]
        yield [*cells, figure.aim]


def _best(series: Series, figure: Figure) -> float:
    values = series.of(figure)
    return min(values) if figure.better == "lower" else max(values)


def _number(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": CORES,
    }


def write(
    folder: Path, name: str, scale: Scale, loads: Sequence[float], results: Sequence[list[Series]]
) -> Path:
    """Every single value, with the load of the machine before each case and at the end."""
    content = {
        "machine": machine(),
        "scale": {field: getattr(scale, field) for field in Scale.__slots__},
        "load": list(loads),
        "series": [
            {
                "case": series.case.name,
                "engine": series.engine,
                "figures": {figure.name: series.of(figure) for figure in series.case.figures},
                "cpu_seconds": series.cpu,
            }
            for case in results
            for series in case
        ],
    }
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path
