"""Which argument becomes which parameter."""

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ufora_worker.native.translate.values import Value

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


def bind_arguments(
    b: "Builder",
    node: ast.AST,
    name: str,
    wanted: ast.arguments,
    arguments: Sequence[Value],
    keywords: Mapping[str, Value],
    defaults: Mapping[str, Value],
) -> dict[str, Value]:
    """The value of each parameter of the function called ``name``, in their order.

    Raises:
        Refused: the arguments do not fit (CPython raises TypeError).
    """
    positional = [each.arg for each in (*wanted.posonlyargs, *wanted.args)]
    by_name = {each.arg for each in (*wanted.args, *wanted.kwonlyargs)}
    given = dict(zip(positional, arguments, strict=False))
    unfit = len(arguments) > len(positional) or not keywords.keys() <= by_name - given.keys()
    every = [*positional, *(each.arg for each in wanted.kwonlyargs)]
    values = {**defaults, **given, **keywords}
    if unfit or not values.keys() >= set(every):
        b.refuse(node, f"`{name}` is called with arguments that do not fit its parameters")
    return {each: values[each] for each in every}
