"""The ``with`` statement that a frame is entering: its body's text and names.

All of it depends on the code only, so it is worked out once for each statement: a block in a loop
costs a look-up.
"""

from __future__ import annotations
import __future__

import ast
import functools
import inspect
import operator
import threading
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from pyfora import _rules, _source
from pyfora._errors import BadWithBlockError, CantGetSourceTextError
from pyfora._names import Names, mangled, names_of
from ufora_core.syntax import parse

#: The flags of code by which ``from __future__ import`` changes how the code in it is compiled.
FUTURES = functools.reduce(
    operator.or_,
    (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names),
)
#: How many statements are remembered; beyond that the oldest is forgotten.
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Statement:
    """A ``with`` statement whose last item is a remote block; immutable, shared by its runs."""

    code: CodeType
    #: The body's text, without the indentation (``column`` characters) of its first line.
    source: str
    line: int
    column: int
    names: Names
    #: The body as code of its own, from which the encoder sees what globals it reaches.
    body: CodeType
    #: Name of the class around the function, or ''.
    mangle: str
    #: The variable after ``as``, or ''.
    target: str


#: By the id of the code and the offset of the instruction that enters the statement. The statement
#: keeps its code alive, so ids stay unique.
_statements: dict[tuple[int, int], Statement] = {}
_lock = threading.Lock()


def entered_by(frame: FrameType) -> Statement:
    """The statement whose header this frame is executing.

    Raises BadWithBlockError, also when the frame is not at a ``with`` statement at all, and
    CantGetSourceTextError.
    """
    code = frame.f_code
    key = (id(code), frame.f_lasti)
    statement = _statements.get(key)
    if statement is None:
        statement = _find(frame)
        with _lock:
            if len(_statements) >= _REMEMBERED:
                del _statements[next(iter(_statements))]
            _statements[key] = statement
    return statement


def _find(frame: FrameType) -> Statement:
    code = frame.f_code
    text = _source.text_of(code, frame.f_globals)
    filename = code.co_filename
    try:
        tree = parse(text, filename)
    except SyntaxError as error:
        raise CantGetSourceTextError(
            f"The text of {filename!r} is not the Python that runs ({error.msg}, line "
            f"{error.lineno}); restart the program if the file was changed."
        ) from None
    found = _statement_at(tree, frame.f_lineno)
    if found is None:
        raise BadWithBlockError(
            "'remotely' was entered by something else than a 'with' statement",
            filename,
            frame.f_lineno,
            "Write 'with cluster.remotely:' around the block itself.",
        )
    node, mangle = found
    _check_last_item(node, frame)
    _rules.check(node.body, filename)
    return _describe(node, mangle, code, text)


def _describe(node: ast.With, mangle: str, code: CodeType, text: str) -> Statement:
    lines = [line + "\n" for line in text.split("\n")]
    first = node.body[0]
    line, byte_column = _start(first)
    before = lines[line - 1].encode()[:byte_column].decode()
    decorated = (line, byte_column) != (first.lineno, first.col_offset)
    column = _indentation(before) if decorated else len(before)
    last_line = node.body[-1].end_lineno or line
    names = names_of(node.body, mangle)
    return Statement(
        code=code,
        source=_dedented(lines[line - 1 : last_line], node, line, column),
        line=line,
        column=column,
        names=names,
        body=_compiled(node.body, names, mangle, code),
        mangle=mangle,
        target=_target(node, mangle, code.co_filename),
    )


def _start(statement: ast.stmt) -> tuple[int, int]:
    """Line and column (in bytes) of a statement or of its first decorator's expression."""
    first: ast.stmt | ast.expr = statement
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        first = next(iter(statement.decorator_list), statement)
    return first.lineno, first.col_offset


def _dedented(lines: list[str], node: ast.With, line: int, column: int) -> str:
    """The body's lines without its indentation; the inside of long strings stays as it is."""
    inside = {
        number
        for each in ast.walk(node)
        if isinstance(each, ast.Constant | ast.JoinedStr)
        for number in range(each.lineno + 1, (each.end_lineno or each.lineno) + 1)
    }
    dedented = [lines[0][column:]]
    for number, text in enumerate(lines[1:], line + 1):
        dedented.append(text if number in inside else text[min(_indentation(text), column) :])
    return "".join(dedented)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t\f"))


def _compiled(body: list[ast.stmt], names: Names, mangle: str, around: CodeType) -> CodeType:
    """The body of a block in the code ``around``; in a function it is a function again."""
    if around.co_flags & inspect.CO_OPTIMIZED:
        own = dict.fromkeys((*around.co_varnames, *around.co_cellvars, *around.co_freevars))
        outside = [name for name in names.assigned if name not in own]
        function: Any = parse("def block(): pass").body[0]
        function.args.args = [ast.arg(name) for name in own]
        function.body = [*([ast.Global(outside)] if outside else ()), *body]
        body = [function]
    if mangle:
        class_: Any = parse(f"class {mangle}: pass").body[0]
        class_.body = body
        body = [class_]
    tree = ast.fix_missing_locations(ast.Module(body, []))
    flags = around.co_flags & FUTURES
    code: CodeType = compile(tree, around.co_filename, "exec", flags, dont_inherit=True)
    return code


def _target(node: ast.With, mangle: str, filename: str) -> str:
    target = node.items[-1].optional_vars
    if target is None:
        return ""
    if isinstance(target, ast.Name):
        return mangled(target.id, mangle)
    raise BadWithBlockError(
        "the name after 'as' is not a plain variable",
        filename,
        target.lineno,
        "Leave it away, or assign 'cluster.remotely' before the block.",
    )


# --------------------------------------------------------------------- finding the statement


def _statement_at(tree: ast.AST, line: int) -> tuple[ast.With, str] | None:
    """The ``with`` statement whose header has this line, and the name of the class around it.

    There is one at most: two of them cannot share a line, nor can their headers overlap.
    """
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, mangle = stack.pop()
        if isinstance(node, ast.With) and node.lineno <= line <= _header_end(node):
            return node, mangle
        if isinstance(node, ast.ClassDef):
            mangle = node.name
        stack.extend((child, mangle) for child in ast.iter_child_nodes(node))
    return None


def _header_end(node: ast.With) -> int:
    ends = [node.lineno]
    for item in node.items:
        ends.append(item.context_expr.end_lineno or 0)
        if item.optional_vars is not None:
            ends.append(item.optional_vars.end_lineno or 0)
    return max(ends)


def _check_last_item(node: ast.With, frame: FrameType) -> None:
    if _item_entered(node, frame) < len(node.items) - 1:
        raise BadWithBlockError(
            "'remotely' is not the last item of its 'with' statement",
            frame.f_code.co_filename,
            node.lineno,
            "Put it last, or into a 'with' statement of its own inside of the other.",
        )


def _item_entered(node: ast.With, frame: FrameType) -> int:
    """Index of the item whose ``__enter__`` is being called."""
    if len(node.items) == 1:
        return 0
    positions = list(frame.f_code.co_positions())
    here = positions[frame.f_lasti // 2]
    for index, item in enumerate(node.items):
        expression = item.context_expr
        if here[0::2] == (expression.lineno, expression.col_offset):
            return index  # 3.13: the call has the position of its own item
    # Up to 3.12 the calls of all items have the statement's position, and stand in their order. A
    # ``finally`` clause is compiled more than once, hence the modulus.
    code = frame.f_code.co_code
    calls = [
        offset
        for offset in range(0, len(code), 2)
        if code[offset] == code[frame.f_lasti] and positions[offset // 2] == here
    ]
    return calls.index(frame.f_lasti) % len(node.items)
