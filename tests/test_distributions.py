"""Each of the four distributions stands alone, and all of them together are one release."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ufora_core

ROOT = Path(__file__).parent.parent


class Ours(NamedTuple):
    """One distribution of this repository."""

    folder: Path
    package: str

    @property
    def project(self) -> dict[str, Any]:
        """The ``[project]`` table."""
        table = tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]
        assert isinstance(table, dict)
        return table

    @property
    def requirements(self) -> list[Requirement]:
        """What it needs, extras included."""
        project = self.project
        extras = project.get("optional-dependencies", {}).values()
        texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
        return [Requirement(text) for text in texts]

    @property
    def files(self) -> list[Path]:
        """Its modules, relative to its folder."""
        found = (self.folder / self.package).rglob("*.py")
        return sorted(path.relative_to(self.folder) for path in found)


OURS = {
    "pyfora": Ours(ROOT / "pyfora", "pyfora"),
    "ufora-core": Ours(ROOT / "runtime/core", "ufora_core"),
    "ufora-operator": Ours(ROOT / "operator", "ufora_operator"),
    "ufora-manager": Ours(ROOT / "runtime/manager", "ufora_manager"),
    "ufora-worker": Ours(ROOT / "runtime/worker", "ufora_worker"),
}
#: The modules that need an extra of their distribution.
NEEDS_AN_EXTRA = {
    *(f"ufora_core.{name}" for name in ("curve", "dialer", "handshakes", "listener", "sockets")),
    "ufora_worker.native.llvm.machine",
}


def test_all_distributions_have_one_version_and_ask_for_each_other_in_it() -> None:
    version = ufora_core.__version__
    assert {ours.project["version"] for ours in OURS.values()} == {version}
    among_us = {
        str(requirement.specifier)
        for ours in OURS.values()
        for requirement in ours.requirements
        if requirement.name in OURS
    }
    assert among_us == {f"=={version}"}


def test_every_package_that_is_asked_for_is_pinned() -> None:
    pinned = [Requirement(line) for line in _lines(ROOT / "constraints.txt")]
    assert {specifier.operator for each in pinned for specifier in each.specifier} == {"=="}
    wanted = [requirement for ours in OURS.values() for requirement in ours.requirements]
    for path in ROOT.glob("requirements-*.txt"):
        wanted += [Requirement(line) for line in _lines(path) if not line.startswith("-r ")]
    assert _names(wanted) - _names(pinned) <= set(OURS)


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def _names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


@pytest.mark.parametrize("name", OURS)
def test_a_distribution_imports_only_what_it_asks_for_by_name(name: str) -> None:
    """What some dependency happens to bring along may be gone with its next release."""
    ours = OURS[name]
    asked = {ours.package} | {_package_of(requirement.name) for requirement in ours.requirements}
    strays = {
        f"{path}: {root}"
        for path in ours.files
        for root in _imported_roots(ours.folder / path)
        if root not in asked and root not in sys.stdlib_module_names
    }
    assert strays == set()


def _imported_roots(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _package_of(name: str) -> str:
    """The name that ``import`` takes for a distribution."""
    if name in OURS:
        return OURS[name].package
    wanted = canonicalize_name(name)
    packages = packages_distributions().items()
    return min(
        package
        for package, providers in packages
        if wanted in map(canonicalize_name, providers) and not package.startswith("_")
    )


@pytest.mark.parametrize("name", OURS)
def test_every_module_of_a_distribution_imports_where_nothing_else_is_installed(name: str) -> None:
    ours, needed = OURS[name], _needed(name)
    modules = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in ours.files
    }
    others = sorted(
        package
        for package, providers in packages_distributions().items()
        if not needed & set(map(canonicalize_name, providers))
    )
    found = [str(each.folder) for key, each in OURS.items() if key in needed]
    hidden = [each.package for key, each in OURS.items() if key not in needed]
    arguments = [found, sorted(modules - NEEDS_AN_EXTRA), others + hidden]
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", _IMPORT, *map(json.dumps, arguments)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


#: Arguments: folders to find modules in, modules to import, packages that count as not installed.
_IMPORT = """
import importlib, json, sys
folders, modules, hidden = map(json.loads, sys.argv[1:])
sys.path[:0] = folders
sys.modules.update(dict.fromkeys(hidden))  # None: an import of it fails
for module in modules:
    importlib.import_module(module)
"""


def _needed(name: str) -> set[str]:
    """A distribution and everything that it pulls in, without its own extras."""
    found: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(name), "")]
    while waiting:
        if (current := waiting.pop()) in found:
            continue
        found.add(current)
        for requirement in map(Requirement, distribution(current[0]).requires or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": current[1]}):
                pulled = canonicalize_name(requirement.name)
                waiting += [(pulled, extra) for extra in ("", *requirement.extras)]
    return {str(key) for key, _ in found}
