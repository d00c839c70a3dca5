"""Makes a program that shows a difference smaller, as long as it still shows one.

It tries to leave statements out, to put the body of a compound statement in its place, to put parts
of expressions in place of the whole, and to shorten lists; one change after the other, until none
is left that works (delta debugging: Zeller and Hildebrandt, 2002, greedily).
"""

import ast
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic

Edit = Callable[[], None]

#: Seconds that shrinking may take.
PATIENCE = 60.0


def shrunk(text: str, fails: Callable[[str], bool], patience: float = PATIENCE) -> str:
    """The smallest program found for which ``fails`` is true, as it is for ``text``."""
    end = monotonic() + patience
    number = 0
    best = text
    while monotonic() < end:
        tree = ast.parse(best)
        edits = list(_edits(tree))
        if number >= len(edits):
            if best == text:
                break
            text, number = best, 0  # another round, until nothing changes
            continue
        edits[number]()
        smaller = ast.unparse(ast.fix_missing_locations(tree))
        if len(smaller) < len(best) and _holds(smaller, fails):
            best = smaller
        else:
            number += 1
    return best


def _holds(text: str, fails: Callable[[str], bool]) -> bool:
    try:
        return fails(text)
    except Exception:
        return False  # it is no program any more, or does not run


def _edits(tree: ast.Module) -> Iterator[Edit]:
    """All changes of a tree, the large ones first; each is good for this tree once."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody", "handlers"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield from _of_block(block, required=name == "body" and node is not tree)
    for node in ast.walk(tree):
        yield from _of_parts(node)


def _of_block(block: list[ast.stmt], *, required: bool) -> Iterator[Edit]:
    for index, statement in enumerate(block):
        yield partial(_replace, block, index, [], required)
        for name in ("body", "orelse"):
            inner = getattr(statement, name, None)
            if isinstance(inner, list) and inner and not isinstance(statement, ast.FunctionDef):
                yield partial(_replace, block, index, inner, required)


def _replace(block: list[ast.stmt], index: int, by: list[ast.stmt], required: bool) -> None:
    block[index : index + 1] = by
    if required and not block:
        block.append(ast.Pass())


def _of_parts(node: ast.AST) -> Iterator[Edit]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.expr):
            yield from (partial(setattr, node, name, part) for part in _simpler(value))
        elif (
            isinstance(value, list) and value and isinstance(value[0], ast.expr | ast.comprehension)
        ):
            yield from _of_list(value)


def _of_list(parts: list[ast.AST]) -> Iterator[Edit]:
    for index, part in enumerate(parts):
        if len(parts) > 1:
            yield partial(parts.__delitem__, index)
        if isinstance(part, ast.expr):
            yield from (partial(parts.__setitem__, index, each) for each in _simpler(part))


def _simpler(expression: ast.expr) -> Iterator[ast.expr]:
    """What may stand for an expression: its parts, and a small number."""
    if isinstance(expression, ast.Name | ast.Constant):
        return
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr) and isinstance(getattr(child, "ctx", ast.Load()), ast.Load):
            yield child
    yield ast.Constant(1)
