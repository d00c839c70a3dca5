"""What a site asks before anything else: whether it runs as written just now.

Each site has a name of its own in the namespace of builtins, its *gate*. While that is true the
gate is closed and the site runs as written: because no site may be split just now (many items run
in one slice), or because this one *rests*, having been reached often and gained nothing. So a site
that is left alone costs one look-up.
"""

import ast

from ufora_core.compiler.trees import load

_PREFIX = "__ufora_closed_"


def gate_name(index: int) -> str:
    """The name that is true while the gate of site ``index`` is closed."""
    return f"{_PREFIX}{index}__"


def gates_in(names: tuple[str, ...]) -> list[str]:
    """Those of ``names`` that are gates."""
    return [name for name in names if name.startswith(_PREFIX)]


def runs_as_written(index: int, *further: ast.expr) -> ast.expr:
    """The expression that is true when site ``index`` is to run as written; ``further`` are other
    conditions of which one suffices."""
    gate = load(gate_name(index))
    return ast.BoolOp(ast.Or(), [gate, *further]) if further else gate
