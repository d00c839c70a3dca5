"""What became of the loops of one job, for its report."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ufora_core.compiler.effects.proof import Reason
from ufora_core.compiler.for_loops.item import ITEM
from ufora_core.compiler.for_loops.statement import Sequential
from ufora_core.compiler.sites.calls import Definition, calls_of, worthwhile
from ufora_core.compiler.sites.rewriting import Site
from ufora_core.program import Explanation, FunctionFacts, LoopFacts
from ufora_core.protocol.parts import ExecutorUse
from ufora_worker.loops.first_look import CHEAP
from ufora_worker.loops.loop import Place
from ufora_worker.loops.runners import Native
from ufora_worker.native.refusal import UserFunction

#: Characters of a loop's text that the report shows.
_TEXT = 100
_TOO_LATE = Explanation("the loop was over before native code for it was ready", "", 0)


@dataclass(slots=True)
class Tally:
    """One run of a loop, counted over all executors that took part."""

    items: int = 0
    splits: int = 0
    steals: int = 0
    native_items: int = 0
    bails: int = 0
    busy_seconds: float = 0.0
    why_interpreted: Explanation | None = None
    #: Functions that native code was wanted for, and why there is none; None where there is.
    functions: dict[UserFunction, Explanation | None] = field(default_factory=dict)

    def add(self, use: ExecutorUse, *, stolen: bool) -> None:
        """What one executor did with one range of it."""
        self.items += use.items
        self.splits += use.splits
        self.steals += stolen
        self.native_items += use.native_items
        self.bails += use.bails
        self.busy_seconds += use.busy_seconds

    def merge(self, other: "Tally") -> None:
        """What was done for another loop of the same site, or another part of the same one."""
        self.items += other.items
        self.splits += other.splits
        self.steals += other.steals
        self.native_items += other.native_items
        self.bails += other.bails
        self.why_interpreted = other.why_interpreted or self.why_interpreted
        note_functions(self.functions, other.functions)

    def note_native(self, native: Native | None, place: Place) -> None:
        """What became of the native code that the owner of the loop wanted."""
        self.why_interpreted = why_interpreted(native, place)
        if native is not None:
            why = self.why_interpreted
            note_functions(self.functions, dict.fromkeys(native.functions, why))

    def settle(self) -> None:
        """The loop is over: what came too late for its owner was in time where items ran
        natively."""
        if self.native_items and self.why_interpreted == _TOO_LATE:
            self.why_interpreted = None
            self.functions = {
                each: None if why == _TOO_LATE else why for each, why in self.functions.items()
            }


def note_functions(
    known: dict[UserFunction, Explanation | None],
    more: Mapping[UserFunction, Explanation | None],
) -> None:
    """Adds functions; one that is native somewhere stays so. The function that a ``for``
    statement's item has become is none of the user's."""
    for function, why in more.items():
        if function.name != ITEM:
            native = function in known and known[function] is None
            known[function] = None if native else why


@dataclass(slots=True)
class _Account:
    """All that happened at one site."""

    site: Site
    filename: str
    taken: int = 0
    declined: int = 0
    seconds: float = 0.0
    total: Tally = field(default_factory=Tally)
    why_sequential: Explanation | None = None

    @property
    def is_trifle(self) -> bool:
        """Whether it was only a call that was over before anything could be done for it."""
        total = self.total
        alone = self.site.calls is not None and total.items <= self.taken and not total.native_items
        return alone and self.taken > 0 and total.why_interpreted == _TOO_LATE


@dataclass(frozen=True, slots=True)
class _Refused:
    """A ``for`` statement that is no site, in the block or in a function of this name."""

    filename: str
    function: str
    statement: Sequential


class Chronicle:
    """What became of a job's sites, of ``for`` statements that are none, and of functions."""

    def __init__(self) -> None:
        #: By the index of their site.
        self._accounts: dict[int, _Account] = {}
        self._refused: list[_Refused] = []
        self._functions: dict[UserFunction, Explanation | None] = {}
        #: The functions that came with the program, or are defined in it.
        self._definitions: list[Definition] = []

    def defined(self, definitions: Iterable[Definition]) -> None:
        """These functions came with the program, or are defined in it."""
        self._definitions += definitions

    def refused(self, filename: str, function: str, statements: Iterable[Sequential]) -> None:
        """These ``for`` statements always run as written. ``function`` is empty for the block."""
        self._refused += [_Refused(filename, function, each) for each in statements]

    def taken(self, site: Site, filename: str, tally: Tally, seconds: float) -> None:
        """The engine ran a loop of the site."""
        tally.settle()
        account = self._account(site, filename)
        account.taken += 1
        account.seconds += seconds
        account.total.merge(tally)
        note_functions(self._functions, tally.functions)

    def declined(
        self, site: Site, filename: str, why: Reason | None, *, passing: bool = False
    ) -> None:
        """A loop of the site ran as written. A ``passing`` reason does not stand in the place of
        one that says more."""
        account = self._account(site, filename)
        account.declined += 1
        if why is not None and not (passing and account.why_sequential is not None):
            account.why_sequential = Explanation(why.message, why.filename, why.line)

    def as_written(
        self, site: Site, filename: str, native: Native, place: Place, seconds: float
    ) -> None:
        """A ``for`` statement ran as written, though it lasted: there is no native code for its
        items, and they take less than dividing them."""
        tally = Tally()
        tally.note_native(native, place)
        account = self._account(site, filename)
        account.declined += 1
        account.seconds += seconds
        account.total.merge(tally)
        account.why_sequential = Explanation(CHEAP, filename, site.line)
        note_functions(self._functions, tally.functions)

    def in_turn(
        self,
        site: Site,
        filename: str,
        turns: int,
        seconds: float,
        functions: Iterable[UserFunction],
    ) -> None:
        """So many turns of a ``for`` statement ran natively, one after the other, and called these
        functions."""
        account = self._account(site, filename)
        account.seconds += seconds
        account.total.native_items += turns
        note_functions(self._functions, dict.fromkeys(functions))
        why = None if site.loop is None else site.loop.why
        if why is not None:
            account.why_sequential = Explanation(why.message, filename, why.line)

    def loops(self) -> tuple[LoopFacts, ...]:
        """One entry for each site that was reached, and one for each ``for`` statement that is no
        site and might have been worth it, by file and line."""
        found = [
            ((each.filename, each.site.line, each.site.column), _facts(each))
            for each in self._accounts.values()
            if not each.is_trifle
        ]
        found += [
            ((each.filename, each.statement.line, each.statement.column), _facts_of_refused(each))
            for each in self._told()
        ]
        return tuple(facts for _, facts in sorted(found, key=lambda each: each[0]))

    def functions(self) -> tuple[FunctionFacts, ...]:
        """One entry for each function that native code was wanted for, by file and line."""
        functions = sorted(
            self._functions.items(), key=lambda each: (each[0].filename, each[0].line)
        )
        return tuple(
            FunctionFacts(each.name, each.filename, each.line, why is None, why)
            for each, why in functions
        )

    def _told(self) -> Iterator[_Refused]:
        """The ``for`` statements of the block, and those in functions that may last; but none in
        functions that items of a loop call, for there is nothing to gain."""
        slow = worthwhile(self._definitions)
        in_items = self._in_items()
        known = {
            (each.filename, each.site.line, each.site.column) for each in self._accounts.values()
        }
        for each in self._refused:
            if (each.filename, each.statement.line, each.statement.column) in known:
                continue
            may_last = each.statement.may_last(slow)
            if not each.function or (may_last and each.function not in in_items):
                yield each

    def _in_items(self) -> set[str]:
        """Names of functions that items of the loops that were taken call; calls that stand side
        by side are too few to keep everybody busy."""
        accounts = self._accounts.values()
        taken = [each.site for each in accounts if each.taken and each.site.calls is None]
        found = {name for site in taken for name in (*site.free, *site.functions)}
        while True:
            called = (each.names for each in self._definitions if each.name in found)
            more = set[str]().union(*called) - found
            if not more:
                return found
            found |= more

    def _account(self, site: Site, filename: str) -> _Account:
        return self._accounts.setdefault(site.index, _Account(site, filename))


