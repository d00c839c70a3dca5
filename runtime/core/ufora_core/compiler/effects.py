"""Proves that nobody can notice how, where and how often a loop's items run.

``judge`` runs an item of a site on abstract values: every variable may hold anything that is ever
assigned to it, every branch is taken, and calls are looked into with the concrete functions that
the captured values lead to. What is left over must be pure: it may read what exists and raise
exceptions, but change only what it made itself. Anything else ends the proof with a reason.

What the proof rests on: a value from outside can only be a part of a captured value, so the classes
reachable from those are all there are (``closed_world``); what libraries do is listed in tables;
everything unknown counts as an effect.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import CellType, CodeType, FunctionType

from ufora_core.compiler.classes import iterator_types
from ufora_core.compiler.closed_world import World
from ufora_core.compiler.definitions import Definitions
from ufora_core.compiler.expressions import evaluate, run_generators
from ufora_core.compiler.frames import Arguments, Frame, Rebound, Session
from ufora_core.compiler.functions import Outcomes
from ufora_core.compiler.kinds import Value
from ufora_core.compiler.operators import COMPARE, COPY, HASH, TRUTH, iterate, special
from ufora_core.compiler.proof import NotProved, Reason, quote
from ufora_core.compiler.sites import Site, SiteKind
from ufora_core.compiler.statements import execute

__all__ = ["BlockScope", "Reason", "Verdict", "judge", "judge_block", "judge_function"]

#: How the reason begins when the proof itself went wrong.
BROKEN = "the proof went wrong"

SourceOf = Callable[[CodeType], ast.AST | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a site may be split; if not, the first reason that stands in the way."""

    pure: bool
    reason: Reason | None = None


def judge(
    site: Site,
    namespace: Mapping[str, object],
    scope: Mapping[str, object],
    items: object,
    *,
    source_of: SourceOf,
    filename: str = "<block>",
    operand: Sequence[object] = (),
) -> Verdict:
    """May the items of ``site`` run anywhere, in any order and any number of times?

    ``namespace`` holds the global names, ``scope`` the values of the site's local names,
    ``items`` what is iterated over, ``operand`` the reducer's start or default if there is one.
    ``source_of`` gives the parsed definition of a function's code, or None.
    """
    kept = sorted(site.kept.intersection(scope))
    if kept:
        message = (
            f"`{kept[0]}` is a variable around the loop that a function made in the loop holds on "
            "to: pass it as a default argument instead"
        )
        return Verdict(False, Reason(message, filename, site.line))
    return _settle(
        lambda session: _run_site(session, site, namespace, scope, items, filename, operand),
        source_of,
        Reason(f"{quote(site.comprehension)} is too deeply nested", filename, site.line),
    )


@dataclass(frozen=True, slots=True)
class BlockScope:
    """The names around a block, with the values that they have when it begins."""

    #: Global names.
    namespace: Mapping[str, object]
    #: Every other name.
    variables: Mapping[str, object]
    #: Names that the block may bind.
    assigned: frozenset[str]
    #: Whether these are global names, which functions may read too.
    assigns_globals: bool
    #: Class around the block, for ``__private`` names.
    mangle: str = ""


def judge_block(
    statements: Sequence[ast.stmt], scope: BlockScope, *, source_of: SourceOf, filename: str
) -> Verdict:
    """May a block run again from its beginning, on values as they were then, unnoticed?

    What it assigns may differ from what the names meant before; objects that it was given it must
    leave as they are, for this proof takes what they hold for settled.
    """
    return _settle(
        lambda session: _run_block(session, statements, scope, filename),
        source_of,
        Reason("the block is too deeply nested", filename, statements[0].lineno),
    )


def judge_function(
    function: FunctionType, arguments: Sequence[Value], *, source_of: SourceOf
) -> Verdict:
    """May ``function`` be called with such arguments anywhere and any number of times?

    Arguments of unknown class stand for instances of built-in classes: the proof cannot see which
    classes of the user's a caller has in mind.
    """
    code = function.__code__
    return _settle(
        lambda session: _run_function(session, function, arguments),
        source_of,
        Reason(
            f"`{function.__name__}` is too deeply nested", code.co_filename, code.co_firstlineno
        ),
    )


