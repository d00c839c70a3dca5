"""Calls: which functions may be meant, and what calling them does."""

import ast
import enum
import functools
import sys
from collections.abc import Mapping
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)

from ufora_core.compiler import classes, library
from ufora_core.compiler.classes import Nature, numpy_functions
from ufora_core.compiler.effect_table import FUNCTIONS, known_effect
from ufora_core.compiler.frames import BUILTINS, Arguments, Bound, Frame, LocalFunction, Outcome
from ufora_core.compiler.generated import is_generated
from ufora_core.compiler.kinds import (
    ANYTHING,
    CONSTANT,
    NOTHING,
    Reach,
    Value,
    is_made_here,
    join,
)
from ufora_core.compiler.members import (
    may_be_built_in,
    of_instance,
    possible_classes,
    refuse_change,
)
from ufora_core.compiler.method_table import METHODS
from ufora_core.compiler.proof import quote
from ufora_core.compiler.results import Use


def call(frame: Frame, node: ast.AST, callee: Value, to: Arguments) -> Value:
    """``callee(*to)``.

    Raises:
        NotProved: it has effects, or nobody can tell what it calls.
    """
    if callee.objects is None:
        if callee == NOTHING:
            return NOTHING  # the name means nothing: NameError
        frame.refuse(
            node,
            f"{quote(node)}: it is not known beforehand which function this calls",
        )
    return join(*(call_object(frame, node, each.object, to) for each in callee.objects))


def call_object(frame: Frame, node: ast.AST, target: object, to: Arguments) -> Value:
    """A call of this very object."""
    name = qualified_name(target)
    rule = FUNCTIONS.get(name) if name is not None else None
    if rule is not None:
        return library.apply(Use(frame, node, name or "", rule, None, to), call)
    kind = type(target)
    caller = _CALLERS.get(kind)
    if caller is not None:
        return caller(frame, node, target, to)
    if issubclass(kind, type):
        return _construct(frame, node, target, to)  # type: ignore[arg-type]
    if frame.session.world.nature(kind) is Nature.USER:
        return _call_instance(frame, node, target, to)
    return _refuse_unknown(frame, node, name)


def _refuse_unknown(frame: Frame, node: ast.AST, name: str | None) -> Value:
    effect = known_effect(name) if name is not None else None
    if effect is not None:
        frame.refuse(
            node, f"{quote(node)} {effect}: call it outside of the loop, and use the result in it"
        )
    frame.refuse(
        node,
        f"{quote(node)} is not known to be free of effects: call it outside of the loop, or write "
        "it in Python",
    )


# ---------------------------------------------------------------------- functions


def _call_function(frame: Frame, node: ast.AST, function: object, to: Arguments) -> Value:
    outcome = frame.session.call(frame, node, function, to)  # type: ignore[arg-type]
    if type(function) is LocalFunction and outcome.leaks:
        frame.leak()
    frame.leak_from_call(outcome, to)
    return frame.demoted(outcome.value)


def _call_python(frame: Frame, node: ast.AST, function: object, to: Arguments) -> Value:
    name = qualified_name(function)
    if name is not None and known_effect(name) is not None:
        _refuse_unknown(frame, node, name)
    return _call_function(frame, node, function, to)


def _call_method(frame: Frame, node: ast.AST, method: object, to: Arguments) -> Value:
    owner = method.__self__  # type: ignore[attr-defined]
    _check_owner(frame, node, owner)
    receiver = frame.see(owner, quote(node).strip("`"), node)
    return call_object(frame, node, method.__func__, to.after(receiver))  # type: ignore[attr-defined]


def _check_owner(frame: Frame, node: ast.AST, owner: object) -> None:
    """The better reason, for methods of objects such as ``random``'s generator."""
    if not issubclass(type(owner), type):
        name = f"{type(owner).__module__}.{type(owner).__qualname__}"
        if known_effect(name) is not None:
            _refuse_unknown(frame, node, name)


def _call_bound(frame: Frame, node: ast.AST, bound: object, to: Arguments) -> Value:
    assert isinstance(bound, Bound)
    if bound.function is not None:
        return call_object(frame, node, bound.function, to.after(bound.receiver))
    return call_builtin_method(frame, node, bound.receiver, bound.name, to)


