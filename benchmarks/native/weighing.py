"""What the engine takes for the cost of sending values, beside what it costs.

A loop is divided where that costs less than what it spares (``ufora_worker.loops.weights``), so a
wrong guess makes programs slower, and never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf
from time import process_time_ns
from typing import Any

import numpy as np

from benchmarks.native.rows import Row
from benchmarks.native.timing import load
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_worker.loops.weights import weigh

#: How far a guess may be off, either way.
_FACTOR = 4.0

_VALUES: dict[str, Callable[[], Sequence[Any]]] = {
    "ints": lambda: list(range(100_000)),
    "floats and ints": lambda: [n * 0.5 if n % 2 else n for n in range(20_000)],
    "NumPy's ints": lambda: list(np.arange(20_000)),
    "short texts": lambda: [f"w{n}" for n in range(20_000)],
    "long texts": lambda: [f"{n:01000}" for n in range(1000)],
    "rows of a table": lambda: [(n, n * 0.5, f"w{n}") for n in range(10_000)],
    "tuples in tuples": lambda: [(n, (n, n)) for n in range(2000)],
    "short lists": lambda: [[n, n + 1] for n in range(2000)],
    "lists of ints": lambda: [list(range(n, n + 50)) for n in range(1000)],
    "dicts": lambda: [{"a": n, "b": n} for n in range(1000)],
    "sets": lambda: [{n, n + 1} for n in range(2000)],
}


def measure(repeats: int, *, quick: bool, say: Callable[[str], None]) -> Iterator[Row]:
    """A row for each kind of values."""
    for name, make in _VALUES.items():
        say(f"weight of {name}")
        before, values = load(), make()
        taken = [_sending_ns(values) for _ in range(1 if quick else repeats)]
        ratio = weigh([values], inf) / min(taken)
        seconds = {"sent, CPU": [each / 1e9 for each in taken]}
        figure = max(ratio, 1 / ratio)
        yield Row(f"weight of {name}: off by", figure, _FACTOR, "at most", "x", before, seconds)


def _sending_ns(values: Sequence[Any]) -> float:
    """Processor time of encoding and decoding."""
    began = process_time_ns()
    encoder = Encoder()
    item, graph = encoder.item(values), encoder.graph()
    Decoder(graph, encoder.blobs.__getitem__).value(item)
    return process_time_ns() - began
