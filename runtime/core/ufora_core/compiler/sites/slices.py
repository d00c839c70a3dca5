"""A slice as code: a function that runs some items of a site.

Tracebacks and names are as in the original: the comprehension keeps its kind, its locations and
the user's file, and ``__private`` names mean what they mean in the class around. The wrapper around
it has a file name of its own (``WRAPPER``), so that its frame can be told apart. From Python 3.12
on list, set and dict comprehensions have no frame of their own: there the slice's frame stands for
the frame around the comprehension, and is called ``INLINED``.
"""

import ast
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType, FunctionType

from ufora_core.compiler.sites.names import Comprehension
from ufora_core.compiler.sites.rewriting import Site, SiteKind
from ufora_core.compiler.trees import clone
from ufora_core.values.qualnames import requalified

#: File name of the frames that no user wrote.
WRAPPER = "<ufora slice>"

#: Name of frames that stand for a place in the frame around them.
INLINED = "<ufora inlined>"

#: Names that no program can have.
_ITEMS = ".items"

#: Flag of the code of functions.
_OPTIMIZED = 1

_FRAME_NAME: dict[type, str] = {
    ast.GeneratorExp: "<genexpr>",
    ast.ListComp: "<listcomp>",
    ast.SetComp: "<setcomp>",
    ast.DictComp: "<dictcomp>",
}


def slice_function(
    site: Site,
    filename: str,
    local_names: Sequence[str],
    namespace: Mapping[str, object],
    *,
    exact: bool = False,
    place: str = "",
) -> Callable[..., object]:
    """``slice_code`` over the global names of ``namespace`` (a dict, used as it is)."""
    code = slice_code(site, filename, local_names, exact=exact, place=place)
    return FunctionType(code, namespace if isinstance(namespace, dict) else dict(namespace))


class SliceCodes:
    """The slices of one program's sites, of which each is compiled once, however often it is
    reached; no two of these sites have the same index."""

    def __init__(self) -> None:
        self._codes: dict[tuple[int, str, str, tuple[str, ...], bool], CodeType] = {}

    def function(
        self,
        site: Site,
        around: CodeType,
        local_names: Sequence[str],
        namespace: dict[str, object],
        *,
        exact: bool = False,
    ) -> Callable[..., object]:
        """See ``slice_function``; ``around`` is the code that the site stands in."""
        filename, place = around.co_filename, place_of(around)
        key = (site.index, filename, place, tuple(local_names), exact)
        if key not in self._codes:
            self._codes[key] = slice_code(site, filename, local_names, exact=exact, place=place)
        return FunctionType(self._codes[key], namespace)


def place_of(code: CodeType) -> str:
    """What the qualified names of functions begin with that are made right in this code."""
    name = code.co_qualname
    if name == "<module>":
        return ""
    is_function = code.co_flags & _OPTIMIZED and code.co_name not in _FRAME_NAME.values()
    return f"{name}.<locals>." if is_function else f"{name}."


def slice_code(
    site: Site,
    filename: str,
    local_names: Sequence[str],
    *,
    exact: bool = False,
    place: str = "",
) -> CodeType:
    """Code of ``slice(items, *local_values)``, where the values belong to ``local_names``.

    It returns the list of the items' values; for a dict comprehension the dict, for a set
    comprehension a dict with its items as keys; for ``any`` and ``all`` whether an item decided the
    loop, and then no later item has run; for ``next`` the first value in a tuple, which is empty if
    there is none.

    A generator expression is run as a list comprehension or as statements, which takes a third
    less. With ``exact`` the slice runs what the program says, to fail as that does (in a generator,
    ``StopIteration`` is a RuntimeError): its items are an iterator as the program makes it, and the
    result is what the program would fold, which may be an iterator. See ``as_written``.

    Functions that the items make are called as in the program, where the site stands in ``place``.
    """
    function = _function(site, local_names, exact)
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
    lazy = exact and (site.written is None or isinstance(site.written, ast.GeneratorExp))
    code = _called_as_written(_only_code(outer.co_consts), site, lazy, place)
    return _named_as_written(code, site, lazy)


def _function(site: Site, local_names: Sequence[str], exact: bool) -> ast.FunctionDef:
    arguments = ast.arguments(
        posonlyargs=[ast.arg(name) for name in (_ITEMS, *local_names)],
        args=[],
        vararg=None,
        kwonlyargs=[],
        kw_defaults=[],
        kwarg=None,
        defaults=[],
    )
    body = _as_written(site) if exact else _run(site.kind, _over_items(site.comprehension))
    function = ast.FunctionDef("slice", arguments, body, [])
    if sys.version_info >= (3, 12):
        function.type_params = []
    return ast.copy_location(function, site.comprehension)


