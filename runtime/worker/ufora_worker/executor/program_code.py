"""The code of a program's functions: where it is written, and made to ask the engine at sites."""

import ast
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import CodeType

from ufora_core.compiler.for_loops.statement import Sequential
from ufora_core.compiler.sites.calls import Definition, definition
from ufora_core.compiler.sites.rewriting import Site, rewrite
from ufora_core.errors import ValueGraphError
from ufora_core.values.functions import source_of, tree_of
from ufora_core.values.nodes import AnyNode, Function, Source
from ufora_core.values.recompile import compile_source, compile_tree

#: Every site contains one of these, so most functions need not be parsed.
_LOOPS = ("for", "map", "filter", "key")


def definition_of(code: CodeType) -> ast.AST | None:
    """The parsed definition of a function that came with a program, which nobody may change; None
    for any other code."""
    source = source_of(code)
    return None if source is None else _parsed(source)


@lru_cache(maxsize=256)
def _parsed(source: Source) -> ast.AST:
    return tree_of(source)


def definitions_in_graph(nodes: Iterable[AnyNode]) -> list[Definition]:
    """The functions that come with a program."""
    sources = (node.source for node in nodes if isinstance(node, Function) and node.source)
    return [each for source in dict.fromkeys(sources) for each in _definition(source)]


def _definition(source: Source) -> list[Definition]:
    try:
        code = compile_source(source)
    except ValueGraphError:
        return []  # only who needs it shall fail
    return [definition(code.co_name, source.text, (*code.co_names, *code.co_freevars))]


def rewritten(
    source: Source,
    first: int,
    slow: frozenset[str],
    refused: Callable[[str, str, Sequence[Sequential]], None],
) -> tuple[CodeType, list[Site]]:
    """The code of a function that asks the engine at its sites, and these; ``first`` is the number
    of the first one, and ``slow`` are the names of functions whose calls may take long. ``refused``
    is called with the function's file and name, and its ``for`` statements that are no sites.
    """
    code = compile_source(source)
    if not _may_have_sites(source.text, code, slow):
        return code, []
    tree = tree_of(source)
    left: list[Sequential] = []
    sites = rewrite(tree, first=first, mangle=source.mangle, slow=slow, refused=left)
    refused(source.filename, code.co_name, left)
    asking = compile_tree(tree, source) if sites else code
    return (asking, sites) if asking.co_freevars == code.co_freevars else (code, [])


def _may_have_sites(text: str, code: CodeType, slow: frozenset[str]) -> bool:
    called = slow.intersection((*code.co_names, *code.co_freevars))
    return bool(called) or any(word in text for word in _LOOPS)
