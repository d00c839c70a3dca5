"""Builtin functions and classes that native code knows, by the object that is called."""

import ast
import builtins
import types
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_FLOAT,
    NUMPY_INT,
)
from ufora_worker.native.translate import (
    arithmetic,
    functions,
    mathematics,
    methods,
    reductions,
    sequences,
    texts,
)
from ufora_worker.native.translate.attributes import CLASSES
from ufora_worker.native.translate.comparisons import compare
from ufora_worker.native.translate.comprehensions import Comprehension
from ufora_worker.native.translate.conditions import as_truth
from ufora_worker.native.translate.conversions import (
    PYTHON_NUMBERS,
    as_float,
    as_int,
    constant,
    plain,
)
from ufora_worker.native.translate.known_functions import (
    KnownFunction,
    float_of,
    int_of,
    known,
    number_of,
    refuse_argument,
)
from ufora_worker.native.translate.numpy_rules import wrap
from ufora_worker.native.translate.rounding import rounded
from ufora_worker.native.translate.values import (
    Display,
    Enumerated,
    Known,
    LocalFunction,
    Range,
    Reversed,
    Value,
    Zipped,
)
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

_ZERO, _ONE = Const(INT, 0), Const(INT, 1)
_FALSE = Const(BOOL, False)

#: Kinds of callables that may be asked for by value; any other may have a ``__hash__`` of its own.
_PLAIN_KINDS = (types.BuiltinFunctionType, types.MethodDescriptorType, type)


def call_known(
    b: "Builder",
    node: ast.Call,
    function: object,
    arguments: Sequence[Value],
    keywords: Mapping[str, Value],
) -> Value | None:
    """The value of a call of a known function; None if it is not known.

    Raises:
        Refused: it is known, and has no native form for these arguments.
    """
    if type(function) not in _PLAIN_KINDS:
        return None
    found = _KNOWN.get(function)
    if found is not None:
        return found.call(b, node, arguments, keywords)
    if function in mathematics.EDITS:
        b.refuse(
            node,
            f"`{ast.unparse(node.func)}` has no native form with the same last bits",
            mathematics.EDITS[function],
        )
    return None


def apply(
    b: "Builder",
    node: ast.Call,
    function: Value,
    arguments: Sequence[Value],
    keywords: Mapping[str, Value],
) -> Value:
    """The value of a call of whatever a value is.

    Raises:
        Refused: nothing is known of it, or it does what native code cannot.
        Unresolved: it is a function under translation, whose type is not known yet.
    """
    if isinstance(function, LocalFunction):
        return functions.call_local(b, node, function, arguments, keywords)
    if not isinstance(function, Known):
        b.refuse(node, f"`{ast.unparse(node.func)}` is {describe(function)}, and is called")
    found = call_known(b, node, function.value, arguments, keywords)
    if found is not None:
        return found
    if type(function.value) is types.FunctionType:
        return functions.call_function(b, node, function.value, arguments, keywords)
    return b.refuse(
        node,
        f"`{ast.unparse(node.func)}(...)` has no native form",
        "call it outside of the loop",
    )


# ------------------------------------------------------------------ numbers


def _abs(b: "Builder", node: ast.Call, value: Value) -> Value:
    number = number_of(b, node, value)
    assert isinstance(value, Atom)
    if value.type not in (*PYTHON_NUMBERS, NUMPY_INT, NUMPY_FLOAT):
        return refuse_argument(b, node, value, "unwrap the element with `int(...)`")
    if number.type == BOOL:
        return as_int(b, number)
    result = b.emit(f"{number.type}.abs", number)
    return result if value.type in PYTHON_NUMBERS else wrap(b, result)


def _divmod(b: "Builder", node: ast.Call, left: Value, right: Value) -> Value:
    operands = b.atom(node, left), b.atom(node, right)
    quotient = arithmetic.binary(b, node, ast.FloorDiv, *operands)
    return Display((quotient, arithmetic.binary(b, node, ast.Mod, *operands)))


def _pow(b: "Builder", node: ast.Call, base: Value, exp: Value, mod: Value | None = None) -> Value:
    if mod is None:
        return arithmetic.binary(b, node, ast.Pow, b.atom(node, base), b.atom(node, exp))
    operands = []
    for each in (base, exp, mod):
        if not isinstance(each, Atom) or each.type not in (BOOL, INT):
            return refuse_argument(b, node, each)
        operands.append(as_int(b, each))
    return b.emit("int.powmod", *operands)


