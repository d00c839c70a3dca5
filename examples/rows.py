"""Compare every row of a matrix with all others: ``python examples/rows.py``.

The matrix goes to the cluster once, without being pickled, and every core reads the same memory.
"""

import numpy as np
from numpy.typing import NDArray

import pyfora

ROWS, COLUMNS = 2_000, 64


def nearest(matrix: NDArray[np.float64], row: int) -> int:
    """Number of the row whose values are closest to this one's."""
    distances = ((matrix - matrix[row]) ** 2).sum(axis=1)
    distances[row] = np.inf
    return int(distances.argmin())


matrix = np.random.default_rng(seed=1).normal(size=(ROWS, COLUMNS))
cluster = pyfora.connect()
with cluster.remotely.downloadAll():
    neighbours = [nearest(matrix, row) for row in range(ROWS)]
mutual = sum(neighbours[neighbours[row]] == row for row in range(ROWS))
print(f"{mutual} of {ROWS:,} rows are the nearest row of their own nearest row")
