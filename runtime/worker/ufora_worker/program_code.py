"""The code of a program's functions: where it is written, and made to ask the engine at sites."""

import ast
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType

from ufora_core.compiler.call_sites import Definition, definition, definitions_in
from ufora_core.compiler.for_loops import Sequential
from ufora_core.compiler.sites import Site, rewrite
from ufora_core.values.decode import Decoder
from ufora_core.values.functions import remember, source_of, tree_of
from ufora_core.values.nodes import Function
from ufora_core.values.recompile import compile_tree

#: Every site contains one of these, so most functions need not be parsed.
_LOOPS = ("for", "map", "filter", "key")


def definition_of(code: CodeType) -> ast.AST | None:
    """The parsed definition of a function that came with a program; None for any other code."""
    source = source_of(code)
    return None if source is None else tree_of(source)


def definitions_of(decoder: Decoder, block: ast.AST | None = None) -> list[Definition]:
    """The functions that came with a program, or are defined in its block."""
    found = [] if block is None else definitions_in(block)
    for node, function in zip(decoder.nodes, decoder.objects, strict=True):
        if isinstance(node, Function) and isinstance(function, FunctionType) and node.source:
            code = function.__code__
            found.append(
                definition(code.co_name, node.source.text, (*code.co_names, *code.co_freevars))
            )
    return found


def rewrite_functions(
    decoder: Decoder,
    first: int,
    slow: frozenset[str] = frozenset(),
    refused: Callable[[str, str, Sequence[Sequential]], None] = lambda *_: None,
) -> list[Site]:
    """Rewrite every function that the decoder has made; ``first`` is the number of the first site,
    and ``slow`` are the names of functions whose calls may take long. ``refused`` is called with a
    function's file and name, and its ``for`` statements that are no sites.

    A rewritten function still counts as what its source says: it travels on as it came.
    """
    sites: list[Site] = []
    for node, function in zip(decoder.nodes, decoder.objects, strict=True):
        if not isinstance(node, Function) or not isinstance(function, FunctionType):
            continue
        source = node.source
        if source is None or not _may_have_sites(source.text, function.__code__, slow):
            continue
        tree = tree_of(source)
        left: list[Sequential] = []
        found = rewrite(
            tree, first=first + len(sites), mangle=source.mangle, slow=slow, refused=left
        )
        refused(source.filename, function.__code__.co_name, left)
        if found:
            code = compile_tree(tree, source)
            if code.co_freevars == function.__code__.co_freevars:
                remember(code, source)
                function.__code__ = code
                sites += found
    return sites


def _may_have_sites(text: str, code: CodeType, slow: frozenset[str]) -> bool:
    called = slow.intersection((*code.co_names, *code.co_freevars))
    return bool(called) or any(word in text for word in _LOOPS)