def _int(b: "Builder", node: ast.Call, value: Value = _ZERO) -> Value:
    if texts.is_text(value):
        return _digit(b, node, value)
    number = number_of(b, node, value)
    if number.type == COMPLEX:
        return refuse_argument(b, node, value)
    return b.emit("float.to_int", number) if number.type == FLOAT else as_int(b, number)


def _digit(b: "Builder", node: ast.Call, text: Value) -> Atom:
    """``int("7")``; any character but an ASCII digit bails."""
    if isinstance(text, Known):
        folded = constant(lambda: int(str(text.value)))
        if folded is not None:
            return folded
    character = texts.operand(b, text)
    if character.type != CHAR:
        return refuse_argument(b, node, text, "take one digit after the other")
    value = b.emit("int.sub", b.emit("char.ord", character), Const(INT, ord("0")))
    low, high = b.emit("int.lt", value, _ZERO), b.emit("int.gt", value, Const(INT, 9))
    b.bail_if(b.emit("bool.or", low, high), "not a digit of ASCII")
    return value


def _float(b: "Builder", node: ast.Call, value: Value = _ZERO) -> Value:
    if isinstance(value, Known) and type(value.value) is str:
        text = value.value
        return constant(lambda: float(text)) or refuse_argument(b, node, value)
    return float_of(b, node, value)


def _bool(b: "Builder", node: ast.Call, value: Value = _FALSE) -> Value:
    return as_truth(b, node, value)


def _complex(b: "Builder", node: ast.Call, real: Value = _ZERO, imag: Value | None = None) -> Value:
    first = number_of(b, node, real)
    if first.type == COMPLEX:
        return first if imag is None else refuse_argument(b, node, real)
    second = Const(FLOAT, 0.0) if imag is None else float_of(b, node, imag)
    return b.emit("complex.make", as_float(b, first), second)


def _numpy_class(write: Callable[..., Value]) -> KnownFunction:
    def wrapped(b: "Builder", node: ast.Call, value: Value) -> Value:
        return wrap(b, b.atom(node, write(b, node, value)))

    return known(wrapped)


def _ord(b: "Builder", node: ast.Call, text: Value) -> Value:
    if not texts.is_text(text):
        return refuse_argument(b, node, text)
    character = texts.operand(b, text)
    if character.type != CHAR:
        alone = b.emit("int.eq", texts.length(b, character), _ONE)
        b.bail_if(b.emit("bool.not", alone), "ord() of a string of several characters, or none")
        character = b.emit("array.get", character, _ZERO)
    return b.emit("char.ord", character)


def _chr(b: "Builder", node: ast.Call, value: Value) -> Value:
    return b.emit("char.chr", int_of(b, node, value))


def _isinstance(b: "Builder", node: ast.Call, value: Value, classes: Value) -> Value:
    wanted = classes.items if isinstance(classes, Display) else (classes,)
    cls = CLASSES.get(value.type) if isinstance(value, Atom) else None
    named = [each.value for each in wanted if isinstance(each, Known)]
    if cls is None or len(named) < len(wanted) or not all(type(each) is type for each in named):
        return refuse_argument(b, node, value)
    return Const(BOOL, any(issubclass(cls, each) for each in named if isinstance(each, type)))


# ------------------------------------------------------------------ reductions


def _sum(b: "Builder", node: ast.Call, iterable: Value, start: Value = _ZERO) -> Value:
    return reductions.total(b, node, iterable, b.atom(node, start))


def _best(operator: type[ast.cmpop]) -> KnownFunction:
    def write(
        b: "Builder", node: ast.Call, first: Value, *others: Value, **keywords: Value
    ) -> Value:
        key, default = keywords.get("key", Known(None, "None")), keywords.get("default")
        rank = _rank(b, node, key)
        if not others:
            atom = None if default is None else b.atom(node, default)
            return reductions.best(b, node, first, operator, rank, atom)
        if default is not None:
            b.refuse(node, "`default` is for an iterable only")
        values = [b.atom(node, each) for each in (first, *others)]
        return _best_of(b, node, operator, rank, values)

    return known(write, "key", "default")


