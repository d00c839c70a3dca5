"""Translates sites of source text to IR, and works out their items both ways."""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from judging import Program
from ufora_core.compiler.sites.iterables import VIEW, source_of, viewed
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_core.compiler.sites.stages import Deferred, Stage, call
from ufora_core.compiler.sites.views import indexable
from ufora_core.compiler.trees import clone
from ufora_worker.native.ir.evaluator import Limits, evaluate
from ufora_worker.native.ir.nodes import Sink
from ufora_worker.native.ir.verifier import verify
from ufora_worker.native.refusal import Refusal, Refused
from ufora_worker.native.runs import Status
from ufora_worker.native.translate.site import translate
from ufora_worker.native.translate.unit import Translation

#: Name under which an item is given to the original.
_ITEMS = "__items__"


class SiteCase:
    """The outermost site of a program's last statement, with the values that it runs over."""

    def __init__(self, text: str, scope: Mapping[str, object]) -> None:
        self.program = Program(text)
        self.scope = dict(scope)
        self.site = self.program.site()
        outermost = clone(self.site.comprehension.generators[0].iter)
        iterable = viewed(source_of(outermost), lambda node: node)
        found = self._evaluate(ast.Expression(iterable), {VIEW: call})
        source: Any = found.source if isinstance(found, Deferred) else found
        if isinstance(source, Stage):
            self.scope |= zip(self.site.given_names, source.functions, strict=True)
            source = source.items
        items = indexable(source)
        self.items: Any = source if items is None else items

    def translation(self, python: tuple[int, int] = sys.version_info[:2]) -> Translation:
        return translate(
            self.site,
            self.items,
            self.program.namespace,
            self.scope,
            source_of=self.program.source_of,
            filename=self.program.filename,
            python=python,
        )

    def original(self, item: object) -> object:
        """What CPython makes of one item: for each value the texts of its leaves, or the
        exception."""
        try:
            values = self.values(item)
        except Exception as error:
            return error
        return [_parts(each) for each in values]

    def values(self, item: object) -> list[Any]:
        """What CPython yields for one item, as the loop's reducer takes it.

        Raises:
            Exception: whatever the item raises.
        """
        values = self._function(item)
        if self.site.kind is SiteKind.COUNT:
            return [True for _ in values]
        if self.site.kind in (SiteKind.ANY, SiteKind.ALL):
            return list(_until_decided(map(bool, values), self.site.kind is SiteKind.ANY))
        return list(values)

    @cached_property
    def _function(self) -> Callable[[object], Iterator[Any]]:
        comprehension = clone(self.site.comprehension)
        comprehension.generators[0].iter = ast.parse(f"[{_ITEMS}]", mode="eval").body
        value: ast.expr
        if isinstance(comprehension, ast.DictComp):
            value = ast.Tuple([comprehension.key, comprehension.value], ast.Load())
        else:
            value = comprehension.elt
        function = ast.parse(f"lambda {_ITEMS}: None", mode="eval")
        lazy = ast.GeneratorExp(value, comprehension.generators)
        function.body.body = lazy  # type: ignore[attr-defined]
        made: Callable[[object], Iterator[Any]] = self._evaluate(function, {})
        return made

    def _evaluate(self, node: ast.Expression, more: Mapping[str, object]) -> Any:
        code = compile(ast.fix_missing_locations(node), self.program.filename, "eval")
        return eval(code, {**self.program.namespace, **self.scope, **more})


def _until_decided(values: Iterable[bool], decides: bool) -> Iterator[bool]:
    """The values up to the first that decides, behind which nothing is reached."""
    for value in values:
        yield value
        if value is decides:
            return


def translated(text: str, **scope: object) -> Translation | Refusal:
    """The code of the outermost site of the last statement, whose local variables are ``scope``."""
    try:
        return SiteCase(text, scope).translation()
    except Refused as refused:
        return refused.refusal


def bails(text: str, **scope: object) -> list[int]:
    """The items that bail, by index; every other item gives what CPython gives.

    Raises:
        AssertionError: one gives anything else.
        Refused: the site is not translated.
    """
    case = SiteCase(text, scope)
    translation = case.translation()
    verify(translation.unit)
    rows = translation.unit.sink is Sink.ROWS
    unit = translation.unit if rows else replace(translation.unit, sink=Sink.COLUMNS)
    found = []
    for index in range(len(case.items)):
        run = evaluate(unit, index, index + 1, translation.values, limits=Limits(depth=100))
        if run.status is Status.BAILED:
            found.append(index)
            continue
        expected = case.original(case.items[index])
        given: list[Any] = [
            list(map(_exactly, column)) for column in zip(*run.columns, strict=True)
        ]
        if rows:
            given = [given[lo:hi] for lo, hi in pairwise((0, *run.ends))]
        assert given == expected, f"item {index} gives {given} instead of {expected}"
    return found


def _parts(value: object) -> list[Any]:
    """The leaves of a value; of a list those of each of its values."""
    if isinstance(value, list):
        return [_parts(each) for each in value]
    return list(map(_exactly, _leaves(value)))


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        for each in value:
            yield from _leaves(each)
    else:
        yield ord(value) if type(value) is str else value


def _exactly(value: object) -> str:
    """Class and value, so that equal texts are equal bits."""
    return f"{type(value).__qualname__} {value!r}"
