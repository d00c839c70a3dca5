"""``python -m fuzzing [--seconds N] [--part PART]...``: look for differences from CPython.

It looks at fresh numbers, on all cores, and ends with status 1 at the first difference, which it
prints with the smallest program that shows it.
"""

import argparse
import sys
import time
from random import SystemRandom

from fuzzing import campaign
from fuzzing.parts import PARTS

#: How the time is shared, and for how long a part goes on before the next one.
_SHARES = {"operators": 0.2, "programs": 0.5, "blocks": 0.3}
_ROUND = 60.0
_MANY = 10**9


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    end = time.monotonic() + options.seconds
    parts = options.part or list(PARTS)
    share = sum(_SHARES[part] for part in parts)
    first = SystemRandom().randrange(1 << 40) if options.first is None else options.first
    while (left := end - time.monotonic()) > 0:
        for part in parts:
            turn = min(_ROUND, left) if options.count == _MANY else left
            seconds = turn * _SHARES[part] / share
            _look(part, first, options.count, seconds)
        first += _MANY
        if options.count < _MANY:
            break


def _look(part: str, first: int, count: int, seconds: float) -> None:
    tally = campaign.run(part, first, count, seconds)
    print(
        f"{part} from {first}: {tally.numbers} looked at, {tally.accepted} accepted natively, "
        f"{tally.items + tally.bailed} items, {tally.bailed} of them bailed, "
        f"{tally.abandoned} took too long, {'1' if tally.failure else 'no'} difference",
        flush=True,
    )
    if tally.failure:
        sys.exit(tally.failure)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzzing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look (default 60)")
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this part")
    parser.add_argument("--first", type=int, help="the first number (default: a fresh one)")
    parser.add_argument("--count", type=int, default=_MANY, help="how many numbers")
    return parser.parse_args()


if __name__ == "__main__":
    main()
