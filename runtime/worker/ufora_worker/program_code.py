"""The code of a program's functions: where it is written, and made to ask the engine at sites."""

import ast
from types import CodeType, FunctionType

from ufora_core.compiler.sites import Site, rewrite
from ufora_core.values.decode import Decoder
from ufora_core.values.functions import remember, source_of, tree_of
from ufora_core.values.nodes import Function
from ufora_core.values.recompile import compile_tree

#: Every comprehension contains this, so most functions need not be parsed.
_LOOP = "for"


def definition_of(code: CodeType) -> ast.AST | None:
    """The parsed definition of a function that came with a program; None for any other code."""
    source = source_of(code)
    return None if source is None else tree_of(source)


def rewrite_functions(decoder: Decoder, first: int) -> list[Site]:
    """Rewrite every function that the decoder has made; ``first`` is the number of the first site.

    A rewritten function still counts as what its source says: it travels on as it came.
    """
    sites: list[Site] = []
    for node, function in zip(decoder.nodes, decoder.objects, strict=True):
        if not isinstance(node, Function) or not isinstance(function, FunctionType):
            continue
        source = node.source
        if source is None or _LOOP not in source.text:
            continue
        tree = tree_of(source)
        found = rewrite(tree, first=first + len(sites), mangle=source.mangle)
        if found:
            code = compile_tree(tree, source)
            if code.co_freevars == function.__code__.co_freevars:
                remember(code, source)
                function.__code__ = code
                sites += found
    return sites
