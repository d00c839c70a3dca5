"""The smallest engine that runs sites: it takes every loop, or none, and runs it in slices."""

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ufora_core.compiler.sites import Site, SiteKind
from ufora_core.compiler.slices import slice_function


class Engine:
    """Takes loops over, or declines them; runs what it takes in slices of ``size`` items."""

    def __init__(self, found: list[Site], *, takes: bool, size: int = 2) -> None:
        self.sites = {site.index: site for site in found}
        self.takes = takes
        self.size = size
        self.taken: list[int] = []
        self._last: list[Any] = []

    def loop(self, index: int, function: object, iterable: Any) -> bool:
        site = self.sites[index]
        frame = sys._getframe(1)
        builtin = function is None or function is getattr(builtins, site.kind.value)
        names = site.local_names(frame.f_code)
        known = all(name in frame.f_locals for name in names)
        usable = isinstance(iterable, list | range) and builtin and known
        takes = self.takes and usable and site.kept.isdisjoint(names)
        self._last.append((site, frame, iterable, names) if takes else iterable)
        return takes

    def items(self) -> object:
        return self._last.pop()

    def result(self, *operand: Any) -> object:
        site, frame, items, names = self._last.pop()
        self.taken.append(site.index)
        code = site, frame.f_code.co_filename, names, frame.f_globals
        values = [frame.f_locals[name] for name in names]
        run = slice_function(*code)
        starts = range(0, len(items), self.size)
        try:
            slices = [run(items[i : i + self.size], *values) for i in starts]
        except Exception:
            slices = [slice_function(*code, exact=True)(items, *values)]
        return _fold(site, slices, operand)


def _fold(site: Site, slices: list[Any], operand: tuple[Any, ...]) -> object:
    if site.kind in (SiteKind.ANY, SiteKind.ALL):
        return any(slices) == (site.kind is SiteKind.ANY)
    parts = [each.items() if isinstance(each, dict) else each for each in slices]
    if site.kind is SiteKind.SET:
        parts = slices
    values = [value for each in parts for value in each]
    if site.kind is SiteKind.COUNT:
        return len(values)
    if site.kind in (SiteKind.MIN, SiteKind.MAX) and operand:
        return getattr(builtins, site.kind.value)(values, default=operand[0])
    return getattr(builtins, site.kind.value)(values, *operand)


@contextmanager
def builtin_names(**names: object) -> Iterator[None]:
    vars(builtins).update(names)
    try:
        yield
    finally:
        for name in names:
            del vars(builtins)[name]