def _rank(b: "Builder", node: ast.Call, key: Value) -> Callable[[Atom], Atom]:
    """What is compared instead of a value."""
    if key == Known(None, "None"):
        return lambda value: value
    written = next(each.value for each in node.keywords if each.arg == "key")
    call = ast.copy_location(ast.Call(written, [], []), node)
    return lambda value: b.atom(node, apply(b, call, key, [value], {}))


def _best_of(
    b: "Builder",
    node: ast.Call,
    operator: type[ast.cmpop],
    rank: Callable[[Atom], Atom],
    values: Sequence[Atom],
) -> Atom:
    best, *others = values
    for each in others:
        if each.type != best.type:
            b.refuse(
                node,
                f"`{ast.unparse(node)}` gives {describe(best)} or {describe(each)}",
                "let all arguments be of one type",
            )
    top = rank(best)
    for each in others:
        ranked = rank(each)
        better = plain(b, compare(b, node, operator, ranked, top))
        best, top = b.emit("select", better, each, best), b.emit("select", better, ranked, top)
    return best


def _len(b: "Builder", node: ast.Call, value: Value) -> Value:
    if not isinstance(value, Comprehension):
        return sequences.length(b, node, value)
    if isinstance(value.node, ast.GeneratorExp):
        return refuse_argument(b, node, value, "write `sum(1 for ...)`")
    return reductions.count(b, node, value)


# ------------------------------------------------------------------ iterables


def _range(b: "Builder", node: ast.Call, *bounds: Value) -> Value:
    numbers = [int_of(b, node, each) for each in bounds]
    if not 1 <= len(numbers) <= 3:
        b.refuse(node, f"`range` is called with {len(numbers)} arguments")
    if len(numbers) == 1:
        numbers = [_ZERO, *numbers]
    start, stop, step = (*numbers, _ONE)[:3]
    if not isinstance(step, Const):
        b.bail_if(b.emit("int.eq", step, _ZERO), "range() arg 3 must not be zero")
    elif step == _ZERO:
        b.refuse(node, "`range` with a step of 0 raises ValueError")
    return Range(start, stop, step)


def _enumerate(b: "Builder", node: ast.Call, iterable: Value, start: Value = _ZERO) -> Value:
    return Enumerated(iterable, int_of(b, node, start))


def _zip(b: "Builder", node: ast.Call, *iterables: Value) -> Value:
    return Zipped(iterables)


def _reversed(b: "Builder", node: ast.Call, sequence: Value) -> Value:
    if isinstance(sequence, Enumerated | Zipped | Reversed | Comprehension):
        return refuse_argument(b, node, sequence)
    return Reversed(sequence)


def _display(is_list: bool) -> KnownFunction:
    def write(b: "Builder", node: ast.Call, iterable: Value) -> Value:
        if isinstance(iterable, Display):
            return Display(iterable.items, is_list)
        return refuse_argument(b, node, iterable, "use it as it is, or make it before the loop")

    return known(write)


_KNOWN: Mapping[object, KnownFunction] = {
    **mathematics.KNOWN,
    **methods.KNOWN,
    builtins.abs: known(_abs),
    builtins.all: known(reductions.all_of),
    builtins.any: known(reductions.any_of),
    builtins.bool: known(_bool),
    builtins.chr: known(_chr),
    builtins.complex: known(_complex, "real", "imag"),
    builtins.divmod: known(_divmod),
    builtins.enumerate: known(_enumerate, "start"),
    builtins.float: known(_float),
    builtins.int: known(_int),
    builtins.isinstance: known(_isinstance),
    builtins.len: known(_len),
    builtins.list: _display(is_list=True),
    builtins.max: _best(ast.Gt),
    builtins.min: _best(ast.Lt),
    builtins.ord: known(_ord),
    builtins.pow: known(_pow, "base", "exp", "mod"),
    builtins.range: known(_range),
    builtins.reversed: known(_reversed),
    builtins.round: known(rounded, "number", "ndigits"),
    builtins.sum: known(_sum, "start"),
    builtins.tuple: _display(is_list=False),
    builtins.zip: known(_zip),
    numpy.bool: _numpy_class(_bool),
    numpy.float64: _numpy_class(_float),
    numpy.int64: _numpy_class(_int),
}