def _over_items(original: Comprehension) -> Comprehension:
    """The comprehension over the slice's items."""
    comprehension = clone(original)
    outermost = comprehension.generators[0]
    outermost.iter = ast.copy_location(ast.Name(_ITEMS, ast.Load()), outermost.iter)
    return comprehension


def _all_values(comprehension: Comprehension) -> list[ast.stmt]:
    """Body that returns what the comprehension yields.

    A set comprehension becomes a dict with its items as keys: its order is that in which they came,
    and what cannot be hashed fails in the same place.
    """
    generators = comprehension.generators
    result: ast.expr = comprehension
    if isinstance(comprehension, ast.GeneratorExp):
        result = ast.ListComp(comprehension.elt, generators)
    elif isinstance(comprehension, ast.SetComp):
        result = ast.DictComp(comprehension.elt, ast.Constant(None), generators)
    return [ast.Return(ast.copy_location(result, comprehension))]


def _until(decisive: bool) -> Callable[[Comprehension], list[ast.stmt]]:
    """Body that returns True at the first value whose truth is ``decisive``."""

    def body(comprehension: Comprehension) -> list[ast.stmt]:
        assert not isinstance(comprehension, ast.DictComp)
        value = comprehension.elt
        test = value if decisive else ast.copy_location(ast.UnaryOp(ast.Not(), value), value)
        found = ast.If(test, [ast.Return(ast.Constant(True))], [])
        return [_as_statements(comprehension, found), ast.Return(ast.Constant(False))]

    return body


def _first(comprehension: Comprehension) -> list[ast.stmt]:
    """Body that returns the first value, in a tuple, or an empty one."""
    assert not isinstance(comprehension, ast.DictComp)
    found = ast.Return(ast.Tuple([comprehension.elt], ast.Load()))
    return [_as_statements(comprehension, found), ast.Return(ast.Tuple([], ast.Load()))]


def _as_statements(comprehension: Comprehension, inner: ast.stmt) -> ast.stmt:
    """The comprehension's ``for`` and ``if`` as statements around another: a generator takes a
    third longer."""
    for generator in reversed(comprehension.generators):
        for condition in reversed(generator.ifs):
            inner = ast.If(condition, [inner], [])
        inner = ast.For(generator.target, generator.iter, [inner], [])
        ast.copy_location(inner, generator.iter)
    return inner


def _as_written(site: Site) -> list[ast.stmt]:
    """Body that gives what the program would fold; nothing has run yet if that is an iterator."""
    if site.written is None:
        return [ast.Return(ast.Name(_ITEMS, ast.Load()))]
    comprehension = _over_items(site.written)
    if isinstance(comprehension, ast.GeneratorExp):
        return [ast.Return(comprehension)]
    return _run(site.kind, comprehension)


def _run(kind: SiteKind, comprehension: Comprehension) -> list[ast.stmt]:
    return _BODIES.get(kind, _all_values)(comprehension)


_BODIES = {SiteKind.ANY: _until(True), SiteKind.ALL: _until(False), SiteKind.FIRST: _first}


def _only_code(constants: Iterable[object]) -> CodeType:
    (code,) = (each for each in constants if isinstance(each, CodeType))
    return code


def _called_as_written(code: CodeType, site: Site, lazy: bool, place: str) -> CodeType:
    """The slice's code with the qualified names that functions made in it have in the program."""
    prefix, name = f"{code.co_qualname}.<locals>.", _FRAME_NAME[type(site.comprehension)]
    if lazy or (sys.version_info < (3, 12) and site.kind not in _BODIES):
        inner = (each for each in code.co_consts if isinstance(each, CodeType))
        frame = next((each for each in inner if each.co_name in _FRAME_NAME.values()), None)
        return code if frame is None else requalified(code, frame.co_qualname, place + name)
    is_inlined = sys.version_info >= (3, 12) and not isinstance(
        site.comprehension, ast.GeneratorExp
    )
    return requalified(code, prefix, place if is_inlined else f"{place}{name}.")


def _named_as_written(code: CodeType, site: Site, lazy: bool) -> CodeType:
    """The slice's code with the frame names of the original expression."""
    name = _FRAME_NAME[type(site.comprehension)]
    if lazy:
        return code.replace(co_filename=WRAPPER)
    if site.kind in _BODIES:
        return code.replace(co_name=name, co_qualname=name)
    if sys.version_info >= (3, 12):
        generator = isinstance(site.comprehension, ast.GeneratorExp)
        return code.replace(co_name=name if generator else INLINED)
    constants = tuple(
        each.replace(co_name=name) if _is_comprehension(each) else each for each in code.co_consts
    )
    return code.replace(co_filename=WRAPPER, co_consts=constants)


def _is_comprehension(constant: object) -> bool:
    return isinstance(constant, CodeType) and constant.co_name in ("<listcomp>", "<dictcomp>")
