"""The text of ``for`` statements that are a pure map and an ordered fold.

    for T in ITER:
        BODY
    else:
        ORELSE

is rewritten, if its body can be taken apart (``statement``), into ::

    if __ufora_closed_INDEX__:
        <the statement as written>
    else:
        .INDEX.0 = .INDEX.1 = None
        try:
            for T, (.INDEX.0, .INDEX.1) in __ufora_records__(INDEX, ITER):
                FOLD
            else:
                for T in __ufora_rest__():
                    BODY
                else:
                    ORELSE
        finally:
            del .INDEX.0, .INDEX.1

``__ufora_records__(index, iterable)``
    Gives the items from the first on, each with its record; none of them when the engine declines.
    It may stop anywhere, in particular before an item whose part of the work raised an exception.
``__ufora_rest__()``
    Called next by the same frame: the items that are left, for the body as written. So whatever
    the user's code raises, it raises in the user's own frame.

A loop that only adds to one number (``total``) has one more form before the others::

            for ACC in __ufora_totals__(INDEX, ITER):
                pass
            for T, Y, .INDEX.left.0 in __ufora_left__():
                if .INDEX.left.0 is not __ufora_unset__:
                    J = .INDEX.left.0
            for T in __ufora_first__():
                ...

``__ufora_totals__(index, iterable)``
    Gives what the variable holds after some of the items, or nothing when the loop is not to be
    run in this way, as where it is no number; the other forms then go on from there.
``__ufora_left__()``
    Gives what the other variables then hold, once: those that every turn assigns, and those that
    inner loops assign; or nothing.

Otherwise a loop begins as written. One that works on nothing but variables (``turns``) may go on
turn after turn, and then, or without that, over records if there are any ::

            for T in __ufora_first__(INDEX, ITER):
                BODY
            else:
                for T, A, B, .INDEX.broken in __ufora_turns__():
                    if .INDEX.broken:
                        del .INDEX.broken
                        break
                    del .INDEX.broken
                else:
                    for T in __ufora_rest__():
                        ...

``__ufora_first__(index, iterable)``
    Gives the first items, until there is machine code for whole turns, or is to be none.
``__ufora_turns__()``
    Gives what the variables hold after some turns, and whether the last of them ended the loop.
"""

import ast
from collections.abc import Callable
from itertools import chain
from typing import Any

from ufora_core.compiler.for_loops.split import UNSET_MARK, Halves, field_name
from ufora_core.compiler.for_loops.statement import ForLoop
from ufora_core.compiler.for_loops.total import Total
from ufora_core.compiler.for_loops.turns import Turns
from ufora_core.compiler.sites.gates import runs_as_written
from ufora_core.compiler.sites.iterables import source_of, viewed
from ufora_core.compiler.trees import call, clone, load, placed, store

RECORDS = "__ufora_records__"
LEFT = "__ufora_left__"
TOTALS = "__ufora_totals__"
FIRST = "__ufora_first__"
TURNS = "__ufora_turns__"
REST = "__ufora_rest__"


def rewritten(
    node: ast.For, loop: ForLoop, index: int, visit: Callable[[ast.AST], Any]
) -> ast.stmt:
    """The statement that asks the engine. ``visit`` rewrites the iterable, and what is inside the
    body as written."""
    original = clone(node)
    source = source_of(node.iter)
    iterable = visit(node.iter) if source.staged else viewed(source, visit)
    node.iter = placed(call(REST), iterable)
    node.body = [visit(each) for each in node.body]
    node.orelse = [visit(each) for each in node.orelse]
    where = [ast.Constant(index), iterable]
    # Only the first of its forms is given the items.
    in_first = [] if loop.total is not None else where
    in_records = [] if loop.begins_as_written else in_first
    statements: list[ast.stmt] = [node]
    if loop.halves is not None:
        statements = _over_records(node, loop.halves, f".{index}", in_records)
    if loop.turns is not None:
        statements = [_over_turns(loop.turns, f".{index}.broken", statements)]
    if loop.begins_as_written:
        body = list(map(clone, node.body))
        statements = [ast.For(clone(node.target), call(FIRST, *in_first), body, statements)]
    if loop.total is not None:
        add = ast.For(store(loop.total.name), call(TOTALS, *where), [ast.Pass()], [])
        statements = [add, *_set_others(loop.total, f".{index}.left."), *statements]
    return placed(ast.If(runs_as_written(index), [original], statements), original)


def _set_others(total: Total, prefix: str) -> list[ast.stmt]:
    """Gives the variables besides the total the values that the last turn left."""
    others = [f"{prefix}{i}" for i in range(len(total.perhaps))]
    body: list[ast.stmt] = []
    for name, other in zip(total.perhaps, others, strict=True):
        test = ast.Compare(load(other), [ast.IsNot()], [load(UNSET_MARK)])
        body.append(ast.If(test, [ast.Assign([store(name)], load(other))], []))
    target = ast.Tuple([store(each) for each in (*total.always, *others)], ast.Store())
    body += [ast.Delete([ast.Name(each, ast.Del()) for each in others])] if others else []
    return [ast.For(target, call(LEFT), body or [ast.Pass()], [])]


def _over_turns(turns: Turns, broken: str, after: list[ast.stmt]) -> ast.stmt:
    """The loop over what variables hold after some turns, and then ``after``."""
    names = [store(each) for each in turns.state]
    target = ast.Tuple([clone(turns.target), *names], ast.Store())
    if not turns.breaks:
        return ast.For(target, call(TURNS), [ast.Pass()], after)
    target.elts.append(store(broken))
    forget = ast.Delete([ast.Name(broken, ast.Del())])
    body: list[ast.stmt] = [ast.If(load(broken), [clone(forget), ast.Break()], []), forget]
    return ast.For(target, call(TURNS), body, after)


def _over_records(
    node: ast.For, parts: Halves, prefix: str, where: list[ast.expr]
) -> list[ast.stmt]:
    """The loop over records, and then that over the items that are left. The names of fields begin
    with ``prefix``: loops within loops have their own."""
    fields = [prefix + field_name(i) for i in range(len(parts.fields))]
    fold = list(map(clone, parts.fold))
    for each in chain.from_iterable(map(ast.walk, fold)):
        if isinstance(each, ast.Name) and each.id.startswith("."):
            each.id = prefix + each.id
    record = ast.Tuple([store(each) for each in fields], ast.Store())
    target = ast.Tuple([clone(node.target), record], ast.Store())
    loop = ast.For(target, call(RECORDS, *where), fold or [ast.Pass()], [node])
    if not fields:
        return [loop]
    begin = ast.Assign([store(each) for each in fields], ast.Constant(None))
    end = ast.Delete([ast.Name(each, ast.Del()) for each in fields])
    return [begin, ast.Try([loop], [], [], [end])]
