"""Makes the sites in a program's functions ask the engine, by giving these functions other code."""

from types import FunctionType

from ufora_core.compiler.sites import Site, rewrite
from ufora_core.values.decode import Decoder
from ufora_core.values.functions import remember, tree_of
from ufora_core.values.nodes import Function
from ufora_core.values.recompile import compile_tree

#: Every comprehension contains this, so most functions need not be parsed.
_LOOP = "for"


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