def _call_partial(frame: Frame, node: ast.AST, partial: object, to: Arguments) -> Value:
    assert isinstance(partial, functools.partial)
    first = [frame.see(each, "partial", node) for each in partial.args]
    keywords = {name: frame.see(each, name, node) for name, each in partial.keywords.items()}
    to = Arguments((*first, *to.positional), {**keywords, **to.keywords}, to.spread)
    return call_object(frame, node, partial.func, to)


def _call_cached(frame: Frame, node: ast.AST, cached: object, to: Arguments) -> Value:
    """A cache of a pure function does not show, unless it hands out one object twice."""
    value = call_object(frame, node, cached.__wrapped__, to)  # type: ignore[attr-defined]
    if value.reach is not Reach.IMMUTABLE:
        frame.refuse(
            node,
            f"{quote(node)} is cached and may return the same changeable object again: return "
            "a number, a string or a tuple of such",
        )
    return value


def _call_built_in(frame: Frame, node: ast.AST, function: object, to: Arguments) -> Value:
    """A function written in C that is not in the table: perhaps a method of some object."""
    owner = function.__self__  # type: ignore[attr-defined]
    if owner is None or type(owner) is ModuleType:
        return _refuse_unknown(frame, node, qualified_name(function))
    if issubclass(type(owner), type):
        return _refuse_unknown(frame, node, qualified_name(function))
    _check_owner(frame, node, owner)
    receiver = frame.see(owner, quote(node).strip("`"), node)
    return call_builtin_method(frame, node, receiver, function.__name__, to)  # type: ignore[attr-defined]


def _call_descriptor(frame: Frame, node: ast.AST, method: object, to: Arguments) -> Value:
    """``str.upper(text)``: the receiver comes first."""
    if not to.positional:
        return NOTHING
    receiver, *rest = to.positional
    name = method.__name__  # type: ignore[attr-defined]
    return call_builtin_method(
        frame, node, receiver, name, Arguments(tuple(rest), to.keywords, to.spread)
    )


def _call_instance(frame: Frame, node: ast.AST, target: object, to: Arguments) -> Value:
    method = classes.look_up_user(type(target), "__call__")
    if type(method) is not FunctionType:
        return NOTHING
    me = frame.see(target, quote(node).strip("`"), node)
    return _call_function(frame, node, method, to.after(me))


_CALLERS = {
    FunctionType: _call_python,
    LocalFunction: _call_function,
    MethodType: _call_method,
    Bound: _call_bound,
    functools.partial: _call_partial,
    classes.LruCache: _call_cached,
    BuiltinFunctionType: _call_built_in,
    MethodDescriptorType: _call_descriptor,
    WrapperDescriptorType: _call_descriptor,
}


# ---------------------------------------------------------------------- methods


def call_method(
    frame: Frame, node: ast.AST, receiver: Value, name: str, to: Arguments
) -> Value | None:
    """``receiver.name(*to)``, whatever the receiver's class may be; None when the very objects
    that it may be are known, so that their attributes can be read like any others."""
    if receiver.objects is not None or name.startswith("__"):
        return None
    if receiver == NOTHING:
        return NOTHING
    results: list[Value] = []
    for cls in possible_classes(frame, receiver):
        if any(classes.look_up_user(cls, each) for each in (name, *_READERS)):
            results.append(call(frame, node, of_instance(frame, node, receiver, cls, name), to))
    for known in frame.session.world.callables.get(name, ()):
        results.append(call(frame, node, frame.see(known.object, name, node), to))
    if name in METHODS and may_be_built_in(frame, receiver):
        results.append(call_builtin_method(frame, node, receiver, name, to))
    if not results:
        frame.refuse(node, f"{quote(node)}: it is not known beforehand what `.{name}` calls")
    return join(*results)


_READERS = ("__getattr__", "__getattribute__")


