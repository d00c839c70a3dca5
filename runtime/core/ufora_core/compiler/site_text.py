"""A site's expression as text, for processes that have a loop's code but not its source."""

import ast
from collections.abc import Sequence
from typing import cast

from ufora_core.compiler.forms import SiteKind
from ufora_core.compiler.names import Comprehension
from ufora_core.compiler.sites import Site


def text_of(site: Site) -> str:
    """The comprehension of a site, on one line."""
    return ast.unparse(site.comprehension)


def site_from(text: str, kind: SiteKind, free: Sequence[str], *, mangle: str, line: int) -> Site:
    """A site of its own with this expression, which all stands in the given line.

    ``free`` are the names that its items read from the scopes around.
    """
    tree = ast.parse(text, mode="eval").body
    ast.increment_lineno(tree, line - 1)
    return Site(
        index=0,
        kind=kind,
        line=line,
        column=tree.col_offset,
        comprehension=cast(Comprehension, tree),
        free=tuple(free),
        kept=frozenset(),
        enclosing=frozenset(),
        eager=False,
        operand=False,
        mangle=mangle,
    )
