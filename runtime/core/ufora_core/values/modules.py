"""Which modules are the user's own project, and how these come to be importable in the cluster.

Standard library and installed packages travel by name. A module of the user's project travels by
value when the client has it imported (as far as it is reached), else as its source text. Capturing
never imports anything.
"""

from __future__ import annotations

import ast
import functools
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ufora_core.syntax import parse
from ufora_core.values.finder import ProjectFinder
from ufora_core.values.nodes import ModuleSource
from ufora_core.values.reach import Import

#: Ours, also where they are run from a checkout.
_OWN = frozenset({"pyfora", "ufora_core", "ufora_manager", "ufora_worker"})
_STANDARD_LIBRARY = os.path.join(os.path.dirname(os.path.realpath(os.__file__)), "")
_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})


def is_installed(name: str) -> bool:
    """Whether the module ``name`` is imported here and comes from an installation: the other side
    can import it as well, or can be told what to install."""
    module = sys.modules.get(name)
    return module is not None and is_installed_module(module)


def is_installed_module(module: ModuleType) -> bool:
    """As ``is_installed``, for the module itself. A module that was made by hand is not."""
    name = getattr(module, "__name__", None)
    if not isinstance(name, str) or name == "__main__":
        return False
    if name.partition(".")[0] in _OWN:
        return True
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return _is_installed_file(file)
    if name in sys.builtin_module_names:
        return True
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return False
    if spec.origin in ("built-in", "frozen"):
        return True
    folders = list(getattr(module, "__path__", ()))
    return bool(folders) and all(map(_is_installed_file, folders))


@functools.lru_cache(maxsize=4096)
def _is_installed_file(file: str) -> bool:
    path = Path(file)
    if not _PACKAGE_FOLDERS.isdisjoint(path.parts):
        return True
    # An extension module cannot travel by source, so the other side must have it.
    if file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):
        return True
    return os.path.realpath(file).startswith(_STANDARD_LIBRARY)


def module_of(variables: dict[str, Any]) -> ModuleType | None:
    """The imported module whose global names these are."""
    module = sys.modules.get(str(variables.get("__name__")))
    return module if module is not None and module.__dict__ is variables else None


def user_modules() -> list[ModuleType]:
    """The modules of the user's project that are imported here."""
    found = [module for module in list(sys.modules.values()) if isinstance(module, ModuleType)]
    return [module for module in found if not is_installed_module(module)]


# ------------------------------------------------------------------------------ imports


def imported(statement: Import, variables: dict[str, Any]) -> Iterator[str]:
    """Full names of the modules that the statement may import, packages before what is in them;
    ``variables`` are the global names of the module that it stands in."""
    name = statement.module
    if statement.level:
        package = variables.get("__package__")
        if not isinstance(package, str):
            package = str(variables.get("__name__", ""))
            if "__path__" not in variables:
                package = package.rpartition(".")[0]
        try:
            name = importlib.util.resolve_name("." * statement.level + name, package)
        except ImportError:
            return
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])
    for each in statement.names:
        yield f"{name}.{each}"


def imports_in(source: ModuleSource) -> Iterator[str]:
    """Full names of the modules that the module's text may import, wherever in it."""
    package = source.name if source.package else source.name.rpartition(".")[0]
    try:
        tree = parse(source.text)
    except (SyntaxError, ValueError):
        return  # the user's import raises it, in the cluster as at home
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from imported(Import(alias.name, 0, ()), {})
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            statement = Import(node.module or "", node.level, names)
            yield from imported(statement, {"__package__": package})


def find_source(name: str) -> ModuleSource | None:
    """The text of a module of the user's project that is not imported yet, or None."""
    spec = _find_spec(name)
    if spec is not None and isinstance(spec.loader, ProjectFinder):
        return spec.loader.source(name)
    if spec is None or spec.loader is None or not spec.origin or not spec.has_location:
        return None
    if not spec.origin.endswith(".py") or _is_installed_file(spec.origin):
        return None
    try:
        text = importlib.util.decode_source(Path(spec.origin).read_bytes())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
    return ModuleSource(name, spec.origin, spec.submodule_search_locations is not None, text)


def _find_spec(name: str) -> importlib.machinery.ModuleSpec | None:
    """``importlib.util.find_spec`` without its import of the packages around the module."""
    folders: Any = None
    parent = name.rpartition(".")[0]
    if parent:
        package = sys.modules.get(parent)
        spec = _find_spec(parent) if package is None else None
        folders = spec.submodule_search_locations if spec else getattr(package, "__path__", None)
        if folders is None:
            return None
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        found = find(name, folders) if find is not None else None
        if isinstance(found, importlib.machinery.ModuleSpec):
            return found
    return None
