"""Expressions on abstract values: what evaluating them may do, and what they may give."""

import ast
from collections.abc import Callable, Iterable, Mapping
from types import GeneratorType
from typing import Any

from ufora_core.compiler.effects import members
from ufora_core.compiler.effects.calls import call, call_method
from ufora_core.compiler.effects.frames import Arguments, Frame, LocalFunction, of_function
from ufora_core.compiler.effects.identity import check_identity
from ufora_core.compiler.effects.kinds import (
    ANYTHING,
    BOOL,
    NONE,
    NOTHING,
    STR,
    Reach,
    Value,
    constant,
    is_exactly,
    join,
    part_of,
)
from ufora_core.compiler.effects.operators import (
    COMPARE,
    CONTAINS,
    HASH,
    ITERATE,
    TRUTH,
    UNARY,
    binary,
    is_numeric,
    iterate,
    special,
    text_of,
)
from ufora_core.compiler.effects.proof import quote
from ufora_core.compiler.effects.results import container, numeric
from ufora_core.compiler.effects.special_forms import call_special_form
from ufora_core.compiler.effects.subscripts import subscript
from ufora_core.compiler.sites.names import Comprehension, mangled, targets


def evaluate(frame: Frame, node: ast.expr) -> Value:
    """The value of an expression.

    Raises:
        NotProved: evaluating it has effects.
    """
    frame.session.step(frame, node)
    evaluator = _EVALUATORS.get(type(node))
    if evaluator is None:
        frame.refuse(node, f"{quote(node)} cannot be looked into")
    return evaluator(frame, node)


def truth(frame: Frame, node: ast.expr) -> None:
    """The truth of an expression is tested."""
    special(frame, node, TRUTH, evaluate(frame, node), deep=False)


def assign(frame: Frame, target: ast.expr, value: Value, layer: dict[str, Value] | None) -> None:
    """``target = value``; names go to ``layer``, if any, else to the function's variables."""
    if isinstance(target, ast.Name):
        frame.bind(mangled(target.id, frame.mangle), value, layer)
    elif isinstance(target, ast.Tuple | ast.List):
        item = iterate(frame, target, value)
        for each in target.elts:
            assign(frame, each, item, layer)
    elif isinstance(target, ast.Starred):
        assign(frame, target.value, frame.made(list, value), layer)
    else:
        store(frame, target, value)


def store(frame: Frame, target: ast.expr, *stored: Value) -> None:
    """A store into an attribute or item (nothing stored: its deletion)."""
    if isinstance(target, ast.Attribute):
        base = evaluate(frame, target.value)
        name = mangled(target.attr, frame.mangle)
        members.store(frame, target, base, name, *stored)
    elif isinstance(target, ast.Subscript):
        base = evaluate(frame, target.value)
        index = evaluate(frame, target.slice)
        members.refuse_change(frame, target, base)
        names = ("__setitem__", "__delitem__", *HASH)
        special(frame, target, names, base, index, *stored, deep=False)
        special(frame, target, HASH, index)
        frame.store(base, index, *stored, *map(part_of, stored))
    else:
        frame.refuse(target, f"{quote(target)} cannot be looked into")


# ---------------------------------------------------------------------- names and constants


def _constant(frame: Frame, node: ast.Constant) -> Value:
    return constant(type(node.value))


def _name(frame: Frame, node: ast.Name) -> Value:
    return frame.read(mangled(node.id, frame.mangle), node)


def _named(frame: Frame, node: ast.NamedExpr) -> Value:
    value = evaluate(frame, node.value)
    assign(frame, node.target, value, None)
    return value


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    base = evaluate(frame, node.value)
    return members.read(frame, node, base, mangled(node.attr, frame.mangle))


def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    return local_function(frame, node)


def local_function(frame: Frame, node: ast.FunctionDef | ast.Lambda) -> Value:
    """A function that is made here."""
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args]
    with_default = named[len(named) - len(arguments.defaults) :]
    defaults = {
        each.arg: evaluate(frame, default)
        for each, default in zip(with_default, arguments.defaults, strict=True)
    }
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            defaults[each.arg] = evaluate(frame, default)
    function = frame.functions.get(node)
    if function is None or function.defaults != defaults:
        function = LocalFunction(node, frame, tuple(frame.layers), defaults)
        frame.functions[node] = function
    return of_function(function)