def _settle(run: Callable[[Session], None], source_of: SourceOf, too_deep: Reason) -> Verdict:
    """Runs the proof until it meets no class that it did not know when it began."""
    world, definitions = World(), Definitions(source_of)
    try:
        while True:
            version = world.version
            run(Session(world, definitions, Outcomes().run))
            if world.version == version:
                return Verdict(True)
    except NotProved as found:
        return Verdict(False, found.reason)
    except RecursionError:
        return Verdict(False, too_deep)
    except Exception as error:
        # A mistake of ours must not become the user's: what is not proved runs as written.
        message = f"{BROKEN}: {type(error).__name__}: {error}; please report this"
        return Verdict(False, replace(too_deep, message=message))


def _run_block(
    session: Session, statements: Sequence[ast.stmt], scope: BlockScope, filename: str
) -> None:
    around = {**scope.variables}
    given = {name: around.pop(name) for name in sorted(scope.assigned & around.keys())}
    if scope.assigns_globals:
        session.rebound = Rebound(scope.namespace, scope.assigned)
        given |= {x: scope.namespace[x] for x in sorted(scope.assigned & scope.namespace.keys())}
    cells = {name: CellType(value) for name, value in around.items()}
    frame = Frame(session, filename, scope.assigned, scope.namespace, cells, mangle=scope.mangle)
    for name, value in given.items():
        frame.bind(name, frame.see(value, name, statements[0]))
    while True:
        version = frame.version
        execute(frame, statements)
        if frame.version == version:
            return


def _run_function(session: Session, function: FunctionType, arguments: Sequence[Value]) -> None:
    frame = Frame(session, function.__code__.co_filename, frozenset(), {})
    place = ast.Pass(lineno=function.__code__.co_firstlineno, col_offset=0)
    session.call(frame, place, function, Arguments(tuple(arguments)))


def _run_site(
    session: Session,
    site: Site,
    namespace: Mapping[str, object],
    scope: Mapping[str, object],
    items: object,
    filename: str,
    operand: Sequence[object],
) -> None:
    comprehension = site.comprehension
    cells = {name: CellType(value) for name, value in scope.items()}
    frame = Frame(session, filename, frozenset(), namespace, cells, mangle=site.mangle)
    outermost = comprehension.generators[0].iter
    source = frame.see(items, quote(outermost).strip("`"), outermost)
    starts = [frame.see(each, "start", comprehension) for each in operand]
    while True:
        version = frame.version
        run_generators(frame, comprehension, iterate(frame, outermost, source))
        if isinstance(comprehension, ast.DictComp):
            value = evaluate(frame, comprehension.key)
            evaluate(frame, comprehension.value)
        else:
            value = evaluate(frame, comprehension.elt)
        frame.layers.pop()
        if value.types is not None and not value.types.isdisjoint(iterator_types()):
            frame.refuse(
                comprehension,
                f"the items of {quote(comprehension)} are iterators, which cannot travel: make "
                "lists of them",
            )
        _fold(frame, site, value, starts)
        if frame.version == version:
            return


#: What folding the items' values uses of them.
_FOLDS: Mapping[SiteKind, tuple[str, ...]] = {
    SiteKind.SUM: ("__add__", "__radd__"),
    SiteKind.MIN: COMPARE,
    SiteKind.MAX: COMPARE,
    SiteKind.ANY: TRUTH,
    SiteKind.ALL: TRUTH,
    SiteKind.SET: HASH,
    SiteKind.FROZENSET: HASH,
    SiteKind.DICT: HASH,
}


def _fold(frame: Frame, site: Site, value: Value, starts: Sequence[Value]) -> None:
    # Values that come from other processes are copies.
    names = (*_FOLDS.get(site.kind, ()), *COPY)
    special(frame, site.comprehension, names, value, *starts)
