"""A site's expression as text, for processes that have a loop's code but not its source."""

import ast
from collections.abc import Sequence
from typing import cast

from ufora_core.compiler.sites.forms import SiteKind
from ufora_core.compiler.sites.names import Comprehension
from ufora_core.compiler.sites.rewriting import Site


def text_of(site: Site) -> str:
    """The comprehension of a site, on one line."""
    return ast.unparse(site.comprehension)


def site_from(
    tree: ast.Module, kind: SiteKind, free: Sequence[str], *, mangle: str, line: int
) -> Site:
    """A site of its own with the expression that is all of ``tree``, in the given line.

    ``free`` are the names that its items read from the scopes around.
    """
    ast.increment_lineno(tree, line - 1)
    expression = cast(ast.Expr, tree.body[0]).value
    return Site(
        index=0,
        kind=kind,
        line=line,
        column=expression.col_offset,
        comprehension=cast(Comprehension, expression),
        free=tuple(free),
        kept=frozenset(),
        enclosing=frozenset(),
        eager=False,
        operand=False,
        mangle=mangle,
    )
