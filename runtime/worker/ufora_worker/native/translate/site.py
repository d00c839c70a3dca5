"""A site as a unit of native code: its item function, and the functions that it calls."""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import replace
from types import FunctionType

from ufora_core.compiler.sites.names import targets
from ufora_core.compiler.sites.rewriting import Site, SiteKind
from ufora_worker.native.ir.nodes import Atom, Const, Var
from ufora_worker.native.ir.types import GREATEST_INT, INT, LEAST_INT, Type
from ufora_worker.native.llvm.supported import supported
from ufora_worker.native.refusal import Refusal, Refused
from ufora_worker.native.translate.builder import Builder
from ufora_worker.native.translate.collecting import collects
from ufora_worker.native.translate.comprehensions import inside
from ufora_worker.native.translate.emission import Emission
from ufora_worker.native.translate.expressions import evaluate
from ufora_worker.native.translate.functions import Specialisations, call_function
from ufora_worker.native.translate.names import Names, see
from ufora_worker.native.translate.sequences import iterate
from ufora_worker.native.translate.session import Session, SourceOf
from ufora_worker.native.translate.statements import execute
from ufora_worker.native.translate.targets import bind
from ufora_worker.native.translate.unit import ITEM, Translation, put_together
from ufora_worker.native.translate.values import Value

_INDEX = Var("%index", INT)
#: What the items are called where they are no variable.
_ITEMS = "_ufora_items"
_PYTHON = sys.version_info[:2]


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
    emission = Emission(site.kind)

    def emit(b: Builder) -> Type:
        bind(b, generators[0].target, _item(b, site, items))
        if not collects(b, comprehension, emission):
            inside(b, generators, lambda: emission.value_of(b, comprehension))
        return emission.type(b, comprehension)

    b = Builder(
        _session(source_of, python),
        "the loop",
        filename,
        Names(scope, namespace),
        targets(comprehension),
        site.mangle,
    )
    b.line = site.line
    try:
        emits = _within_limits(b, emit)
    except Refused as refused:
        raise Refused(_in_users_words(refused.refusal, site)) from None
    return put_together(b, _INDEX, emission.sink(emits, python), emits, len(items))


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

    emission = Emission(SiteKind.CALLS)

    def emit(b: Builder) -> Type:
        values = [_argument(b, each, index) for index, each in enumerate(arguments)]
        emission.take(b, node, call_function(b, node, function, values, {}))
        return emission.type(b, node)

    emits = _within_limits(b, emit)
    return put_together(b, _INDEX, emission.sink(emits, python), emits, 1)


def _session(source_of: SourceOf, python: tuple[int, int]) -> Session:
    return Session(source_of, Specialisations(), python, evaluate, execute, supported())


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


def _item(b: Builder, site: Site, items: Sized) -> Value:
    """The item whose index the item function is given."""
    node = site.comprehension.generators[0].iter
    if isinstance(items, range):
        return _of_range(b, node, items)
    name = node.id if isinstance(node, ast.Name) else _ITEMS
    return iterate(b, node, see(b, items, name)).element(_INDEX)


def _in_users_words(refusal: Refusal, site: Site) -> Refusal:
    """The refusal, with what the loop iterates over as it is written."""
    outermost = site.comprehension.generators[0].iter
    written = ast.unparse(outermost) if site.loop is None else site.loop.items_text
    return replace(refusal, message=refusal.message.replace(_ITEMS, written))


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
