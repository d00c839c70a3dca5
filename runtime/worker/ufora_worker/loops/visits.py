"""What an engine knows of a site from the times when it was reached, and when it leaves it alone.

To ask the engine takes some microseconds, and to look at a loop closely and take it over some
milliseconds. So a site whose loops are short is looked at again only when a loop has many more
items, or after a hundred times what a look takes, since items may have become slower. A site that
gains nothing at all *rests*: it runs as written, at the cost of a look-up, until some time has
passed. Both times double, and what a site costs stays below a hundredth of what the program takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isqrt
from time import perf_counter_ns
from typing import Any

from ufora_worker.executor.chronicle import Tally
from ufora_worker.loops.weights import weigh

#: A loop whose items took less is not worth a look the next time.
SHORT_NS = 20_000_000
#: The same for native code, which would take much longer in CPython.
NATIVE_SHORT_NS = 2_000_000
#: Neither is one whose items took less than so many times what the look did; where others helped
#: with it, a part of that is enough.
WORTH, _HELPED = 20, 10
#: A loop of how many times the items of a short one is worth a look, at least and at most.
_LEAST_GROWTH, _MOST_GROWTH = 2, 32
#: How many times what was lost passes before the next one of a site whose loops are short; and
#: how long that is at least.
_LOOKS, _LOOK_NS = 100, 50_000_000
#: How often that time doubles.
_MOST_DOUBLINGS = 5
#: So many visits for nothing send a site to rest, and so many when it rested before.
_IDLE, _IDLE_AGAIN = 64, 16
#: The first rest of a site, and the longest.
_REST_NS = 20_000_000
_LONGEST_REST_NS = 1_280_000_000
#: How many frames of a recursion are taken over, one in the other, before anything is known of it.
_FIRST_DEPTH = 12
#: What took this many times as long as what is too short could have been divided further.
_LONG = 4
#: After proofs that found nothing and took so long together, a site rests.
_VAIN_NS = 500_000
#: Values that take more than this part of what the calls took to be sent are better made here. It
#: is small, since small calls take mostly what it takes to take those over that are in them.
_HEAVY = 0.125
#: As much might be lost with calls in a recursion of which nothing is known yet.
_UNKNOWN_NS = 50_000_000.0
#: What calls give is weighed again when they took so many times as long as those before.
_WEIGHED_AGAIN = 4


@dataclass(slots=True)
class Visits:
    """What is known of one site."""

    #: Loops of fewer items than this are short.
    short_below: int = 2
    #: How many loops of a site of calls may be open, one in the other.
    depth: int = _FIRST_DEPTH
    #: How many are.
    open: int = 0
    #: Whether sending what its calls give would take longer than making it here.
    heavy: bool = False
    #: How long the calls took whose values were weighed last.
    _weighed_ns: int = 0
    #: Visits for nothing since the last rest or gain, and what proofs for nothing took.
    _idle: int = 0
    _vain_ns: int = 0
    _next_rest_ns: int = _REST_NS
    #: When a short loop is worth a look, and how many there were in vain.
    _look_at_ns: int = 0
    _in_vain: int = 0

    def skip(self, count: int) -> bool:
        """True when a loop of so many items should run as written, unseen."""
        if count >= self.short_below:
            return False
        return count < 2 or perf_counter_ns() < self._look_at_ns

    def note_loop(self, count: int, tally: Tally, asked: int, spent: int) -> None:
        """Learn from a loop of ``count`` items, which took ``asked`` nanoseconds to look at and
        this thread ``spent`` to run with everything that belongs to it."""
        busy = int(tally.busy_seconds * 1e9)
        besides, helped = max(spent - busy, 0), tally.steals > 0
        self.note(count, busy, tally.native_items, helped=helped, asked=asked, besides=besides)

    def note(
        self,
        count: int,
        spent: int,
        native: int = 0,
        *,
        helped: bool = False,
        asked: int = 0,
        besides: int = 0,
    ) -> None:
        """Learn from a loop of ``count`` items that took ``spent`` nanoseconds, when so many of
        them ran as native code, and perhaps others ``helped``. To look at it took ``asked``, and to
        run it ``besides`` its items so much."""
        worth = WORTH // _HELPED if helped else WORTH
        enough = NATIVE_SHORT_NS if 2 * native > count else max(SHORT_NS, worth * asked)
        if spent >= enough:
            self.short_below, self._in_vain = 2, 0
            self._gained()
        else:
            # If what it takes grows with the square of the items, a loop of fewer is short, too.
            growth = min(isqrt(enough // max(spent, 1)), _MOST_GROWTH)
            self._looked_in_vain(count * max(growth, _LEAST_GROWTH), asked + besides)

    def refused(self, count: int, asked: int) -> None:
        """Learn that a loop of so many items could not be taken over, which took ``asked``
        nanoseconds to find out."""
        self._looked_in_vain(_LEAST_GROWTH * count, asked)

    def note_calls(self, spent: int, asked: int, native: int = 0) -> bool:
        """Learn from calls that stood side by side, in ``open`` other calls of this site, and that
        it took ``asked`` to take over; native code ran for ``native`` of what was ``spent``. True
        when it should rest."""
        if native < NATIVE_SHORT_NS and spent < max(SHORT_NS, WORTH * asked):
            self.depth = self.open
            return self.depth == 0
        if self.heavy and not native:
            return True
        self._gained()
        if self.open == self.depth - 1 and spent > _LONG * SHORT_NS:
            self.depth += 2
        return False

    def burden_ns(self) -> float:
        """What giving a call away has to gain besides what it takes to send its arguments: infinite
        where its value is known to be heavy, and much as long as a recursion has not shown what
        calls of it give."""
        if self.heavy:
            return inf
        return _UNKNOWN_NS if self.open > 1 and not self._weighed_ns else 0.0

    def note_failure(self) -> None:
        """Learn that a call raised, which the program now makes again: if calls within that one
        were taken over once more, each level of a recursion would double what it takes."""
        self.depth = 0

    def weigh(self, values: Iterable[Any], spent: int) -> None:
        """Learn from the values of calls that took ``spent`` together."""
        if spent >= _WEIGHED_AGAIN * self._weighed_ns:
            self._weighed_ns = spent
            self.heavy = weigh(values, _HEAVY * spent) > _HEAVY * spent

    def asked_in_vain(self, spent: int) -> None:
        """It took so long to find that a site cannot be taken over."""
        self._vain_ns += spent

    def declined(self) -> bool:
        """A visit was for nothing; True when the site should rest."""
        self._idle += 1
        enough = _IDLE if self._next_rest_ns == _REST_NS else _IDLE_AGAIN
        return self._idle >= enough or self._vain_ns >= _VAIN_NS

    def rest(self) -> int:
        """It rests now: for how many nanoseconds."""
        rest = max(self._next_rest_ns, WORTH * self._vain_ns)
        self._idle = self._vain_ns = 0
        self._next_rest_ns = min(2 * self._next_rest_ns, _LONGEST_REST_NS)
        return rest

    def wake(self) -> None:
        """Its rest is over."""
        self.depth = max(self.depth, 2)
        self.heavy, self._weighed_ns = False, 0

    def _gained(self) -> None:
        self._idle, self._vain_ns, self._next_rest_ns = 0, 0, _REST_NS

    def _looked_in_vain(self, short_below: int, lost: int) -> None:
        self.short_below = max(self.short_below, short_below)
        self._look_at_ns = perf_counter_ns() + (max(_LOOKS * lost, _LOOK_NS) << self._in_vain)
        self._in_vain = min(self._in_vain + 1, _MOST_DOUBLINGS)
