"""The shape of the repository: what its house rules promise and no linter looks at."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULE_LINES = 400
#: Names that say nothing about what a module holds.
BANNED_NAMES = {"base", "common", "helper", "helpers", "misc", "util", "utils"}
#: Hosts of package registries, in parts so that this file is none of the places that name them.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
        ("deb", "debian", "org"),
    ]
]


@cache
def _files() -> list[Path]:
    """Every file of the repository, relative to its root: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _modules() -> list[Path]:
    return [path for path in _files() if path.suffix == ".py"]


def test_no_module_is_longer_than_400_lines() -> None:
    lines = {str(path): len((ROOT / path).read_text().splitlines()) for path in _modules()}
    assert {name: count for name, count in lines.items() if count > MODULE_LINES} == {}


def test_no_module_or_folder_has_a_name_that_says_nothing() -> None:
    assert [
        path for path in _modules() if BANNED_NAMES & {path.stem.strip("_"), *path.parent.parts}
    ] == []


def test_no_test_folder_is_a_package() -> None:
    """Test modules of one name in two folders then do not meet, whatever the folders' names."""
    assert [path for path in _modules() if path.match("tests/**/__init__.py")] == []
    assert not (ROOT / "tests" / "__init__.py").exists()


def test_nothing_hides_the_standard_module_operator() -> None:
    assert [path for path in _modules() if path.name == "operator.py"] == []
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_the_map_names_every_package() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text()
    packages = [path.parent for path in _modules() if path.name == "__init__.py"]
    ours = [path for path in packages if path.parts[0] != "benchmarks"]
    named = set(re.findall("`([a-z_]+)/?`", architecture))
    assert [path for path in ours if path.name not in named] == []


def test_no_file_says_where_packages_come_from() -> None:
    assert [
        (path, host)
        for path in _files()
        for host in REGISTRY_HOSTS
        if host in (ROOT / path).read_bytes().decode(errors="ignore")
    ] == []


def test_the_licence_is_there() -> None:
    first = (ROOT / "LICENSE").read_text().split()[:6]
    assert " ".join(first) == "Apache License Version 2.0, January 2004"
