"""What a ``for`` loop changes, from the values with which it begins."""

import builtins
import sys
from collections.abc import Sequence
from typing import Any

from ufora_core.compiler.effects.operators import READ, TEXT
from ufora_core.compiler.for_loops.apart import ATOMS, Changes, is_plain
from ufora_core.compiler.for_loops.fold import Target
from ufora_core.compiler.for_loops.rules import SUBSCRIPTED
from ufora_core.compiler.for_loops.split import Halves
from ufora_core.compiler.sites.names import mangled
from ufora_core.compiler.sites.stages import as_written
from ufora_worker.for_loops.runs import Run, local_names
from ufora_worker.loops.moments import Declined

#: Classes of values that never change.
IMMUTABLE = {*ATOMS, range}
#: Special methods of operators that may change their left side.
_IN_PLACE = tuple(
    f"__i{stem}__"
    for stem in (
        *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow"),
        *("lshift", "rshift", "and", "or", "xor"),
    )
)


def changes_of_fold(run: Run, parts: Halves) -> Changes:
    """What the fold changes.

    Raises:
        Declined: it might do something unknown.
    """
    for name in sorted(parts.builtins):
        if run.look_up(name) is not vars(builtins).get(name):
            raise Declined(f"`{name}` is not the built-in function here")
    changed: list[Any] = []
    for target in parts.targets:
        changed += _changed_objects(run, target)
    for name in sorted(parts.in_place):
        changed.append(run.value(name))
    uses = (*READ, *TEXT, *_IN_PLACE) if parts.looks else ()
    return changes_of_assigning(run, parts.assigned | parts.target_names, changed, uses)


def check_carried(run: Run, parts: Halves) -> None:
    """Look at what the fold begins with, which may be large.

    Raises:
        Declined: the fold might run code of the user's.
    """
    for name in sorted(parts.carried) if parts.looks else ():
        if not is_plain(run.value(name)):
            raise Declined(
                f"`{name}` has to do with objects whose classes the loop might run code of"
            )


def changes_of_assigning(
    run: Run,
    assigned: frozenset[str],
    changed: Sequence[Any] = (),
    uses: tuple[str, ...] = (),
) -> Changes:
    """What a loop changes that assigns these variables, and changes these objects besides."""
    names = frozenset(mangled(name, run.site.mangle) for name in assigned)
    return Changes(
        changed=[each for each in changed if type(each) not in IMMUTABLE],
        assigned=names,
        global_names=names - local_names(run.frame.f_code),
        namespace=run.frame.f_globals,
        uses=uses,
        iterable=as_written(run.iterable),
    )


def _changed_objects(run: Run, target: Target) -> list[Any]:
    """The object that a name stands for, and, where the fold changes its parts too, these.

    Raises:
        Declined: they are not what the fold is known to change.
    """
    found = run.look_up(target.name)
    types = target.types
    if types == SUBSCRIPTED:
        types = (*types, *_array_type())
    if type(found) not in types:
        raise Declined(
            f"`{target.name}` is a {type(found).__name__}, and what changing it does is not known"
        )
    if target.inner is None:
        return [found]
    parts = list(found.values() if isinstance(found, dict) else found)
    if target.inner != (object,) and not set(map(type, parts)) <= set(target.inner):
        raise Declined(f"what changing the parts of `{target.name}` does is not known")
    return [found, *parts]


def _array_type() -> tuple[type, ...]:
    numpy = sys.modules.get("numpy")
    return () if numpy is None else (numpy.ndarray,)
