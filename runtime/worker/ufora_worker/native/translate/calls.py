"""Calls: of what native code knows, and of the user's functions."""

import ast
from types import ModuleType
from typing import TYPE_CHECKING

from ufora_worker.native.translate import attributes, builtins
from ufora_worker.native.translate.values import Known, Value
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


def call(b: "Builder", node: ast.Call) -> Value:
    """The value of a call.

    Raises:
        Refused: nothing is known of the function, or it does what native code cannot.
        Unresolved: it is a call of a function under translation, whose type is not known yet.
    """
    function, receiver = _function(b, node.func)
    arguments = [*receiver, *(b.evaluate(each) for each in node.args)]
    keywords = {_keyword(b, each): b.evaluate(each.value) for each in node.keywords}
    return builtins.apply(b, node, function, arguments, keywords)


def _keyword(b: "Builder", keyword: ast.keyword) -> str:
    if keyword.arg is None:
        b.refuse(keyword, "`**` unpacks a dict", "write the arguments one by one")
    return keyword.arg


def _function(b: "Builder", node: ast.expr) -> tuple[Value, list[Value]]:
    """What is called, and the object whose method it is."""
    if isinstance(node, ast.Attribute):
        of = b.evaluate(node.value)
        if isinstance(of, Known) and isinstance(of.value, ModuleType):
            return b.evaluate(node), []
        found = attributes.method(node, of)
        if found is not None:
            return Known(found, ast.unparse(node)), [of]
        b.refuse(node, f"`{ast.unparse(node)}(...)` is a method of {describe(of)}")
    return b.evaluate(node), []
