"""Statements on abstract values: what running them may do."""

import ast
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ufora_core.compiler.effects import members
from ufora_core.compiler.effects.calls import call
from ufora_core.compiler.effects.expressions import assign, evaluate, local_function, store, truth
from ufora_core.compiler.effects.frames import Arguments, Frame
from ufora_core.compiler.effects.kinds import (
    ANYTHING,
    NONE,
    Reach,
    Value,
    join,
)
from ufora_core.compiler.effects.operators import (
    COMPARE,
    in_place,
    iterate,
    may_change_in_place,
    special,
)
from ufora_core.compiler.effects.proof import quote
from ufora_core.compiler.sites.names import mangled

#: Exceptions that depend on the process that runs the code.
_OF_THE_PROCESS = frozenset({"RecursionError", "MemoryError", "KeyboardInterrupt", "SystemExit"})


def execute(frame: Frame, statements: Iterable[ast.stmt]) -> None:
    """Runs statements.

    Raises:
        NotProved: one of them has effects.
    """
    for statement in statements:
        frame.session.step(frame, statement)
        executor = _EXECUTORS.get(type(statement))
        if executor is None:
            frame.refuse(
                statement, f"`{type(statement).__name__}` statements cannot be looked into"
            )
        executor(frame, statement)


def _nothing(frame: Frame, node: ast.stmt) -> None:
    """``pass``, ``break``, ``continue``: every path is looked at in any case."""


def _expression(frame: Frame, node: ast.Expr) -> None:
    evaluate(frame, node.value)


def _return(frame: Frame, node: ast.Return) -> None:
    frame.returns(NONE if node.value is None else evaluate(frame, node.value))


# ---------------------------------------------------------------------- assignments


def _assign(frame: Frame, node: ast.Assign) -> None:
    value = evaluate(frame, node.value)
    for target in node.targets:
        assign(frame, target, value, None)


def _annotated(frame: Frame, node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign(frame, node.target, evaluate(frame, node.value), None)


def _augmented(frame: Frame, node: ast.AugAssign) -> None:
    right = evaluate(frame, node.value)
    target = node.target
    current = evaluate(frame, _loaded(target))
    if current.reach is Reach.SHARED and may_change_in_place(frame, node.op, current, right):
        frame.refuse(
            node,
            f"{quote(node)} may change an object in place that exists outside of this item: write "
            f"`{ast.unparse(target)} = ...` with a new object",
        )
    value = in_place(frame, node, node.op, current, right)
    if isinstance(target, ast.Name):
        assign(frame, target, value, None)
    else:
        store(frame, target, value)


def _loaded(target: ast.expr) -> ast.expr:
    """The target of an augmented assignment as an expression that is read."""
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    if isinstance(target, ast.Attribute):
        return ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)
    assert isinstance(target, ast.Subscript)
    return ast.copy_location(ast.Subscript(target.value, target.slice, ast.Load()), target)


def _delete(frame: Frame, node: ast.Delete) -> None:
    for target in node.targets:
        for each in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            if not isinstance(each, ast.Name):
                store(frame, each)


def _declaration(frame: Frame, node: ast.Global | ast.Nonlocal) -> None:
    word = "global" if isinstance(node, ast.Global) else "nonlocal"
    frame.refuse(
        node,
        f"`{word} {', '.join(node.names)}` lets the function change a variable outside of it: "
        "return the value instead",
    )


# ---------------------------------------------------------------------- control flow


def _if(frame: Frame, node: ast.If) -> None:
    known = _settled(frame, node.test)
    if known is None:
        truth(frame, node.test)
    if known is not False:
        execute(frame, node.body)
    if known is not True:
        execute(frame, node.orelse)


