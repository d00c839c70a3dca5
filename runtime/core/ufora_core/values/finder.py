"""``import`` of the user's modules that travelled as text."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import linecache
from collections.abc import Iterable, Sequence
from types import ModuleType

from ufora_core.values.nodes import ModuleSource


class ProjectFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and runs modules of the user's project by the text that the client sent."""

    def __init__(self, sources: Iterable[ModuleSource]) -> None:
        self._sources = {source.name: source for source in sources}

    def source(self, name: str) -> ModuleSource | None:
        """The text of a module."""
        return self._sources.get(name)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """As the import system wants it."""
        source = self._sources.get(fullname)
        if source is None:
            return None
        spec = importlib.machinery.ModuleSpec(
            fullname, self, origin=source.file, is_package=source.package
        )
        spec.has_location = True
        return spec

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's text; a SyntaxError names the client's file and line."""
        source = self._sources[module.__name__]
        # Tracebacks show the lines, though the file may be on another machine.
        lines = source.text.splitlines(keepends=True)
        linecache.cache[source.file] = (len(source.text), None, lines, source.file)
        code = compile(source.text, source.file, "exec", dont_inherit=True)
        exec(code, vars(module))


def source_text_of(module: ModuleType) -> ModuleSource | None:
    """The text that a module was run from, if it travelled here as text."""
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    return loader.source(module.__name__) if isinstance(loader, ProjectFinder) else None
