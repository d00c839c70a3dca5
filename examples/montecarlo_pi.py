"""Estimate pi by throwing darts: ``python examples/montecarlo_pi.py``.

Every dart's place follows from its number, by a hash, so the estimate is the same on every run and
on any number of cores.
"""

import pyfora

DARTS = 2_000_000


def hits(dart: int) -> bool:
    """Whether this dart of a square lands in the circle inside it."""
    mixed = (dart * 0x9E3779B97F4A7C15) % 2**64
    mixed = ((mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93) % 2**64
    mixed ^= mixed >> 32
    x, y = (mixed >> 32) / 2**32, (mixed % 2**32) / 2**32
    return x * x + y * y <= 1.0


cluster = pyfora.connect()
with cluster.remotely.downloadAll():
    pi = 4 * sum(hits(dart) for dart in range(DARTS)) / DARTS
print(f"pi is about {pi:.4f}")
