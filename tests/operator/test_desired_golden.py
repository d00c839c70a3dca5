"""Golden files: a spec as its user writes it, and every object that is made of it.

``template-hashes.txt`` has a hash of each pod template. One that changes means that an upgrade of
the operator replaces the pods of every cluster like that: let it change for a good reason only.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from operator_strategies import TOKENS, cluster_from, manifests_of
from ufora_operator.desired.objects import Manifest

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.yaml"))
HASHES = GOLDEN / "template-hashes.txt"
SEPARATOR = "\n---\n"


def _manifests(path: Path) -> list[Manifest]:
    spec: dict[str, Any] = next(yaml.safe_load_all(path.read_text("utf-8")))["spec"]
    return manifests_of(cluster_from(spec))


def _hash(template: Manifest) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_spec_gives_these_objects(path: Path, pytestconfig: pytest.Config) -> None:
    written = path.read_text("utf-8")
    spec = written.partition(SEPARATOR)[0].rstrip("\n")
    dumped = yaml.safe_dump_all(_manifests(path), sort_keys=False, width=100)
    got = f"{spec}{SEPARATOR}{dumped}"
    if pytestconfig.getoption("--update-cases"):
        path.write_text(got, "utf-8")
        return
    assert written == got


def test_an_upgrade_of_the_operator_restarts_nothing(pytestconfig: pytest.Config) -> None:
    lines = [
        f"{path.stem} {manifest['kind']} {_hash(manifest['spec']['template'])}"
        for path in FILES
        for manifest in _manifests(path)
        if manifest["kind"] in ("Deployment", "StatefulSet")
    ]
    text = "\n".join(lines) + "\n"
    if pytestconfig.getoption("--update-cases"):
        HASHES.write_text(text, "utf-8")
    assert HASHES.read_text("utf-8") == text


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 25


def test_no_token_is_in_a_golden_file_in_plain() -> None:
    for path in FILES:
        text = path.read_text("utf-8")
        assert TOKENS.token not in text and TOKENS.second not in text
