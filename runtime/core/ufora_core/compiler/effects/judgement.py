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

from ufora_core.compiler.effects.calls import call
from ufora_core.compiler.effects.classes import iterator_types
from ufora_core.compiler.effects.closed_world import World
from ufora_core.compiler.effects.definitions import Definitions
from ufora_core.compiler.effects.expressions import evaluate, run_generators
from ufora_core.compiler.effects.frames import Arguments, Frame, Rebound, Session
from ufora_core.compiler.effects.functions import Outcomes
from ufora_core.compiler.effects.kinds import INT, Reach, Value, join
from ufora_core.compiler.effects.operators import (
    COMPARE,
    COPY,
    HASH,
    ITERATE,
    READ,
    TRUTH,
    iterate,
    special,
)
from ufora_core.compiler.effects.proof import NotProved, Reason, quote
from ufora_core.compiler.effects.statements import execute
from ufora_core.compiler.for_loops.apart import Changes
from ufora_core.compiler.sites.iterables import spelled
from ufora_core.compiler.sites.reducers import JOIN, SORTED, UPDATE, SiteKind
from ufora_core.compiler.sites.site import Site
from ufora_core.compiler.sites.views import Chained, Enumerated, Picked, Product, Reversed, Zipped

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
    before: Sequence[object] = (),
    changes: Changes | None = None,
    world: World | None = None,
) -> Verdict:
    """May the items of ``site`` run anywhere, in any order and any number of times?

    ``namespace`` holds the global names, ``scope`` the values of the site's local names and of
    ``site.given_names``, ``items`` what is iterated over, ``operand`` the reducer's start or
    default if there is one, ``before`` the functions that it calls on values. ``source_of`` gives
    the parsed definition of a function's code, or None. ``changes`` are those that are made in
    order, beside the items. ``world`` may have seen some of all that already.
    """
    kept = sorted(site.kept.intersection(scope))
    if kept:
        message = (
            f"`{kept[0]}` is a variable around the loop that a function made in the loop holds on "
            "to: pass it as a default argument instead"
        )
        return Verdict(False, Reason(message, filename, site.line))
    values = _Values(namespace, scope, items, operand, before, changes)
    verdict = _settle(
        lambda session: _run_site(session, site, values, filename),
        source_of,
        Reason(f"{quote(site.comprehension)} is too deeply nested", filename, site.line),
        world,
    )
    if verdict.reason is None:
        return verdict
    message = spelled(verdict.reason.message, site.functions, site.key)
    return Verdict(False, replace(verdict.reason, message=message))


@dataclass(frozen=True, slots=True)
class _Values:
    """What a site works on; see ``judge``."""

    namespace: Mapping[str, object]
    scope: Mapping[str, object]
    items: object
    operand: Sequence[object]
    before: Sequence[object]
    changes: Changes | None


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


def _settle(
    run: Callable[[Session], None],
    source_of: SourceOf,
    too_deep: Reason,
    world: World | None = None,
) -> Verdict:
    """Runs the proof until it meets no class that it did not know when it began."""
    world, definitions = world or World(), Definitions(source_of)
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


def _run_site(session: Session, site: Site, values: _Values, filename: str) -> None:
    session.divides = True
    comprehension = site.comprehension
    cells = {name: CellType(value) for name, value in values.scope.items()}
    frame = Frame(session, filename, frozenset(), values.namespace, cells, mangle=site.mangle)
    outermost = comprehension.generators[0].iter
    item = _item_of(frame, outermost, values.items)
    starts = [frame.see(each, "start", comprehension) for each in values.operand]
    before = [frame.see(each, "the function", comprehension) for each in values.before]
    if values.changes is not None:
        session.rebound = values.changes.rebound
    while True:
        version = frame.version
        run_generators(frame, comprehension, item)
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
        _fold(frame, site, value, starts, before)
        if values.changes is not None:
            special(frame, comprehension, values.changes.uses, value, item)
        if frame.version == version:
            break
    if values.changes is not None and values.changes.reached_from(session.world):
        frame.refuse(comprehension, "its items read an object that the loop changes")


def _item_of(frame: Frame, node: ast.AST, items: object) -> Value:
    """An item of what a site iterates over."""
    match items:
        case Enumerated(items=inner):
            return _tuple(INT, _item_of(frame, node, inner))
        case Zipped(parts=parts) | Product(parts=parts):
            return _tuple(*(_item_of(frame, node, part) for part in parts))
        case Chained(parts=parts):
            return join(*(_item_of(frame, node, part) for part in parts))
        case Reversed(items=inner) | Picked(items=inner):
            return _item_of(frame, node, inner)
    return iterate(frame, node, frame.see(items, quote(node).strip("`"), node))


def _tuple(*items: Value) -> Value:
    """A tuple that exists outside of the item."""
    inner = join(*items)
    return Value(max(Reach.IMMUTABLE, inner.reach), frozenset({tuple}), inner=inner)


#: What folding the items' values uses of them; for all other reducers, anything.
_FOLDS: Mapping[str, tuple[str, ...]] = {
    "builtins.sum": ("__add__", "__radd__"),
    "builtins.min": COMPARE,
    "builtins.max": COMPARE,
    SORTED: COMPARE,
    "builtins.any": TRUTH,
    "builtins.all": TRUTH,
    "builtins.set": HASH,
    "builtins.frozenset": HASH,
    "builtins.dict": (*HASH, *ITERATE),
    "builtins.list": (),
    "builtins.tuple": (),
    "builtins.len": (),
    "builtins.next": (),
    JOIN: (),
    UPDATE: (*HASH, *ITERATE),
    "collections.Counter": HASH,
}


def _fold(
    frame: Frame, site: Site, value: Value, starts: Sequence[Value], before: Sequence[Value]
) -> None:
    names: tuple[str, ...] = ()
    if site.reducer is not None:
        names = _FOLDS.get(site.reducer.name, READ)
    elif site.kind in (SiteKind.SET, SiteKind.DICT):
        names = HASH
    # Values that come from other processes are copies.
    special(frame, site.comprehension, (*names, *COPY), value, *starts)
    for function in before:
        folded = _repeat(frame, site.comprehension, function, join(value, *starts))
        if site.accumulates is not None:
            special(frame, site.comprehension, names, folded)


def _repeat(frame: Frame, node: ast.AST, function: Value, value: Value) -> Value:
    """``function`` is called on the values, and on what it returned (``functools.reduce``)."""
    while True:
        returned = call(frame, node, function, Arguments((value, value)))
        wider = join(value, returned)
        if wider == value:
            return value
        value = wider