def _settled(frame: Frame, test: ast.expr) -> bool | None:
    """The truth of a global switch (``if DEBUG:``), which pure code cannot change."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _settled(frame, test.operand)
        return None if inner is None else not inner
    if not isinstance(test, ast.Name) or not frame.is_outer(test.id):
        return None
    try:
        found = frame.root().outer(mangled(test.id, frame.mangle))
    except LookupError:
        return None
    return found if isinstance(found, bool) else None


def _while(frame: Frame, node: ast.While) -> None:
    truth(frame, node.test)
    execute(frame, node.body)
    execute(frame, node.orelse)


def _for(frame: Frame, node: ast.For) -> None:
    item = iterate(frame, node.iter, evaluate(frame, node.iter))
    assign(frame, node.target, item, None)
    execute(frame, node.body)
    execute(frame, node.orelse)


def _with(frame: Frame, node: ast.With) -> None:
    for item in node.items:
        manager = evaluate(frame, item.context_expr)
        found = members.possible_classes(frame, manager)
        if manager.types is None or len(found) < len(manager.types):
            frame.refuse(
                item.context_expr,
                f"`with {ast.unparse(item.context_expr)}` is not known to be free of effects: "
                "enter it around the loop",
            )
        entered = special(frame, item.context_expr, ("__enter__",), manager, deep=False)
        special(frame, item.context_expr, ("__exit__",), manager, deep=False, given=(ANYTHING,))
        if item.optional_vars is not None:
            assign(frame, item.optional_vars, entered, None)
    execute(frame, node.body)


def _try(frame: Frame, node: Any) -> None:
    execute(frame, node.body)
    for handler in node.handlers:
        _handle(frame, handler)
    execute(frame, node.orelse)
    execute(frame, node.finalbody)


def _handle(frame: Frame, handler: ast.ExceptHandler) -> None:
    if handler.type is not None:
        evaluate(frame, handler.type)
        for each in ast.walk(handler.type):
            if isinstance(each, ast.Name) and each.id in _OF_THE_PROCESS:
                frame.refuse(handler, f"`except {each.id}` depends on the process that runs this")
    if handler.name is not None:
        # Only exceptions raised within the item are caught; what they carry may be anything.
        frame.bind(handler.name, Value(Reach.SHELL))
    execute(frame, handler.body)


def _raise(frame: Frame, node: ast.Raise) -> None:
    for each in (node.exc, node.cause):
        if each is None:
            continue
        raised = evaluate(frame, each)
        classes_only = raised.objects is not None and all(
            issubclass(type(known.object), type) for known in raised.objects
        )
        if classes_only:
            call(frame, node, raised, Arguments())
        elif raised.reach is Reach.SHARED:
            frame.refuse(
                node, f"{quote(node)} changes the exception object: raise a new one each time"
            )


def _assert(frame: Frame, node: ast.Assert) -> None:
    truth(frame, node.test)
    if node.msg is not None:
        evaluate(frame, node.msg)


# ---------------------------------------------------------------------- match


def _match(frame: Frame, node: ast.Match) -> None:
    subject = evaluate(frame, node.subject)
    part = subject if subject.reach <= Reach.OWN else ANYTHING
    for case in node.cases:
        for pattern in ast.walk(case.pattern):
            _pattern(frame, pattern, subject, join(subject, part))
        if case.guard is not None:
            truth(frame, case.guard)
        execute(frame, case.body)


def _pattern(frame: Frame, pattern: ast.AST, subject: Value, part: Value) -> None:
    if isinstance(pattern, ast.MatchValue):
        special(frame, pattern, COMPARE, part, evaluate(frame, pattern.value))
    elif isinstance(pattern, ast.MatchClass):
        evaluate(frame, pattern.cls)
        positions = [f"_{i}" for i in range(len(pattern.patterns))]
        if positions and any(members.possible_classes(frame, each) for each in (subject, part)):
            frame.refuse(pattern, "a class pattern with positions cannot be looked into")
        for name in pattern.kwd_attrs:
            members.read(frame, pattern, part, name)
    elif isinstance(pattern, ast.MatchSequence | ast.MatchMapping):
        names = ("__len__", "__getitem__", "get", "keys", "__iter__", "__eq__", "__hash__")
        special(frame, pattern, names, part)
    if isinstance(pattern, ast.MatchStar) and pattern.name is not None:
        frame.bind(pattern.name, frame.made(list, part))
    elif isinstance(pattern, ast.MatchMapping) and pattern.rest is not None:
        frame.bind(pattern.rest, frame.made(dict, part))
    elif isinstance(pattern, ast.MatchAs) and pattern.name is not None:
        frame.bind(pattern.name, part)


# ---------------------------------------------------------------------- definitions


def _function(frame: Frame, node: ast.FunctionDef) -> None:
    function = local_function(frame, node)
    for decorator in reversed(node.decorator_list):
        function = call(frame, decorator, evaluate(frame, decorator), Arguments((function,)))
    frame.bind(mangled(node.name, frame.mangle), function)


def _import(frame: Frame, node: ast.Import) -> None:
    for alias in node.names:
        module = _imported(frame, node, alias.name)
        top = alias.name.partition(".")[0]
        name = alias.asname or top
        frame.bind(name, module if alias.asname else _imported(frame, node, top))


def _import_from(frame: Frame, node: ast.ImportFrom) -> None:
    if node.level or node.module is None or node.names[0].name == "*":
        frame.refuse(node, f"{quote(node)}: import it at the top of the file")
    module = _imported(frame, node, node.module)
    for alias in node.names:
        frame.bind(alias.asname or alias.name, members.read(frame, node, module, alias.name))


def _imported(frame: Frame, node: ast.stmt, name: str) -> Value:
    module = sys.modules.get(name)
    if module is None:
        frame.refuse(
            node, f"{quote(node)} imports a module for the first time: do so at the top of the file"
        )
    return frame.see(module, name, node)


_EXECUTORS: Mapping[type, Callable[[Frame, Any], None]] = {
    ast.Expr: _expression,
    ast.Pass: _nothing,
    ast.Break: _nothing,
    ast.Continue: _nothing,
    ast.Return: _return,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Delete: _delete,
    ast.Global: _declaration,
    ast.Nonlocal: _declaration,
    ast.If: _if,
    ast.While: _while,
    ast.For: _for,
    ast.With: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Match: _match,
    ast.FunctionDef: _function,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
}
