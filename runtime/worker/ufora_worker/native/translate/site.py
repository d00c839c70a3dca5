"""A site as a unit of native code: its item function, and the functions that it calls."""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence, Sized
from types import FunctionType

from ufora_core.compiler.sites.names import Comprehension, targets
from ufora_core.compiler.sites.rewriting import Site, SiteKind
from ufora_worker.native.ir.nodes import Atom, Const, Emit, Sink, Var
from ufora_worker.native.ir.types import (
    BOOL,
    FLOAT,
    INT,
    NUMPY_NARROW_FLOAT,
    NUMPY_NARROW_INT,
    Array,
    Type,
    leaves,
)
from ufora_worker.native.refusal import Refusal, Refused
from ufora_worker.native.translate.builder import GREATEST_INT, LEAST_INT, Builder
from ufora_worker.native.translate.collecting import collects
from ufora_worker.native.translate.comprehensions import inside
from ufora_worker.native.translate.conditions import truth
from ufora_worker.native.translate.expressions import evaluate
from ufora_worker.native.translate.functions import Specialisations, call_function
from ufora_worker.native.translate.names import Names, see
from ufora_worker.native.translate.sequences import iterate
from ufora_worker.native.translate.session import Session, SourceOf
from ufora_worker.native.translate.statements import execute
from ufora_worker.native.translate.targets import bind
from ufora_worker.native.translate.unit import ITEM, Translation, put_together
from ufora_worker.native.translate.values import Display, Value
from ufora_worker.native.translate.wording import a_type

__all__ = ["Translation", "translate", "translate_call"]

_INDEX = Var("%index", INT)
_PYTHON = sys.version_info[:2]

#: What becomes of values of which types; of any others the columns.
_FOLDS: Mapping[SiteKind, tuple[Sink, frozenset[Type]]] = {
    SiteKind.SUM: (Sink.TOTAL, frozenset({INT, BOOL})),
    SiteKind.MIN: (Sink.LEAST, frozenset({INT, FLOAT, BOOL})),
    SiteKind.MAX: (Sink.GREATEST, frozenset({INT, FLOAT, BOOL})),
    SiteKind.ANY: (Sink.ANY, frozenset({BOOL})),
    SiteKind.ALL: (Sink.ALL, frozenset({BOOL})),
    SiteKind.COUNT: (Sink.COUNT, frozenset({BOOL})),
}


def translate(
    site: Site,
    items: Sized,
    namespace: Mapping[str, object],
    scope: Mapping[str, object],
    *,
    source_of: SourceOf,
    filename: str,
    python: tuple[int, int] = _PYTHON,
) -> Translation:
    """The native code of a site's loop over ``items``.

    ``namespace`` holds the global names, ``scope`` the values of the local variables that items
    read; ``source_of`` gives the parsed definition of a function's code; ``python`` is the version
    whose rules hold where versions differ.

    Raises:
        Refused: the loop is to run in CPython.
    """
    comprehension = site.comprehension
    generators = comprehension.generators

    def emit(b: Builder) -> Type:
        emitted: list[Type] = []
        bind(b, generators[0].target, _item(b, generators[0].iter, items))
        if not _emits_a_list(b, site, emitted):
            inside(b, generators, lambda: emitted.append(_emit(b, site.kind, comprehension)))
        if not emitted:
            b.refuse(comprehension, "no item gives a value")
        return emitted[-1]

    b = Builder(
        _session(source_of, python),
        "the loop",
        filename,
        Names(scope, namespace),
        targets(comprehension),
        site.mangle,
    )
    b.line = site.line
    emits = _within_limits(b, emit)
    sink, types = _FOLDS.get(site.kind, (Sink.COLUMNS, frozenset()))
    return put_together(b, _INDEX, sink if emits in types else Sink.COLUMNS, emits, len(items))