def call_builtin_method(
    frame: Frame, node: ast.AST, receiver: Value, name: str, to: Arguments
) -> Value:
    """A method of a built-in class."""
    if name == "__init__":
        return NOTHING
    if name == "__new__":
        made = frame.made(None, *to.all())
        return Value(made.reach, receiver.types if receiver.objects is None else None)
    if name == "__setattr__":
        refuse_change(frame, node, receiver)
        frame.store(receiver, *to.all())
        return NOTHING
    rule = METHODS.get(name)
    if rule is None:
        return _refuse_unknown(frame, node, None)
    return library.apply(Use(frame, node, name, rule, receiver, to), call)


# ---------------------------------------------------------------------- classes


def _construct(frame: Frame, node: ast.AST, cls: type, to: Arguments) -> Value:
    """``cls(*to)``."""
    world = frame.session.world
    if issubclass(cls, BaseException) and classes.is_trusted(cls):
        return frame.made(cls, *to.all())
    name = qualified_name(cls)
    if world.nature(cls) is not Nature.USER or (name and known_effect(name)):
        _refuse_unknown(frame, node, name)
    world.add_class(cls)
    if type(cls) is enum.EnumMeta:
        members = tuple(cls.__dict__["_member_map_"].values())
        return frame.see(members, cls.__name__, node).inner or NOTHING
    if classes.look_up_user(cls, "__del__") is not None:
        frame.refuse(node, f"{quote(node)} makes an object whose `__del__` runs at no certain time")
    leaks = False
    for special in ("__new__", "__init__"):
        method = classes.look_up_user(cls, special)
        if method is not None:
            leaks = _initialise(frame, node, cls, method, to).leaks or leaks
    if leaks and any(is_made_here(value) for value in to.all()):
        frame.leak()
    own = frame.made(cls, *to.all())
    return Value(Reach.SHELL, own.types) if leaks else own


def _initialise(frame: Frame, node: ast.AST, cls: type, method: object, to: Arguments) -> Outcome:
    function = method.__func__ if type(method) is staticmethod else method
    if type(function) is not FunctionType:
        frame.refuse(node, f"{quote(node)}: `{cls.__name__}` is not made by a plain function")
    if is_generated(cls, function):
        return Outcome(_initialise_fields(frame, node, cls), leaks=False)
    if function.__name__ == "__new__":
        me = frame.see(cls, cls.__name__, node)
        return Outcome(_call_function(frame, node, function, to.after(me)), leaks=False)
    me = Value(Reach.OWN, frozenset({cls}))
    return frame.session.call(frame, node, function, to.after(me))


def _initialise_fields(frame: Frame, node: ast.AST, cls: type) -> Value:
    """A generated ``__init__``: default factories run, and ``__post_init__``."""
    fields: Mapping[str, object] = getattr(cls, "__dataclass_fields__", {})
    for field in fields.values():
        factory = getattr(field, "default_factory", None)
        if callable(factory):
            call_object(frame, node, factory, Arguments())
    after = classes.look_up_user(cls, "__post_init__")
    if type(after) is FunctionType:
        me = Value(Reach.OWN, frozenset({cls}))
        _call_function(frame, node, after, Arguments((me,), spread=ANYTHING))
    return CONSTANT


# ---------------------------------------------------------------------- names


def qualified_name(target: object) -> str | None:
    """``module.name`` of a function or class of a library; None unless it is the very object that
    can be found there (a user's function may call itself anything)."""
    owner = getattr(target, "__self__", None) if type(target) is BuiltinFunctionType else None
    if owner is not None and issubclass(type(owner), type):
        inner = qualified_name(owner)
        return None if inner is None else f"{inner}.{target.__name__}"  # type: ignore[attr-defined]
    cls = type(target)
    if cls not in _NAMED and cls not in numpy_functions() and not issubclass(cls, type):
        return None
    module_name = getattr(target, "__module__", None) or "numpy"
    name = getattr(target, "__qualname__", None) or target.__name__  # type: ignore[attr-defined]
    if not isinstance(module_name, str) or not isinstance(name, str):
        return None
    found: object = sys.modules.get(module_name)
    names = BUILTINS if module_name == "builtins" else getattr(found, "__dict__", {})
    for part in name.split("."):
        found = names.get(part)
        names = getattr(found, "__dict__", {}) if issubclass(type(found), type) else {}
    return f"{module_name.removeprefix('_')}.{name}" if found is target else None


_NAMED = (FunctionType, BuiltinFunctionType)
