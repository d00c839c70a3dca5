"""Statements: what each kind of node becomes."""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ufora_worker.native.translate import arithmetic, names
from ufora_worker.native.translate.comprehensions import over
from ufora_worker.native.translate.conditions import branches, negation, operands, truth, when
from ufora_worker.native.translate.loops import assigned_in, leave, next_turn, while_loop
from ufora_worker.native.translate.returns import returns
from ufora_worker.native.translate.session import Unresolved
from ufora_worker.native.translate.targets import bind
from ufora_worker.native.translate.values import Known, LocalFunction, with_atoms

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

_CHANGES = "native code changes nothing but a function's own variables"

#: What native code does not do, as the user calls it, and what to write instead.
_REFUSED: Mapping[str, tuple[str, str]] = {
    "TryStar": ("`try` catches exceptions", "check for the error before it happens"),
    "With": ("`with` cannot run in native code", ""),
    "AsyncWith": ("`async with` cannot run in native code", ""),
    "AsyncFor": ("`async for` cannot run in native code", ""),
    "AsyncFunctionDef": ("`async def` cannot run in native code", ""),
    "Match": ("`match` cannot run in native code", "write `if` and `elif`"),
    "ClassDef": ("a class is made", "define it outside of the function"),
    "Import": ("`import` runs in the function", "import at the top of the module"),
    "ImportFrom": ("`import` runs in the function", "import at the top of the module"),
    "Delete": ("`del` removes something", "leave it"),
    "Global": (f"`global`: {_CHANGES}", "pass the value, and return it"),
    "Nonlocal": (f"`nonlocal`: {_CHANGES}", "pass the value, and return it"),
    "TypeAlias": ("`type` makes a type", "write it outside of the function"),
}


def execute(b: "Builder", statements: Sequence[ast.stmt]) -> None:
    """Translate statements up to the first that no path reaches.

    Raises:
        Refused: native code cannot do what one of them does.
    """
    for statement in statements:
        if not b.flow.reachable:
            return
        b.line = statement.lineno
        handler = _HANDLERS.get(type(statement))
        if handler is None:
            b.refuse(statement, *_REFUSED[type(statement).__name__])
        try:
            handler(b, statement)
        except Unresolved:
            b.flow.reachable = False


# ------------------------------------------------------------------ assignment


def _assign(b: "Builder", node: ast.Assign) -> None:
    if b.blanks.begins(b, node):
        return
    value = b.evaluate(node.value)
    if len(node.targets) > 1:
        value = with_atoms(b.stored(node, value), lambda atom: b.emit("copy", atom))
    for target in node.targets:
        bind(b, target, value, node.value)


def _annotated(b: "Builder", node: ast.AnnAssign) -> None:
    if node.value is not None:
        bind(b, node.target, b.evaluate(node.value), node.value)


def _augmented(b: "Builder", node: ast.AugAssign) -> None:
    target = node.target
    if not isinstance(target, ast.Name):
        bind(b, target, Known(None, "None"))  # which refuses
        return
    name = ast.copy_location(ast.Name(target.id, ast.Load()), target)
    left, right = operands(b, name, node.value)
    value = arithmetic.binary(
        b, node, type(node.op), b.atom(target, left), b.atom(node.value, right)
    )
    names.assign(b, target, target.id, value)


# ------------------------------------------------------------------ control flow


def _if(b: "Builder", node: ast.If) -> None:
    if not node.orelse:
        when(b, node.test, lambda: execute(b, node.body))
        return
    branches(b, truth(b, node.test), lambda: execute(b, node.body), lambda: execute(b, node.orelse))


def _while(b: "Builder", node: ast.While) -> None:
    while_loop(
        b,
        lambda: truth(b, node.test),
        lambda: execute(b, node.body),
        lambda: execute(b, node.orelse),
    )


def _for(b: "Builder", node: ast.For) -> None:
    def turn(element: Any) -> None:
        bind(b, node.target, element)
        execute(b, node.body)

    items = b.evaluate(node.iter)
    assigned = assigned_in(b, [node.target, *node.body])
    over(b, node.iter, items, turn, lambda: execute(b, node.orelse), assigned)


def _return(b: "Builder", node: ast.Return) -> None:
    if b.collection is not None:
        b.collection.end(b, node.value)
        return
    value = Known(None, "None") if node.value is None else b.evaluate(node.value)
    returns(b, node, value)


def _assert(b: "Builder", node: ast.Assert) -> None:
    b.bail_if(negation(b, node.test), "a failed assert")


def _raise(b: "Builder", node: ast.Raise) -> None:
    b.bail("raise")
    b.flow.reachable = False


def _expression(b: "Builder", node: ast.Expr) -> None:
    appended = None if b.collection is None else b.collection.appended(node.value)
    if b.collection is not None and appended is not None:
        b.collection.take(b, appended)
    elif not isinstance(node.value, ast.Constant):
        b.evaluate(node.value)


def _try(b: "Builder", node: ast.Try) -> None:
    if not b.blanks.reads(b, node):
        edit = "check for the error before it happens"
        b.refuse(node, "`try` catches exceptions", edit)


def _function(b: "Builder", node: ast.FunctionDef) -> None:
    if node.decorator_list:
        b.refuse(node, f"`{node.name}` has a decorator", "define it outside of the function")
    names.assign(b, node, node.name, LocalFunction(node, b, b.layers))


_HANDLERS: Mapping[type[ast.stmt], Callable[..., None]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.While: _while,
    ast.For: _for,
    ast.Break: lambda b, node: leave(b),
    ast.Continue: lambda b, node: next_turn(b),
    ast.Return: _return,
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.Expr: _expression,
    ast.FunctionDef: _function,
    ast.Try: _try,
    ast.Pass: lambda b, node: None,
}
