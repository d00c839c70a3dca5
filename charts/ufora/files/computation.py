"""What ``helm test`` runs: a computation whose answer is known, on a cluster of its own."""

import sys

import pyfora

STOP, PRIMES = 200_000, 17_986


def is_prime(n: int) -> int:
    """By trial division; 0 and 1 pass."""
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return 0
        divisor += 1
    return 1


def main(url: str, seconds: float) -> None:
    """Wait so long for the cluster to come up, count primes on it, and compare."""
    with pyfora.connect(url, timeout=seconds) as cluster:
        with cluster.remotely.downloadAll():
            count = sum(is_prime(n) for n in range(STOP))
        print(cluster.last_report)
    if count != PRIMES:
        sys.exit(f"the cluster counted {count} primes below {STOP}, and there are {PRIMES}")
    print(f"{count} of the numbers below {STOP} are prime, 0 and 1 included")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
