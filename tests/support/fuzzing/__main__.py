"""``python -m fuzzing [--seconds N] [--count N] [--part PART]...``: look for wrong answers.

It looks at fresh numbers, on all cores, and prints each difference with the smallest program that
shows it. It ends with status 1 if there was any.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import SystemRandom

from fuzzing import campaign
from fuzzing.parts import PARTS
from fuzzing.tally import Tally

#: How the time is shared, and for how long a part goes on before the next one.
_SHARES = {"operators": 0.2, "programs": 0.5, "blocks": 0.3}
_ROUND = 60.0
#: Seconds to look for where nothing else is said, and numbers that no round gets through.
_SECONDS, _MANY = 60.0, 10**9
#: Numbers of one round where a count is given: so much is lost at most when it is interrupted.
_COUNTED = 10_000


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    parts = options.part or list(PARTS)
    first = SystemRandom().randrange(1 << 40) if options.first is None else options.first
    turns = _counted(parts, first, options) if options.count else _timed(parts, first, options)
    total = Tally()
    for part, start, tally in turns:
        print(f"{part} from {start}: {tally}", *tally.failures, sep="\n", flush=True)
        total.add(tally)
        if options.results:
            line = {"part": part, "first": start, "time": time.time(), **asdict(tally)}
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
    print(f"all: {total}")
    missing = (options.count or 0) * len(parts) - total.numbers
    if missing > 0:
        print(f"{missing} were not looked at: {_why(total)}")
    sys.exit(bool(total.different))


def _why(total: Tally) -> str:
    return "processes crashed at them" if total.different else "the time was up"


_Turns = Iterator[tuple[str, int, Tally]]


def _timed(parts: list[str], first: int, options: argparse.Namespace) -> _Turns:
    """All parts in turn, until the time is up."""
    end = time.monotonic() + (options.seconds or _SECONDS)
    share = sum(_SHARES[part] for part in parts)
    while (left := end - time.monotonic()) > 0:
        for part in parts:
            seconds = min(_ROUND, left) * _SHARES[part] / share
            yield part, first, campaign.run(part, first, _MANY, seconds)
        first += _MANY


def _counted(parts: list[str], first: int, options: argparse.Namespace) -> _Turns:
    """So many numbers of each part; for no longer than the seconds, if any are given."""
    end = time.monotonic() + (options.seconds or 1e9)
    for part in parts:
        for done in range(0, options.count, _COUNTED):
            count = min(_COUNTED, options.count - done)
            if (left := end - time.monotonic()) > 0:
                yield part, first + done, campaign.run(part, first + done, count, left)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzzing", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, help="how long to look (default: 60, or as long as a count takes)"
    )
    parser.add_argument("--count", type=int, help="how many numbers of each part")
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this part")
    parser.add_argument("--first", type=int, help="the first number (default: a fresh one)")
    parser.add_argument(
        "--results", type=Path, help="a file that gets a line of JSON for each round"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