# ---------------------------------------------------------------------- operators


def _bool_op(frame: Frame, node: ast.BoolOp) -> Value:
    values = [evaluate(frame, each) for each in node.values]
    for value in values[:-1]:
        special(frame, node, TRUTH, value, deep=False)
    return join(*values)


def _bin_op(frame: Frame, node: ast.BinOp) -> Value:
    left, right = evaluate(frame, node.left), evaluate(frame, node.right)
    return binary(frame, node, node.op, left, right)


def _unary_op(frame: Frame, node: ast.UnaryOp) -> Value:
    value = evaluate(frame, node.operand)
    own = special(frame, node, UNARY[type(node.op)], value, deep=False)
    if isinstance(node.op, ast.Not):
        return BOOL
    if value.reach is Reach.IMMUTABLE:
        return constant(int) if is_exactly(value, bool) else value
    return join(own, numeric(frame) if is_numeric(value.types) else frame.made(None, value))


def _if_exp(frame: Frame, node: ast.IfExp) -> Value:
    truth(frame, node.test)
    return join(evaluate(frame, node.body), evaluate(frame, node.orelse))


def _compare(frame: Frame, node: ast.Compare) -> Value:
    operands = [evaluate(frame, each) for each in (node.left, *node.comparators)]
    result = BOOL
    for operator, (i, right) in zip(node.ops, enumerate(operands[1:]), strict=True):
        left = operands[i]
        if isinstance(operator, ast.Is | ast.IsNot):
            written = (node.left, *node.comparators)[i : i + 2]
            check_identity(frame, node, written, left, right)
            continue
        membership = isinstance(operator, ast.In | ast.NotIn)
        names = CONTAINS if membership else COMPARE
        own = special(frame, node, (*names, *HASH), left, right)
        plain = left.reach is Reach.IMMUTABLE and right.reach is Reach.IMMUTABLE
        if membership or plain:
            continue
        both = is_numeric(left.types) and is_numeric(right.types)
        result = join(result, own, numeric(frame) if both else frame.made(None))
    return result


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    base = evaluate(frame, node.value)
    written = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    values = [evaluate(frame, each) for each in written]
    index = container(frame, tuple, *values) if isinstance(node.slice, ast.Tuple) else values[0]
    known = zip(written, values, strict=True)
    indices = [None if isinstance(each, ast.Slice) else value for each, value in known]
    return subscript(frame, node, base, index, indices)


def _slice(frame: Frame, node: ast.Slice) -> Value:
    parts = [each for each in (node.lower, node.upper, node.step) if each is not None]
    values = [evaluate(frame, each) for each in parts]
    special(frame, node, ("__index__",), *values)
    return container(frame, tuple, *values)


# ---------------------------------------------------------------------- displays


def _items(frame: Frame, nodes: Iterable[ast.expr]) -> list[Value]:
    return [
        iterate(frame, node, evaluate(frame, node.value))
        if isinstance(node, ast.Starred)
        else evaluate(frame, node)
        for node in nodes
    ]


def _tuple(frame: Frame, node: ast.Tuple) -> Value:
    return container(frame, tuple, *_items(frame, node.elts))


def _list(frame: Frame, node: ast.List) -> Value:
    return frame.made(list, *_items(frame, node.elts))


def _set(frame: Frame, node: ast.Set) -> Value:
    items = _items(frame, node.elts)
    special(frame, node, HASH, *items)
    frame.session.world.note("has_sets")
    return frame.made(set, *items)


def _dict(frame: Frame, node: ast.Dict) -> Value:
    values = [evaluate(frame, each) for each in node.values]
    keys = [evaluate(frame, each) for each in node.keys if each is not None]
    special(frame, node, HASH, *keys)
    unpacked = [value for key, value in zip(node.keys, values, strict=True) if key is None]
    special(frame, node, (*ITERATE, "keys"), *unpacked, deep=False)
    return frame.made(dict, *keys, *values, *map(part_of, unpacked))


def _joined_str(frame: Frame, node: ast.JoinedStr) -> Value:
    for each in node.values:
        evaluate(frame, each)
    return STR


def _formatted(frame: Frame, node: ast.FormattedValue) -> Value:
    text_of(frame, node.value, evaluate(frame, node.value))
    if node.format_spec is not None:
        evaluate(frame, node.format_spec)
    return STR


