"""The item's part of a ``for`` loop as a function.

It gets source of its own, so that it travels, can be proved pure and made native as any function of
the user's. Its lines are those of the user's file, as far as they can be.
"""

import ast
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FunctionType

from ufora_core import syntax
from ufora_core.compiler.for_loops.flow import stores
from ufora_core.compiler.for_loops.item import ITEM
from ufora_core.compiler.sites.slices import place_of
from ufora_core.compiler.trees import clone, placed
from ufora_core.values.nodes import Source
from ufora_core.values.qualnames import requalified
from ufora_core.values.recompile import compile_source
from ufora_core.values.sources import remember
from ufora_worker.for_loops.runs import Run


def item_function(
    target: ast.expr,
    arguments: Sequence[str],
    body: Sequence[ast.stmt],
    *,
    filename: str,
    mangle: str,
    namespace: dict[str, object],
    place: str = "",
) -> FunctionType:
    """The function of ``(<target's names>, <arguments>)`` with this body.

    ``arguments`` are the local variables that it reads; all other names are those of
    ``namespace``. Functions that it makes are called as if they were made in ``place``
    (``slices.place_of``).
    """
    parameters = [ast.arg(each) for each in [*sorted(stores(target)), *arguments]]
    signature = ast.arguments([], parameters, None, [], [], None, [])
    definition = ast.FunctionDef(ITEM, signature, list(map(clone, body)), [])
    placed(definition, target)
    source = Source(
        text=_in_lines_of(definition),
        filename=filename,
        line=target.lineno,
        column=0,
        mangle=mangle,
        flags=0,
        qualname=ITEM,
        freevars=(),
        imports=(),
        decorated=0,
    )
    code = requalified(compile_source(source), f"{ITEM}.<locals>.", place)
    code = code.replace(co_name=ITEM)  # of its own: what is remembered is kept by identity
    remember(code, source)
    return FunctionType(code, namespace, ITEM)


@dataclass(slots=True)
class ItemFunctions:
    """The functions of one job's loops, each made once for the global names that it works with."""

    _made: dict[Hashable, FunctionType] = field(default_factory=dict)

    def of(
        self,
        run: Run,
        key: Hashable,
        target: ast.expr,
        arguments: Sequence[str],
        body: Callable[[], Sequence[ast.stmt]],
    ) -> FunctionType:
        """The function for a loop; ``key`` stands for all that it is made of. See
        ``item_function``."""
        found = self._made.get(key)
        if found is None or found.__globals__ is not run.frame.f_globals:
            found = self._made[key] = item_function(
                target,
                arguments,
                body(),
                filename=run.filename,
                mangle=run.site.mangle,
                namespace=run.frame.f_globals,
                place=place_of(run.frame.f_code),
            )
        return found


def _in_lines_of(definition: ast.FunctionDef) -> str:
    """The text of a function, with empty lines in it so that its statements stand where they are
    said to stand, counted from its own line."""
    ast.fix_missing_locations(definition)
    lines = ast.unparse(definition).splitlines()
    wanted: dict[int, int] = {}
    written = syntax.parse("\n".join(lines))
    for there, here in zip(_statements(written.body[0]), _statements(definition), strict=True):
        wanted.setdefault(there.lineno, here.lineno - definition.lineno + 1)
    text: list[str] = []
    for number, line in enumerate(lines, 1):
        text += [""] * (wanted.get(number, 0) - len(text) - 1)
        text.append(line)
    return "\n".join(text)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    return (each for each in ast.walk(node) if isinstance(each, ast.stmt))
