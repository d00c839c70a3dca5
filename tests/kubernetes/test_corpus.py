"""The corpus of ``tests/operator``, judged by the API server: its schema and CEL say of each file
what the operator's own rules say, at the same field.

A file with two documents is a UforaCluster and its change, which only a real update can try.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl import Kubectl, KubectlError

CORPUS = Path(__file__).parent.parent / "operator" / "corpus"
#: Where the API server says a rule over the whole object is broken.
WHOLE_OBJECT = "<nil>"

_REFUSED = re.compile(r'error when (?:creating|patching) "([^"]+)": (.*)')


def _documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def _expected(path: Path) -> str:
    """The field at which a file of ``reject`` is refused."""
    field = path.read_text("utf-8").splitlines()[0].removeprefix("# field: ")
    return WHOLE_OBJECT if field == "metadata.name" else field


def _refusals(kubectl: Kubectl, folder: Path, *options: str) -> dict[str, str]:
    """What the API server has against the files of a folder, by their names: one call for all."""
    try:
        kubectl("apply", f"--filename={folder}", *options, timeout=120)
    except KubectlError as error:
        refused = {Path(file).stem: message for file, message in _REFUSED.findall(str(error))}
        if not refused:
            raise
        return refused
    return {}


def _disagreements(refused: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Files that were judged otherwise than expected, or for another field."""
    wrong = [f"{name} is accepted" for name in expected.keys() - refused.keys()]
    for name, message in refused.items():
        if name not in expected:
            wrong.append(f"{name} is refused: {message}")
        elif not re.search(rf'(?<![\w.]){re.escape(expected[name])}(?:"|:)', message):
            wrong.append(f"{name} is refused, but not for {expected[name]}: {message}")
    return sorted(wrong)


def _files(verdict: str, documents: int) -> list[Path]:
    found = [f for f in (CORPUS / verdict).glob("*.yaml") if len(_documents(f)) == documents]
    assert found
    return found


def test_the_api_server_accepts_what_the_operator_accepts(kubectl: Kubectl) -> None:
    assert _refusals(kubectl, CORPUS / "accept", "--dry-run=server") == {}


def test_the_api_server_refuses_what_the_operator_refuses(kubectl: Kubectl) -> None:
    expected = {path.stem: _expected(path) for path in _files("reject", 1)}
    refused = _refusals(kubectl, CORPUS / "reject", "--dry-run=server")
    assert _disagreements(refused, expected) == []


@pytest.fixture
def changes(kubectl: Kubectl, tmp_path: Path) -> Path:
    """The changes of the corpus, a file each, of clusters that are there. They are suspended, so
    that the operator starts nothing for them."""
    for path in (*_files("accept", 2), *_files("reject", 2)):
        for when, document in zip(("before", "after"), _documents(path), strict=True):
            document["metadata"]["name"] = path.stem
            document["spec"]["suspend"] = True
            (tmp_path / when).mkdir(exist_ok=True)
            (tmp_path / when / path.name).write_text(yaml.safe_dump(document), "utf-8")
    kubectl("apply", f"--filename={tmp_path / 'before'}")
    return tmp_path / "after"


def test_the_api_server_judges_changes_as_the_operator_does(
    kubectl: Kubectl, changes: Path
) -> None:
    expected = {path.stem: _expected(path) for path in _files("reject", 2)}
    assert _disagreements(_refusals(kubectl, changes), expected) == []
    kubectl("delete", "uforaclusters", "--all", "--wait=true", timeout=120)