def _facts(account: _Account) -> LoopFacts:
    total = account.total
    return LoopFacts(
        filename=account.filename,
        line=account.site.line,
        text=text_of_loop(account.site),
        taken=account.taken,
        declined=account.declined,
        items=total.items,
        seconds=account.seconds,
        splits=total.splits,
        steals=total.steals,
        native_items=total.native_items,
        bails=total.bails,
        why_sequential=account.why_sequential,
        why_interpreted=total.why_interpreted,
    )


def _facts_of_refused(refused: _Refused) -> LoopFacts:
    why = refused.statement.why
    return LoopFacts(
        filename=refused.filename,
        line=refused.statement.line,
        text=_shortened(refused.statement.head),
        taken=0,
        declined=0,
        why_sequential=Explanation(why.message, refused.filename, why.line),
    )


def why_interpreted(native: Native | None, place: Place) -> Explanation | None:
    """Why the items of a loop ran in CPython; None where there is native code, or can be none."""
    if place.native is None:
        return Explanation(
            "the worker makes no native code: llvmlite is missing there, or UFORA_NATIVE is 0",
            "",
            0,
            'pip install "ufora-worker[native]"',
        )
    if native is None or native.is_made:
        return None
    refusal = native.refusal
    if refusal is None:
        return _TOO_LATE
    return Explanation(refusal.message, refusal.filename, refusal.line, refusal.edit)


def text_of_loop(site: Site) -> str:
    """The loop as a reader of the report recognises it, cut off where it is long."""
    if site.loop is not None:
        return _shortened(site.loop.head)
    if site.calls is not None:
        return _shortened(", ".join(map(ast.unparse, calls_of(site.comprehension))))
    match site.original:
        case ast.Call(func=function, args=[ast.GeneratorExp() as items], keywords=[]):
            # ``ast.unparse`` gives these parentheses of their own, up to Python 3.12.
            return _shortened(f"{ast.unparse(function)}{ast.unparse(items)}")
        case None:
            return _shortened(ast.unparse(site.comprehension))
        case written:
            return _shortened(ast.unparse(written))


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 3]}..."
