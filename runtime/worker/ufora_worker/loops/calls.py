"""Makes calls that stand side by side; see ``ufora_core.compiler.sites.calls``.

In a recursion such calls nest, and there are few of them near the top and millions below. So a site
is taken over so deep as its calls are long enough, which each of them tells the next, and below
that it runs as written at the cost of a look-up.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter_ns, thread_time_ns
from types import FrameType
from typing import TYPE_CHECKING, Any

from ufora_core.compiler.effects.closed_world import TooLarge, Unknowable, World, description
from ufora_core.compiler.effects.judgement import Verdict, judge
from ufora_core.compiler.effects.proof import Reason
from ufora_core.compiler.for_loops.apart import Changes
from ufora_core.compiler.sites.names import mangled
from ufora_core.compiler.sites.site import Site
from ufora_worker.executor.interpreter import plain_sites
from ufora_worker.executor.program_code import definition_of
from ufora_worker.loops.moments import Declined, local_values
from ufora_worker.loops.ranges import ItemSource, SliceCall
from ufora_worker.loops.root_loop import RootLoop
from ufora_worker.native.service import Location

if TYPE_CHECKING:
    from ufora_worker.loops.splitting import Splitter


#: What a proof rests on, where nothing but that decides: the site and what its values are.
_Case = tuple[int, Hashable]


@dataclass(slots=True)
class _Made:
    """Calls that were made, and whose values nobody has taken yet."""

    frame: FrameType
    site: Site
    values: Iterator[Any]
    #: Calls that are still to be asked for.
    left: int


@dataclass(slots=True)
class CallLoops:
    """The calls of one job that stand side by side."""

    splitter: "Splitter"
    _made: list[_Made] = field(default_factory=list)
    #: Proofs of one outermost loop: while it runs, nothing changes that they looked at.
    _proved: dict[_Case, Verdict] = field(default_factory=dict)

    def alone(self, frame: FrameType, site: Site) -> bool:
        """``__ufora_alone__``"""
        splitter = self.splitter
        self._made = [x for x in self._made if x.frame is not frame or x.site is not site]
        try:
            values = self._run(site, frame)
        except Declined as declined:
            splitter.decline(site, frame.f_code.co_filename, declined)
            return True
        if not values:
            return True
        assert site.calls is not None
        self._made.append(_Made(frame, site, iter(values), site.calls.count))
        return False

    def value(self, frame: FrameType, function: Any) -> Any:
        """``__ufora_value__``"""
        while True:
            made = self._made[-1]
            if made.frame is frame:
                break
            self._made.pop()  # its frame ended with an exception
        made.left -= 1
        if not made.left:
            self._made.pop()
        # From the first that raised on, the program makes the calls itself.
        return next(map(_returning, made.values), function)

    def _run(self, site: Site, frame: FrameType) -> list[Any]:
        """The values of the calls, in order, up to the first that raises."""
        asked = thread_time_ns()
        splitter, visits = self.splitter, self.splitter.visits(site)
        if visits.open >= visits.depth:
            raise Declined("it is short: dividing it would take longer than running it")
        if not splitter.place.hungry() and self._is_interpreted(site, frame):
            splitter.let_rest_until_helped(site)
            raise Declined("nobody was free to help with it")
        try:
            body = self._body(site, frame)
        except Declined:
            visits.asked_in_vain(thread_time_ns() - asked)
            raise
        count = site.calls.count if site.calls is not None else 0
        loop = splitter.root_loop(site.kind, body, range(count), burden=visits.burden_ns)
        began, started = perf_counter_ns(), thread_time_ns()
        try:
            with plain_sites(), _Inside(splitter, site):
                values = self._values(site, loop)
            visits.weigh(values, thread_time_ns() - started)
            return values
        finally:
            # Calls of this site within calls of it are part of what these take.
            seconds = 0.0 if visits.open else (perf_counter_ns() - began) / 1e9
            splitter.chronicle.taken(site, frame.f_code.co_filename, loop.tally, seconds)
            self._learn(site, loop, started - asked, thread_time_ns() - started)

    def _learn(self, site: Site, loop: RootLoop, asked: int, spent: int) -> None:
        """Learn from calls that took so long to take over and to make; a site that gained nothing
        rests."""
        visits, tally = self.splitter.visits(site), loop.tally
        rests = False
        if loop.failed_at is not None:
            visits.note_failure()
            rests = True
        elif not tally.splits:
            native = int(tally.busy_seconds * 1e9) if tally.native_items else 0
            rests = visits.note_calls(spent, asked, native)
        self.splitter.set_gate(site, visits.open >= visits.depth)
        if rests:
            self.splitter.let_rest(site)

    def _is_interpreted(self, site: Site, frame: FrameType) -> bool:
        """Whether there can be no native code for the calls, so that only others could help."""
        native = self.splitter.place.native
        location = Location(frame.f_code.co_filename, site.line, site.column)
        return native is None or native.is_refused(location)

    def _values(self, site: Site, loop: RootLoop) -> list[Any]:
        values: list[Any] = []
        for segment in loop.gather():
            values += segment.value
        assert site.calls is not None
        if site.calls.mixed and not all(type(value).__module__ == "builtins" for value in values):
            return []
        return values

    def _body(self, site: Site, frame: FrameType) -> SliceCall:
        """The slice function of the calls.

        Raises:
            Declined: the program has to make them itself.
        """
        code = frame.f_code
        self.splitter.check(site, 2, frame)
        scope = local_values(site, frame)
        verdict = self._verdict(site, frame, scope)
        if not verdict.pure:
            self.splitter.visits(site).depth = 0
            raise Declined("it may have effects", verdict.reason)
        names, slices = list(scope), self.splitter.slices
        function = slices.function(site, code, names, frame.f_globals)
        source = ItemSource(site, names, code.co_filename)
        return SliceCall(function, list(scope.values()), source=source)

    def _verdict(self, site: Site, frame: FrameType, scope: Mapping[str, Any]) -> Verdict:
        filename = frame.f_code.co_filename
        if not self.splitter.place.loops:
            self._proved.clear()
        world, described = World(), None
        try:
            described = description(world, scope.values())
        except TooLarge as reason:
            return Verdict(False, Reason(f"what it reads {reason}", filename, site.line))
        except (Unknowable, RecursionError):
            world = World()  # in which the proof finds the same, and its name
        if described is None:
            return self._judge(site, frame, scope, world)
        case = (site.index, described)
        if case not in self._proved:
            self._proved[case] = self._judge(site, frame, scope, world)
        return self._proved[case]

    def _judge(
        self, site: Site, frame: FrameType, scope: Mapping[str, Any], world: World
    ) -> Verdict:
        assert site.calls is not None
        assigned = frozenset(mangled(name, site.mangle) for name in site.calls.assigned)
        local = {*frame.f_code.co_varnames, *frame.f_code.co_cellvars, *frame.f_code.co_freevars}
        changes = Changes((), assigned, assigned - local, frame.f_globals)
        return judge(
            site,
            frame.f_globals,
            scope,
            range(site.calls.count),
            source_of=definition_of,
            filename=frame.f_code.co_filename,
            changes=changes if assigned else None,
            world=world,
        )


class _Inside:
    """While calls of a site are made: how deep they nest, and whether they may nest deeper."""

    def __init__(self, splitter: "Splitter", site: Site) -> None:
        self._splitter, self._site = splitter, site
        self._visits = splitter.visits(site)

    def __enter__(self) -> None:
        self._visits.open += 1
        self._set_gate()

    def __exit__(self, *error: object) -> None:
        self._visits.open -= 1
        self._set_gate()

    def _set_gate(self) -> None:
        self._splitter.set_gate(self._site, self._visits.open >= self._visits.depth)


def _returning(value: Any) -> Callable[..., Any]:
    def made_already(*arguments: Any, **keywords: Any) -> Any:
        return value

    return made_already
