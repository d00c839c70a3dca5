"""What a function returns: one type, on every path."""

import ast
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Return
from ufora_worker.native.ir.types import FLOAT, INT, Array, leaves
from ufora_worker.native.translate.values import Known, Value
from ufora_worker.native.translate.wording import a_type, gives

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


def returns(b: "Builder", node: ast.AST, value: Value) -> None:
    """``return value``.

    Raises:
        Refused: the value is None, an array, or of another type than on an earlier path.
    """
    if isinstance(value, Known) and value.value is None:
        _refuse_none(b, node)
    result = b.atom(node, value)
    if any(isinstance(each, Array) for each in leaves(result.type)):
        b.refuse(node, f"{gives(b.name)} a sequence", "let it be numbers")
    if b.result is None:
        b.result = result.type
    if result.type != b.result:
        types = {b.result, result.type}
        edit = "write the int as a float (`0.0`)" if types == {INT, FLOAT} else ""
        one, other = a_type(b.result), a_type(result.type)
        b.refuse(node, f"{gives(b.name)} {one} on one path and {other} on another", edit)
    b.add(Return(result))
    b.flow.reachable = False


def finish(b: "Builder", node: ast.FunctionDef) -> None:
    """The end of the body: where control comes here, the function returns None.

    Raises:
        Refused: it returns nothing else.
    """
    if not b.flow.reachable:
        return
    if b.result is None:
        _refuse_none(b, node)
    b.bail(f"{b.name} returns None")


def _refuse_none(b: "Builder", node: ast.AST) -> None:
    b.refuse(node, f"`{b.name}` returns None", "return a number on every path")
