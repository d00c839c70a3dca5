"""Built-in functions that look at names and classes instead of values: ``getattr``, ``super``..."""

import ast
import builtins
import operator
from collections.abc import Callable, Mapping
from typing import NoReturn

from ufora_core.compiler.effects import classes, members
from ufora_core.compiler.effects.frames import (
    Arguments,
    Frame,
    LocalFunction,
    Super,
    of_function,
)
from ufora_core.compiler.effects.kinds import BOOL, NONE, Known, Value, join
from ufora_core.compiler.effects.operators import iterate
from ufora_core.compiler.effects.proof import quote

Form = Callable[[Frame, ast.Call, Arguments], Value]


def _name_argument(frame: Frame, node: ast.Call) -> str:
    """The attribute's name, written out as the second argument."""
    if len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
        name = node.args[1].value
        if isinstance(name, str):
            return name
    return frame.refuse(node, f"{quote(node)}: the attribute's name is not known beforehand")


def _getattr(frame: Frame, node: ast.Call, to: Arguments) -> Value:
    name = _name_argument(frame, node)
    return join(members.read(frame, node, to.positional[0], name), *to.positional[2:])


def _hasattr(frame: Frame, node: ast.Call, to: Arguments) -> Value:
    members.read(frame, node, to.positional[0], _name_argument(frame, node))
    return BOOL


def _setattr(frame: Frame, node: ast.Call, to: Arguments) -> Value:
    name = _name_argument(frame, node)
    members.store(frame, node, to.positional[0], name, *to.positional[2:])
    return NONE


def _delattr(frame: Frame, node: ast.Call, to: Arguments) -> Value:
    members.store(frame, node, to.positional[0], _name_argument(frame, node))
    return NONE


def _type(frame: Frame, node: ast.Call, to: Arguments) -> Value:
    if len(to.positional) != 1:
        frame.refuse(node, f"{quote(node)} makes a class")
    return members.class_of(frame, node, to.positional[0])


def _isinstance(frame: Frame, node: ast.Call, to: Arguments) -> Value:
    for cls in frame.session.world.classes:
        for name in ("__class__", "__subclasshook__"):
            if classes.look_up_user(cls, name) is not None:
                frame.refuse(node, f"{quote(node)} uses `{name}` of {cls.__name__}")
    return BOOL


def _super(frame: Frame, node: ast.Call, to: Arguments) -> Value:
    if to.positional or frame.owner is None or not frame.receiver:
        _refuse_super(frame, node)
    receiver = frame.read(frame.receiver, node)
    return of_function(Super(frame.owner, receiver))


def _iter(frame: Frame, node: ast.Call, to: Arguments) -> Value:
    if len(to.positional) != 1:
        frame.refuse(node, f"{quote(node)} calls a function until it returns a certain value")
    item = iterate(frame, node, to.positional[0])
    return frame.made(None, item)


_ONE_ITEM = ast.arguments(
    posonlyargs=[], args=[ast.arg("item")], kwonlyargs=[], kw_defaults=[], defaults=[]
)


def _getter(build: Callable[[ast.Call, ast.expr], ast.expr]) -> Form:
    """``itemgetter`` and its kin are written as the ``lambda`` that they stand for."""

    def form(frame: Frame, node: ast.Call, to: Arguments) -> Value:
        if node not in frame.functions:
            if node.keywords or not all(isinstance(each, ast.Constant) for each in node.args):
                frame.refuse(node, f"{quote(node)}: what it takes is not known beforehand")
            getter = ast.Lambda(_ONE_ITEM, build(node, ast.Name("item", ast.Load())))
            for each in ast.walk(getter):
                ast.copy_location(each, node)
            frame.functions[node] = LocalFunction(getter, frame, (), {})
        return of_function(frame.functions[node])

    return form


def _several(parts: list[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())


def _item(node: ast.Call, item: ast.expr) -> ast.expr:
    return _several([ast.Subscript(item, each, ast.Load()) for each in node.args])


def _attribute(node: ast.Call, item: ast.expr) -> ast.expr:
    return _several([_path(item, each) for each in node.args])


def _path(item: ast.expr, path: ast.expr) -> ast.expr:
    assert isinstance(path, ast.Constant)
    for name in str(path.value).split("."):
        item = ast.Attribute(item, name, ast.Load())
    return item


def _method(node: ast.Call, item: ast.expr) -> ast.expr:
    name, *arguments = node.args
    return ast.Call(_path(item, name), arguments, [])


_FORMS: Mapping[Known, Form] = {
    Known(builtins.getattr): _getattr,
    Known(builtins.hasattr): _hasattr,
    Known(builtins.setattr): _setattr,
    Known(builtins.delattr): _delattr,
    Known(builtins.type): _type,
    Known(builtins.isinstance): _isinstance,
    Known(builtins.issubclass): _isinstance,
    Known(builtins.super): _super,
    Known(builtins.iter): _iter,
    Known(operator.itemgetter): _getter(_item),
    Known(operator.attrgetter): _getter(_attribute),
    Known(operator.methodcaller): _getter(_method),
}


def call_special_form(frame: Frame, node: ast.AST, callee: Value, to: Arguments) -> Value | None:
    """The value of a call whose meaning depends on how it is written; None for any other."""
    if callee.objects is None or len(callee.objects) != 1:
        return None
    form = _FORMS.get(callee.objects[0])
    if form is None:
        return None
    if to.spread is not None or not isinstance(node, ast.Call) or not _is_call_of(node, to):
        return None if callee.objects[0].object is not super else _refuse_super(frame, node)
    return form(frame, node, to)


def _is_call_of(node: ast.Call, to: Arguments) -> bool:
    return len(node.args) == len(to.positional) and not to.keywords


def _refuse_super(frame: Frame, node: ast.AST) -> NoReturn:
    frame.refuse(node, f"{quote(node)}: only `super()` in a method is understood")
