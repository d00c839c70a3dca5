"""What an engine knows of a site from the times when it was reached, and when it leaves it alone.

To ask the engine takes a microsecond or two, and to take over a loop a tenth of a millisecond. So
a site that gains nothing *rests*: it runs as written, at the cost of a look-up, until some time has
passed. The time doubles, and what a site costs stays below a hundredth of what the program takes.
"""

from dataclasses import dataclass

#: A loop that took less is not worth a proof the next time.
SHORT_NS = 20_000_000
#: The same for native code, which would take much longer in CPython.
NATIVE_SHORT_NS = 2_000_000
#: How often a site that is left alone is looked at again: its items may have become slower. So
#: many visits for nothing send it to rest.
_LOOK_AGAIN = 64
#: The first rest of a site, and the longest.
_REST_NS = 20_000_000
_LONGEST_REST_NS = 1_280_000_000
#: How many frames of a recursion are taken over, one in the other, before anything is known of it.
_FIRST_DEPTH = 12
#: To take calls over may take this part of what they take.
_WORTH = 20
#: What took this many times as long as what is too short could have been divided further.
_LONG = 4


@dataclass(slots=True)
class Visits:
    """What is known of one site."""

    #: Loops of fewer items than this are short.
    short_below: int = 2
    skipped: int = 0
    #: How many loops of a site of calls may be open, one in the other.
    depth: int = _FIRST_DEPTH
    #: How many are.
    open: int = 0
    #: Visits for nothing since the last rest or gain.
    _idle: int = 0
    _next_rest_ns: int = _REST_NS

    def skip(self, count: int) -> bool:
        """True when a loop of so many items should run as written."""
        if count >= self.short_below:
            return False
        self.skipped += 1
        return count < 2 or self.skipped % _LOOK_AGAIN != 0

    def note(self, count: int, spent: int, native: int = 0) -> None:
        """Learn from a loop of ``count`` items, of which so many ran as native code."""
        enough = NATIVE_SHORT_NS if 2 * native > count else SHORT_NS
        self.short_below = 2 * count if spent < enough else 2
        if spent >= enough:
            self._gained()

    def note_calls(self, spent: int, asked: int, native: int = 0) -> bool:
        """Learn from calls that stood side by side, in ``open`` other calls of this site, and that
        it took ``asked`` to take over; native code ran for ``native`` of what was ``spent``. True
        when it should rest."""
        if native < NATIVE_SHORT_NS and spent < max(SHORT_NS, _WORTH * asked):
            self.depth = self.open
            return self.depth == 0
        self._gained()
        if self.open == self.depth - 1 and spent > _LONG * SHORT_NS:
            self.depth += 2
        return False

    def declined(self) -> bool:
        """A visit was for nothing; True when the site should rest."""
        self._idle += 1
        return self._idle >= _LOOK_AGAIN

    def rest(self) -> int:
        """It rests now: for how many nanoseconds."""
        self._idle = 0
        rest, self._next_rest_ns = self._next_rest_ns, min(2 * self._next_rest_ns, _LONGEST_REST_NS)
        return rest

    def wake(self) -> None:
        """Its rest is over."""
        self.depth = max(self.depth, 2)

    def _gained(self) -> None:
        self._idle, self._next_rest_ns = 0, _REST_NS
