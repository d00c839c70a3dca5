"""A slice as code: a function that runs some items of a site.

Tracebacks and names are as in the original: the comprehension keeps its kind, its locations and
the user's file, and ``__private`` names mean what they mean in the class around. The wrapper around
it has a file name of its own (``WRAPPER``), so that its frame can be told apart. From Python 3.12
on list, set and dict comprehensions have no frame of their own: there the slice's frame stands for
the frame around the comprehension.
"""

import ast
import copy
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType, FunctionType

from ufora_core.compiler.names import Comprehension
from ufora_core.compiler.sites import Site, SiteKind

#: File name of the frames that no user wrote.
WRAPPER = "<ufora slice>"

#: Names that no program can have.
_ITEMS = ".items"
_VALUE = ".value"

_FRAME_NAME = {ast.ListComp: "<listcomp>", ast.SetComp: "<setcomp>", ast.DictComp: "<dictcomp>"}


def slice_function(
    site: Site, filename: str, local_names: Sequence[str], namespace: Mapping[str, object]
) -> Callable[..., object]:
    """``slice_code`` over the global names of ``namespace`` (a dict, used as it is)."""
    code = slice_code(site, filename, local_names)
    return FunctionType(code, namespace if isinstance(namespace, dict) else dict(namespace))


def slice_code(site: Site, filename: str, local_names: Sequence[str]) -> CodeType:
    """Code of ``slice(items, *local_values)``, where the values belong to ``local_names``.

    It returns the list of the items' values (of ``(key, value)`` pairs for a dict comprehension);
    for ``any`` and ``all`` whether an item decided the loop, and then no later item has run.
    """
    function = _function(site, local_names)
    # The compiler mangles by the class it is in, so a class is put around the function.
    body: ast.stmt = function
    if site.mangle:
        body = ast.ClassDef(site.mangle, [], [], [function], [])
        if sys.version_info >= (3, 12):
            body.type_params = []
    ast.copy_location(body, site.comprehension)
    module = ast.fix_missing_locations(ast.Module([body], []))
    outer = compile(module, filename, "exec", dont_inherit=True)
    if site.mangle:
        outer = _only_code(outer.co_consts)
    return _named_as_written(_only_code(outer.co_consts), site)


def _function(site: Site, local_names: Sequence[str]) -> ast.FunctionDef:
    arguments = ast.arguments(
        posonlyargs=[ast.arg(name) for name in (_ITEMS, *local_names)],
        args=[],
        vararg=None,
        kwonlyargs=[],
        kw_defaults=[],
        kwarg=None,
        defaults=[],
    )
    comprehension = _over_items(site.comprehension)
    body = _BODIES.get(site.kind, _all_values)(comprehension)
    function = ast.FunctionDef("slice", arguments, body, [])
    if sys.version_info >= (3, 12):
        function.type_params = []
    return ast.copy_location(function, site.comprehension)


def _over_items(original: Comprehension) -> ast.GeneratorExp | ast.ListComp:
    """The comprehension over the slice's items, yielding values in order, sets and dicts too."""
    comprehension = copy.deepcopy(original)
    outermost = comprehension.generators[0]
    outermost.iter = ast.copy_location(ast.Name(_ITEMS, ast.Load()), outermost.iter)
    if isinstance(comprehension, ast.GeneratorExp | ast.ListComp):
        return comprehension
    if isinstance(comprehension, ast.SetComp):
        element = comprehension.elt
    else:
        pair = ast.Tuple([comprehension.key, comprehension.value], ast.Load())
        element = ast.copy_location(pair, comprehension.key)
    return ast.copy_location(ast.ListComp(element, comprehension.generators), original)


def _all_values(comprehension: ast.GeneratorExp | ast.ListComp) -> list[ast.stmt]:
    if isinstance(comprehension, ast.ListComp):
        return [ast.Return(comprehension)]
    return [ast.Return(ast.List([ast.Starred(comprehension, ast.Load())], ast.Load()))]


def _until(decisive: bool) -> Callable[[ast.GeneratorExp | ast.ListComp], list[ast.stmt]]:
    """Body that returns True at the first value whose truth is ``decisive``."""

    def body(comprehension: ast.GeneratorExp | ast.ListComp) -> list[ast.stmt]:
        value: ast.expr = ast.Name(_VALUE, ast.Load())
        test = value if decisive else ast.UnaryOp(ast.Not(), value)
        decided = ast.If(test, [ast.Return(ast.Constant(True))], [])
        loop = ast.For(ast.Name(_VALUE, ast.Store()), comprehension, [decided], [])
        return [loop, ast.Return(ast.Constant(False))]

    return body


_BODIES = {SiteKind.ANY: _until(True), SiteKind.ALL: _until(False)}


def _only_code(constants: Iterable[object]) -> CodeType:
    (code,) = (each for each in constants if isinstance(each, CodeType))
    return code


def _named_as_written(code: CodeType, site: Site) -> CodeType:
    """The slice's code with the frame names of the original expression."""
    name = _FRAME_NAME.get(type(site.comprehension))
    if name is not None and sys.version_info >= (3, 12):
        return code.replace(co_name=name, co_qualname=name)
    constants = tuple(
        each.replace(co_name=name) if name and _is_comprehension(each) else each
        for each in code.co_consts
    )
    return code.replace(co_filename=WRAPPER, co_consts=constants)


def _is_comprehension(constant: object) -> bool:
    return isinstance(constant, CodeType) and constant.co_name == "<listcomp>"