# ---------------------------------------------------------------------- comprehensions


def run_generators(frame: Frame, node: Comprehension, first: Value | None = None) -> None:
    """Binds the comprehension's names in a layer of their own, which stays open."""
    outermost = node.generators[0]
    items = evaluate(frame, outermost.iter) if first is None else first
    layer = frame.layer_of.setdefault(node, dict.fromkeys(targets(node), NOTHING))
    for generator in node.generators:
        if generator.is_async:
            frame.refuse(node, f"{quote(node)} is asynchronous")
        if generator is outermost:
            frame.layers.append(layer)
        else:
            items = evaluate(frame, generator.iter)
        item = (
            items
            if generator is outermost and first is not None
            else iterate(frame, generator.iter, items)
        )
        assign(frame, generator.target, item, layer)
        for condition in generator.ifs:
            truth(frame, condition)


def _comprehension(cls: type | None) -> Callable[[Frame, Any], Value]:
    def evaluator(frame: Frame, node: Any) -> Value:
        run_generators(frame, node)
        item = evaluate(frame, node.elt)
        frame.layers.pop()
        if cls is set:
            special(frame, node, HASH, item)
            frame.session.world.note("has_sets")
        if cls is GeneratorType and item.reach is Reach.IMMUTABLE:
            return Value(frame.fresh(item), frozenset({GeneratorType}), inner=item)
        return frame.made(cls, item)

    return evaluator


def _dict_comprehension(frame: Frame, node: ast.DictComp) -> Value:
    run_generators(frame, node)
    key, value = evaluate(frame, node.key), evaluate(frame, node.value)
    frame.layers.pop()
    special(frame, node, HASH, key)
    return frame.made(dict, key, value)


# ---------------------------------------------------------------------- calls


def _call(frame: Frame, node: ast.Call) -> Value:
    if isinstance(node.func, ast.Attribute):
        receiver = evaluate(frame, node.func.value)
        to = _arguments(frame, node)
        name = mangled(node.func.attr, frame.mangle)
        found = call_method(frame, node, receiver, name, to)
        if found is not None:
            return found
        callee = members.read(frame, node.func, receiver, name)
    else:
        callee = evaluate(frame, node.func)
        to = _arguments(frame, node)
    formed = call_special_form(frame, node, callee, to)
    return formed if formed is not None else call(frame, node, callee, to)


def _arguments(frame: Frame, node: ast.Call) -> Arguments:
    positional: list[Value] = []
    keywords: dict[str, Value] = {}
    spread: list[Value] = []
    for each in node.args:
        if isinstance(each, ast.Starred):
            spread.append(iterate(frame, each.value, evaluate(frame, each.value)))
        else:
            positional.append(evaluate(frame, each))
    for keyword in node.keywords:
        value = evaluate(frame, keyword.value)
        if keyword.arg is None:
            special(frame, node, (*ITERATE, "keys"), value, deep=False)
            spread.append(part_of(value))
        else:
            keywords[keyword.arg] = value
    if spread:  # where an argument ends up is not known: each parameter may be any of them
        spread += [*positional, *keywords.values()]
        return Arguments(spread=join(*spread))
    return Arguments(tuple(positional), keywords)


def _yield(frame: Frame, node: ast.Yield) -> Value:
    frame.yields(NONE if node.value is None else evaluate(frame, node.value))
    return NONE  # nobody can send anything: ``send`` is in no table


def _yield_from(frame: Frame, node: ast.YieldFrom) -> Value:
    frame.yields(iterate(frame, node.value, evaluate(frame, node.value)))
    return ANYTHING


_EVALUATORS: Mapping[type, Callable[[Frame, Any], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.NamedExpr: _named,
    ast.Attribute: _attribute,
    ast.Lambda: _lambda,
    ast.BoolOp: _bool_op,
    ast.BinOp: _bin_op,
    ast.UnaryOp: _unary_op,
    ast.IfExp: _if_exp,
    ast.Compare: _compare,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.JoinedStr: _joined_str,
    ast.FormattedValue: _formatted,
    ast.ListComp: _comprehension(list),
    ast.SetComp: _comprehension(set),
    ast.GeneratorExp: _comprehension(GeneratorType),
    ast.DictComp: _dict_comprehension,
    ast.Call: _call,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
}
