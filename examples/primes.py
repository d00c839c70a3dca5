"""Count primes: ``python examples/primes.py [HOW_MANY_NUMBERS]``, ten million unless told.

The items differ a hundredfold in what they cost, and the later ones cost more; still every core is
busy to the end, because a core that has nothing to do takes half of what another has left.
"""

import sys

import pyfora


def is_prime(p: int) -> int:
    """By trial division; 0 and 1 pass, as they do in the tutorial that this function is from."""
    x = 2
    while x * x <= p:
        if p % x == 0:
            return 0
        x = x + 1
    return 1


def main(stop: int) -> None:
    """Count on a cluster on this machine, and say what that took."""
    with pyfora.connect() as cluster:
        with cluster.remotely.with_progress(pyfora.progress()).downloadAll():
            count = sum(is_prime(n) for n in range(stop))
        print(f"{count} of the numbers below {stop:,} are prime, 0 and 1 included")
        print(cluster.last_report)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
