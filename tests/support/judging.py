"""Judges sites of source text: runs the text, and asks about the last comprehension in it."""

import ast
import linecache
from collections.abc import Mapping
from types import CodeType
from typing import Any

from ufora_core.compiler.effects import Verdict, judge
from ufora_core.compiler.sites import Site, rewrite

FILENAME = "program.py"


class Program:
    """Some module text that has run, and the sites in its last statement, which has not."""

    def __init__(self, text: str, filename: str = FILENAME) -> None:
        self.filename = filename
        self.tree = ast.parse(text)
        *before, self.last = self.tree.body
        self.namespace: dict[str, Any] = {"__name__": "program"}
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        code = compile(ast.Module(before, []), filename, "exec", dont_inherit=True)
        exec(code, self.namespace)
        self._definitions = {
            (node.lineno, _name(node)): node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        }

    def source_of(self, code: CodeType) -> ast.AST | None:
        """The definition behind some code of this module."""
        if code.co_filename != self.filename:
            return None
        first = code.co_firstlineno
        for (line, name), node in self._definitions.items():
            decorators = getattr(node, "decorator_list", [])
            if name == code.co_name and first in (line, *(each.lineno for each in decorators)):
                return node
        return None

    def site(self) -> Site:
        """The outermost site of the last statement."""
        return rewrite(ast.Module([self.last], []))[0]

    def judge(self, scope: Mapping[str, object] = {}) -> Verdict:
        """The verdict on that site, over what its iterable gives."""
        site = self.site()
        iterable = ast.Expression(site.comprehension.generators[0].iter)
        items = eval(compile(iterable, self.filename, "eval"), self.namespace)
        return judge(
            site,
            self.namespace,
            scope,
            items,
            source_of=self.source_of,
            filename=self.filename,
        )


def _name(node: ast.AST) -> str:
    return getattr(node, "name", "<lambda>")
