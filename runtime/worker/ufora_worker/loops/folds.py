"""Reducers that the root calls on the values of a whole loop, in order: most of them.

The reducer is Python's own function, so it does with the values what it does in the program; only
keys of ``sorted``, ``min`` and ``max`` are there already.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any

from ufora_core.compiler.sites.site import Site
from ufora_core.compiler.sites.views import Items
from ufora_worker.loops.segments import LiveSegment


@dataclass(frozen=True, slots=True)
class Fold:
    """What a site does with the values of its items."""

    site: Site
    #: The reducer, with the operands in front of the items, but not the key.
    function: Callable[..., Any]
    #: The items, where the values are only their keys.
    items: Items = ()
    #: It may fail before it takes the first item.
    begins: bool = False
    #: What it has been called on is done with: calling it again would add that a second time.
    adds: bool = False

    def __call__(self, segments: Sequence[LiveSegment], operand: tuple[Any, ...]) -> Any:
        """What the expression is worth. ``operand`` holds the reducer's start or the like.

        Raises:
            Exception: as the reducer does.
        """
        values = chain.from_iterable(segment.value for segment in segments)
        assert self.site.reducer is not None
        name = self.site.reducer.keyword
        by_name = dict(zip([name], operand, strict=False)) if name else {}
        if not self.site.key:
            return self.function(values, *(() if name else operand), **by_name)
        keys: Iterator[Any] = values
        # What failed may have stopped before the last item.
        items: Iterable[Any] = self.items[: segments[-1].hi if segments else 0]
        if not self.site.only_keys:
            pairs = list(values)
            keys, items = map(itemgetter(0), pairs), map(itemgetter(1), pairs)
        # ``next(keys, item)``: the reducer asks for the key of each item once, in their order.
        return self.function(items, key=partial(next, keys), **by_name)


def needs_fold(site: Site) -> bool:
    """Whether the root folds the values with the reducer itself (``Fold``), and not by what
    ``shapes`` knows of it."""
    return site.reducer is not None and (
        bool(site.key)
        or site.accumulates is not None
        or site.kind.value != site.reducer.name.removeprefix("builtins.")
    )
