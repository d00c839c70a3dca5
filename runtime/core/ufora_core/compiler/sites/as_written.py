"""Items of a site run as the program is written, so that they fail as it does.

Slices run the functions of ``map(f, xs)`` and keys as part of a comprehension; where an item raises
an exception, what matters is the iterator itself: its frames, what it makes of ``StopIteration``,
and that a key is asked for as soon as its item is there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, tee
from typing import Any

from ufora_core.compiler.sites.reducers import SiteKind
from ufora_core.compiler.sites.site import Site
from ufora_core.compiler.sites.stages import Stage
from ufora_core.compiler.sites.views import Items

_DECIDE: Mapping[SiteKind, Callable[[Iterator[Any]], Any]] = {
    SiteKind.ANY: any,
    SiteKind.ALL: lambda values: not all(values),
    SiteKind.FIRST: lambda values: tuple(islice(values, 1)),
}


@dataclass(frozen=True, slots=True)
class AsWritten:
    """A site with the values that it has at the moment."""

    site: Site
    #: ``slices.slice_code(..., exact=True)`` as a function, and its arguments behind the items.
    function: Callable[..., Any]
    arguments: Sequence[Any]
    #: What the site iterates over.
    source: Items | Stage
    #: The key function, if there is one.
    key: tuple[Any, ...] = ()

    def run(self, items: Items) -> Any:
        """What a slice of these items gives (``slices.slice_code``).

        Raises:
            Exception: what the program would raise.
        """
        iterable = self.source.iterator(items) if isinstance(self.source, Stage) else items
        values = self.function(iterable, *self.arguments)
        decide = _DECIDE.get(self.site.kind)
        if decide is not None and isinstance(values, Iterator):
            return decide(values)
        if not self.key:
            return list(values) if isinstance(values, Iterator) else values
        (key,) = self.key
        if self.site.eager:
            values = list(values)
        if self.site.only_keys:
            return list(map(key, values))
        first, second = tee(values)
        return list(zip(map(key, first), second, strict=True))