def translate_call(
    function: FunctionType,
    arguments: Sequence[object],
    *,
    source_of: SourceOf,
    python: tuple[int, int] = _PYTHON,
) -> Translation:
    """The native code of one call, as a loop of one item that emits ``function(*arguments)``.

    Raises:
        Refused: it is to run in CPython.
    """
    code = function.__code__
    names = Names({}, function.__globals__)
    b = Builder(_session(source_of, python), "the call", code.co_filename, names)
    node = ast.Call(ast.Name(function.__name__, ast.Load()), [], [], lineno=code.co_firstlineno)
    b.line = node.lineno

    def emit(b: Builder) -> Type:
        values = [_argument(b, each, index) for index, each in enumerate(arguments)]
        return _emit_value(b, node, call_function(b, node, function, values, {}))

    return put_together(b, _INDEX, Sink.COLUMNS, _within_limits(b, emit), 1)


def _session(source_of: SourceOf, python: tuple[int, int]) -> Session:
    return Session(source_of, Specialisations(), python, evaluate, execute)


def _within_limits(b: Builder, emit: Callable[[Builder], Type]) -> Type:
    try:
        return emit(b)
    except RecursionError:
        message = "the code nests too deeply to be compiled"
        raise Refused(Refusal(message, b.filename, b.line)) from None


def _argument(b: Builder, value: object, index: int) -> Value:
    if type(value) in (bool, int, float, complex):
        return b.captured(value, f"{ITEM}.{index}", index)
    return see(b, value, f"{ITEM}.{index}")


# ------------------------------------------------------------------ items


def _item(b: Builder, node: ast.expr, items: Sized) -> Value:
    """The item whose index the item function is given."""
    if isinstance(items, range):
        return _of_range(b, node, items)
    name = node.id if isinstance(node, ast.Name) else "items"
    return iterate(b, node, see(b, items, name)).element(_INDEX)


def _of_range(b: Builder, node: ast.expr, items: range) -> Atom:
    """``start + index * step``; the start is a parameter, so that any range has the same code."""
    limits = (items.start, items.step, items[-1] if items else 0)
    if not all(LEAST_INT <= each <= GREATEST_INT for each in limits):
        b.refuse(node, f"`{ast.unparse(node)}` has ints that do not fit in 64 bits")
    value: Atom = _INDEX
    if items.step != 1:
        value = b.emit("int.mul", value, Const(INT, items.step))
    if items.start != 0:
        value = b.emit("int.add", b.captured(items.start, "range.start", range), value)
    return value


# ------------------------------------------------------------------ values


def _emits_a_list(b: Builder, site: Site, emitted: list[Type]) -> bool:
    """Emits what a function puts into a list, if that is what the items' values are."""
    comprehension = site.comprehension
    if isinstance(comprehension, ast.DictComp) or site.kind in (SiteKind.ANY, SiteKind.ALL):
        return False
    if comprehension.generators[0].ifs:
        return False

    def take(node: ast.expr, value: Value) -> None:
        if site.kind is SiteKind.COUNT:
            value = Const(BOOL, True)
        emitted.append(_emit_value(b, node, value))
        if emitted[-1] != emitted[0]:
            one, other = map(a_type, (emitted[0], emitted[-1]))
            b.refuse(node, f"the loop gives {one} on one path and {other} on another")

    return collects(b, comprehension.generators, comprehension.elt, take)


def _emit(b: Builder, kind: SiteKind, comprehension: Comprehension) -> Type:
    """Emits what the heart of the comprehension gives; returns its type."""
    if isinstance(comprehension, ast.DictComp):
        pair = Display((b.evaluate(comprehension.key), b.evaluate(comprehension.value)))
        return _emit_value(b, comprehension, pair)
    value = comprehension.elt
    if kind in (SiteKind.ANY, SiteKind.ALL):
        return _emit_value(b, value, truth(b, value))
    if kind is SiteKind.COUNT:
        b.evaluate(value)
        return _emit_value(b, value, Const(BOOL, True))
    return _emit_value(b, value, b.evaluate(value))


def _emit_value(b: Builder, node: ast.expr, value: Value) -> Type:
    atom = b.atom(node, value)
    for leaf in leaves(atom.type):
        if isinstance(leaf, Array):
            b.refuse(node, "an item gives a sequence", "let it give numbers, or tuples of them")
        if leaf in (NUMPY_NARROW_INT, NUMPY_NARROW_FLOAT):
            b.refuse(node, "an item gives an element of a narrow array", "use int64 or float64")
    b.add(Emit(atom))
    return atom.type
