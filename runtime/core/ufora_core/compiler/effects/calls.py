"""Calls: which functions may be meant, and what calling them does."""

import ast
import functools
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)

from ufora_core.compiler.effects import classes, library
from ufora_core.compiler.effects.classes import Nature
from ufora_core.compiler.effects.construction import construct, is_constructible
from ufora_core.compiler.effects.effect_table import FUNCTIONS, known_effect
from ufora_core.compiler.effects.frames import Arguments, Bound, Frame, LocalFunction
from ufora_core.compiler.effects.kinds import (
    NOTHING,
    Reach,
    Value,
    join,
)
from ufora_core.compiler.effects.members import (
    may_be_built_in,
    of_instance,
    possible_classes,
    refuse_change,
)
from ufora_core.compiler.effects.method_table import METHODS
from ufora_core.compiler.effects.proof import quote
from ufora_core.compiler.effects.qualified_names import qualified_name
from ufora_core.compiler.effects.results import Use


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
        if not is_constructible(frame, target, name):  # type: ignore[arg-type]
            return _refuse_unknown(frame, node, name)
        return construct(frame, node, target, to, call_object)  # type: ignore[arg-type]
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
    """A cache of a pure function does not show, unless it hands out one object twice. Yet the time
    that it saves is lost where items are divided: each process would have a cache of its own."""
    value = call_object(frame, node, cached.__wrapped__, to)  # type: ignore[attr-defined]
    if value.reach is not Reach.IMMUTABLE:
        frame.refuse(
            node,
            f"{quote(node)} is cached and may return the same changeable object again: return "
            "a number, a string or a tuple of such",
        )
    if frame.session.divides:
        frame.refuse(
            node,
            f"{quote(node)} is cached, and other processes would compute again what is in the "
            "cache: call the function without its cache",
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
