"""The source of one function, as a syntax tree and as the code that the client's Python made of it.

The text of a ``Source`` is cut from the file as it stands; only its first line is moved to the
left. That changes no string and no indentation that matters, and positions are exact again once
those of the first line are moved back.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any

from ufora_core.errors import ValueGraphError
from ufora_core.syntax import parse
from ufora_core.values.nodes import Source
from ufora_core.values.qualnames import requalified

FunctionTree = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_FACTORY = "__ufora_factory__"
_FUNCTION = "__ufora_function__"
_LAMBDA = "<lambda>"


def parseable(source: Source) -> tuple[str, int]:
    """The source's text as a statement of its own, and the file's column of its first character."""
    if source.text.startswith("lambda"):
        # In parentheses a lambda may take several lines.
        return f"({source.text}\n)", source.column - 1
    return source.text, source.column


def tree_of(source: Source) -> FunctionTree:
    """The function's syntax tree with the file's line numbers and columns; a new one each time.

    Raises:
        ValueGraphError: the text is no single function.
    """
    text, column = parseable(source)
    try:
        statement = parse(text, source.filename).body[0]
    except (SyntaxError, ValueError, IndexError) as error:
        raise ValueGraphError(
            f"the source of {source.qualname} in {source.filename}, line {source.line}, does not "
            f"parse: {error}"
        ) from None
    tree = statement.value if isinstance(statement, ast.Expr) else statement
    if not isinstance(tree, FunctionTree):
        raise ValueGraphError(f"the source of {source.qualname} is no function: {text[:60]!r}")
    move(tree, source.line - 1, column)
    return tree


def move(tree: ast.AST, lines: int, columns: int) -> None:
    """Move every position ``lines`` down, and those of the first line ``columns`` to the right."""
    positioned: list[Any] = [node for node in ast.walk(tree) if hasattr(node, "lineno")]
    for node in positioned:
        node.col_offset += columns if node.lineno == 1 else 0
        node.end_col_offset += columns if node.end_lineno == 1 else 0
        node.lineno += lines
        node.end_lineno += lines


@functools.lru_cache(maxsize=4096)
def compile_source(source: Source) -> CodeType:
    """The function's code, with the file's positions and the names that it had in the client.

    Raises:
        ValueGraphError: the text is no function, or not one that this Python can compile.
    """
    return compile_tree(tree_of(source), source)


def compile_tree(tree: FunctionTree, source: Source) -> CodeType:
    """As ``compile_source``, for a tree of that source which may have been rewritten since."""
    name = _LAMBDA if isinstance(tree, ast.Lambda) else tree.name
    try:
        module = compile(
            _in_factory(tree, source),
            source.filename,
            "exec",
            flags=source.flags,
            dont_inherit=True,
        )
    except (SyntaxError, ValueError) as error:
        raise ValueGraphError(
            f"{source.qualname} in {source.filename}, line {source.line}, cannot be compiled by "
            f"this version of Python: {error}"
        ) from None
    code = _innermost(module)
    return requalified(code, code.co_qualname, source.qualname or name).replace(co_name=name)


def _in_factory(tree: FunctionTree, source: Source) -> ast.Module:
    """A module with a function that has the free variables as its parameters, and in it ``tree``
    without what is evaluated around a function: decorators, defaults, annotations. A class around
    it makes ``__private`` names and ``super()`` mean what they meant, and imports before it give
    the code that importing modules have."""
    factory = f"def {_FACTORY}({', '.join(source.freevars)}): pass"
    if source.mangle:
        factory = f"class {source.mangle}:\n {factory}"
    # None of this is ever run.
    imports = f"import {', '.join(source.imports)}\n" if source.imports else ""
    module = parse(imports + factory)
    outer = module.body[-1]
    function = outer.body[0] if isinstance(outer, ast.ClassDef) else outer
    assert isinstance(function, ast.FunctionDef)
    _strip(tree, source.decorated)
    if isinstance(tree, ast.Lambda):
        function.body = [ast.Return(tree)]
    else:
        tree.name = _FUNCTION  # its own name could be one that it uses
        function.body = [tree]
    return ast.fix_missing_locations(module)


def imported_names(body: list[ast.stmt]) -> Iterator[str]:
    """Names that a module binds by importing, but not in a function or class; and ``super``, if it
    is mentioned there, which has the same kind of effect on the code of functions."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (each.asname or each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.Name) and node.id == "super":
            yield node.id
        elif not isinstance(node, FunctionTree | ast.ClassDef):
            stack.extend(ast.iter_child_nodes(node))


def _strip(tree: FunctionTree, decorated: int) -> None:
    arguments = tree.args
    arguments.defaults = []
    arguments.kw_defaults = [None] * len(arguments.kwonlyargs)
    for each in _parameters(arguments):
        each.annotation = None
    if not isinstance(tree, ast.Lambda):
        # Never evaluated, but it says where the code begins.
        first = ast.Constant(None)
        first.lineno = first.end_lineno = decorated
        first.col_offset = first.end_col_offset = 0
        tree.decorator_list = [first] if decorated else []
        tree.returns = None
        if hasattr(tree, "type_params"):
            tree.type_params = []


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (each for each in (arguments.vararg, arguments.kwarg) if each is not None)


def _innermost(module: CodeType) -> CodeType:
    code = module
    while code.co_name not in (_FUNCTION, _LAMBDA):
        code = next(const for const in code.co_consts if isinstance(const, CodeType))
    return code


def same_code(one: CodeType, other: CodeType) -> bool:
    """Whether two code objects do the same, wherever they stand in a file."""
    return _facts(one) == _facts(other)


def _facts(code: CodeType) -> tuple[object, ...]:
    return (
        code.co_code,
        code.co_exceptiontable,
        code.co_flags & ~inspect.CO_NESTED,  # being in a function changes nothing by itself
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        tuple(map(_constant_facts, code.co_consts)),
    )


def _constant_facts(constant: object) -> object:
    """Tells ``1`` from ``1.0`` from ``True`` and ``0.0`` from ``-0.0``."""
    if isinstance(constant, CodeType):
        return _facts(constant)
    if isinstance(constant, tuple):
        return tuple(map(_constant_facts, constant))
    if isinstance(constant, frozenset):
        return frozenset(map(_constant_facts, constant))
    return type(constant), repr(constant)
