"""Finding the source of a code object.

A text counts as the source of a function only if compiling it gives the function's code again:
a file may have changed since it was imported, and several lambdas may stand in one line. Only code
that somebody compiled from a text and rewrote (``remember``) is believed by its position.
"""

from __future__ import annotations
import __future__

import ast
import functools
import linecache
import weakref
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType

from ufora_core.errors import ValueGraphError
from ufora_core.syntax import parse
from ufora_core.values.nodes import Source
from ufora_core.values.reach import nested
from ufora_core.values.recompile import (
    FunctionTree,
    compile_source,
    imported_names,
    parseable,
    same_code,
)

_FUTURES = __future__.annotations.compiler_flag | __future__.barry_as_FLUFL.compiler_flag


@dataclass(frozen=True, eq=False)
class _Text:
    """A text with functions in it. Its first character stands at ``line`` and ``column`` of the
    file; if ``dedented``, every line of it was moved to the left by ``column``."""

    filename: str
    text: str
    line: int = 1
    column: int = 0
    mangle: str = ""
    dedented: bool = False
    #: What the module around imports, if the text is not all of it.
    imports: frozenset[str] = frozenset()
    #: The code was compiled from this text, though not as it stands.
    rewritten: bool = False

    @functools.cached_property
    def lines(self) -> list[bytes]:
        return [line.encode("utf-8", "surrogatepass") for line in self.text.splitlines(True)]

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The syntax tree, with the positions of the text; empty if it has none."""
        try:
            return parse(self.text)
        except (SyntaxError, ValueError):
            return ast.Module([], [])

    @functools.cached_property
    def imported(self) -> frozenset[str]:
        """Names that the module imports."""
        return self.imports.union(imported_names(self.tree.body))

    @functools.cached_property
    def functions(self) -> dict[tuple[int, str], list[tuple[FunctionTree, str]]]:
        """Each function with the class around it, by the line and the name that its code has."""
        found: defaultdict[tuple[int, str], list[tuple[FunctionTree, str]]] = defaultdict(list)
        stack: list[tuple[ast.AST, str]] = [(self.tree, self.mangle)]
        while stack:
            node, mangle = stack.pop()
            if isinstance(node, FunctionTree):
                # A function's code begins at its first decorator.
                first = [*getattr(node, "decorator_list", ()), node][0]
                key = (first.lineno + self.line - 1, getattr(node, "name", "<lambda>"))
                found[key].append((node, mangle))
            inner = node.name if isinstance(node, ast.ClassDef) else mangle
            stack.extend((child, inner) for child in ast.iter_child_nodes(node))
        return found

    def position(self, line: int, column: int) -> tuple[int, int]:
        """A place in the text as a place in the file."""
        moved = self.column if self.dedented or line == 1 else 0
        return line + self.line - 1, column + moved

    def cut(self, node: FunctionTree, mangle: str, code: CodeType) -> Source:
        """The source of one function of the text."""
        assert node.end_lineno is not None
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        line, column = self.position(node.lineno, node.col_offset)
        return Source(
            text=b"".join(lines).decode("utf-8", "surrogatepass"),
            filename=self.filename,
            line=line,
            column=column,
            mangle=mangle,
            flags=code.co_flags & _FUTURES,
            qualname=code.co_qualname,
            freevars=code.co_freevars,
            imports=tuple(sorted(self.imported.intersection(_names_in(node)))),
            decorated=code.co_firstlineno if code.co_firstlineno < line else 0,
        )


def _names_in(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@dataclass(slots=True)
class _Known:
    """What is known of one code object."""

    code: weakref.ref[CodeType]
    text: _Text | None = None
    source: Source | None = None
    searched: bool = False


#: By identity, since code objects of different files may be equal.
_known: dict[int, _Known] = {}


def source_of(code: CodeType) -> Source | None:
    """The source of a function's code, or None if there is none that gives the same code."""
    known = _entry(code)
    if not known.searched:
        text = known.text if known.text is not None else _file(code.co_filename)
        known.source = _find(code, text) if text is not None else None
        known.searched = True
    return known.source


def remember(code: CodeType, source: Source) -> None:
    """``source`` is the source of ``code``, and of what is nested in it, even if the code was
    compiled from a rewritten tree."""
    text, column = parseable(source)
    container = _Text(
        source.filename,
        text,
        source.line,
        column,
        source.mangle,
        imports=frozenset(source.imports),
        rewritten=True,
    )
    _remember_nested(code, container)
    _known[id(code)].source = source
    _known[id(code)].searched = True


def remember_text(code: CodeType, text: str, filename: str, line: int, column: int) -> None:
    """The functions in ``code`` were compiled from ``text``, perhaps rewritten. The text begins at
    ``line`` of the file, and each of its lines was moved to the left by ``column``."""
    container = _Text(filename, text, line, column, dedented=True, rewritten=True)
    _remember_nested(code, container)


def _remember_nested(code: CodeType, container: _Text) -> None:
    for each in nested(code):
        entry = _entry(each)
        entry.text, entry.source, entry.searched = container, None, False


def _entry(code: CodeType) -> _Known:
    key = id(code)
    known = _known.get(key)
    if known is None or known.code() is not code:
        known = _known[key] = _Known(weakref.ref(code, lambda _: _known.pop(key, None)))
    return known


_files: dict[str, tuple[Sequence[str], _Text]] = {}


def _file(filename: str) -> _Text | None:
    """The text of a file, an IPython cell, or whatever else ``linecache`` knows."""
    lines = linecache.getlines(filename)
    if not lines:
        return None
    cached = _files.get(filename)
    if cached is None or cached[0] is not lines:
        cached = _files[filename] = (lines, _Text(filename, "".join(lines)))
    return cached[1]


def _find(code: CodeType, text: _Text) -> Source | None:
    candidates = text.functions.get((code.co_firstlineno, code.co_name), [])
    sources = [text.cut(node, mangle, code) for node, mangle in candidates]
    same = [source for source in sources if _gives(source, code)]
    if len(same) > 1:
        positions = list(code.co_positions())
        exact = [each for each in same if list(compile_source(each).co_positions()) == positions]
        same = exact or same
    if same:
        return same[0]
    if text.rewritten:
        around = [
            source
            for source, (node, _) in zip(sources, candidates, strict=True)
            if _surrounds(text, node, code)
        ]
        return around[-1] if around else None
    return None


def _gives(source: Source, code: CodeType) -> bool:
    try:
        return same_code(compile_source(source), code)
    except ValueGraphError:
        return False


def _surrounds(text: _Text, node: FunctionTree, code: CodeType) -> bool:
    assert node.end_lineno is not None and node.end_col_offset is not None
    first = text.position(node.lineno, node.col_offset)
    last = text.position(node.end_lineno, node.end_col_offset)
    inside = [
        ((line, column), (end_line, end_column))
        for line, end_line, column, end_column in code.co_positions()
        if line and end_line and column is not None and end_column
    ]
    return all(first <= start and end <= last for start, end in inside)
