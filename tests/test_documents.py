"""What the documents say of the code is what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ufora_core.settings import ManagerSettings, WorkerSettings

ROOT = Path(__file__).parent.parent
PACKAGES = [
    "pyfora/pyfora",
    "runtime/core/ufora_core",
    "runtime/manager/ufora_manager",
    "runtime/worker/ufora_worker",
]


def _variables_of_the_code() -> set[str]:
    constants = (
        node.value
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in constants if re.fullmatch("UFORA_[A-Z_]+", text)}


def _documented() -> dict[str, str]:
    """Variable -> default, from the table of docs/settings.md."""
    text = (ROOT / "docs/settings.md").read_text()
    rows = re.findall(r"^\| `(UFORA_[A-Z_]+)` \| [a-z, ]+ \| (.*?) \| ", text, re.MULTILINE)
    assert len({name for name, _ in rows}) == len(rows), "a variable has two rows"
    return dict(rows)


def test_the_table_of_settings_has_every_variable_and_no_other() -> None:
    assert set(_documented()) == _variables_of_the_code()


@pytest.mark.parametrize("settings", [ManagerSettings(), WorkerSettings()])
def test_the_table_of_settings_has_the_true_defaults(
    settings: ManagerSettings | WorkerSettings,
) -> None:
    documented = _documented()
    literal = {name for name, default in documented.items() if default.startswith("`")}
    true = {name: value for name, value in settings.to_env().items() if name in literal}
    assert true == {name: documented[name].strip("`") for name in true}


def test_every_command_of_the_documents_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
        for target in re.findall(r"^ +make ([a-z0-9-]+)", document.read_text(), re.MULTILINE)
    }
    assert named <= targets


def test_every_link_of_the_documents_leads_to_a_file() -> None:
    broken = {
        (document.name, target)
        for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", document.read_text())
        if not (document.parent / target).exists()
    }
    assert broken == set()
