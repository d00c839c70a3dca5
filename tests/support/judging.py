"""Judges sites of source text: runs the text, and asks about the last comprehension in it."""

import ast
import linecache
from collections.abc import Mapping
from functools import cached_property
from types import CodeType
from typing import Any

from ufora_core.compiler.effects.judgement import Verdict, judge
from ufora_core.compiler.sites.iterables import VIEW, source_of, viewed
from ufora_core.compiler.sites.rewriting import Site, rewrite
from ufora_core.compiler.sites.stages import Deferred, Stage, call
from ufora_core.compiler.sites.views import indexable
from ufora_core.compiler.trees import clone

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

    @cached_property
    def _definitions(self) -> dict[tuple[int, str], ast.AST]:
        """The functions of the module by line and name."""
        return {
            (node.lineno, _name(node)): node
            for node in ast.walk(self.tree)
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
        return rewrite(ast.Module([clone(self.last)], []))[0]

    def judge(self, scope: Mapping[str, object] = {}) -> Verdict:
        """The verdict on that site, over what its iterable gives."""
        site = self.site()
        outermost = clone(site.comprehension.generators[0].iter)
        iterable = self._value(viewed(source_of(outermost), lambda node: node))
        source: Any = iterable.source if isinstance(iterable, Deferred) else iterable
        functions: list[object] = []
        if isinstance(source, Stage):
            source, functions = source.items, list(source.functions)
        items = indexable(source)
        if site.key:
            key = ast.parse(site.key, mode="eval").body
            functions.append(self._value(ast.increment_lineno(key, site.line - 1)))
        return judge(
            site,
            self.namespace,
            {**scope, **dict(zip(site.given_names, functions, strict=True))},
            source if items is None else items,
            source_of=self.source_of,
            filename=self.filename,
            before=self._before(site),
        )

    def _before(self, site: Site) -> list[object]:
        """What the reducer is given in front of the items."""
        if site.reducer is None or not site.reducer.before:
            return []
        assert isinstance(self.last, ast.Expr)
        assert isinstance(self.last.value, ast.Call)
        return [self._value(self.last.value.args[0])]

    def _value(self, node: ast.expr) -> Any:
        code = compile(ast.fix_missing_locations(ast.Expression(node)), self.filename, "eval")
        return eval(code, {**self.namespace, VIEW: call})


def _name(node: ast.AST) -> str:
    return getattr(node, "name", "<lambda>")
