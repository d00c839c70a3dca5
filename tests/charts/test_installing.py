"""What the documents on installing lead to is there, and the images are built alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [
    "docs/install.md",
    "docs/security.md",
    "docs/runbook.md",
    "docs/operator.md",
    "docs/uforacluster.md",
    "charts/ufora/README.md",
    "operator/README.md",
]
DOCKERFILES = ["Dockerfile.manager", "Dockerfile.worker", "operator/Dockerfile"]


def _anchor(head: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    document = ROOT / name
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", document.read_text()):
        there = (document.parent / target).resolve() if target else document
        assert there.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in map(_anchor, heads), anchor


def test_every_make_target_of_the_documents_is_there() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "".join((ROOT / name).read_text() for name in DOCUMENTS)
    assert set(re.findall(r"(?:^    |`)make ([a-z][a-z0-9-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_runs_as_nobody_in_particular_and_holds_no_installer(name: str) -> None:
    build, final = (ROOT / name).read_text().split("\nFROM ${BASE}\n")
    assert "FROM ${BASE} AS build" in build and "USER" not in build
    assert "USER 10001:10001" in final
    assert "! python -m pip" in final and "! command -v cc" in final
    assert "RUN pip" not in final and "apt" not in final
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in final


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_takes_our_own_packages_from_the_sources_only(name: str) -> None:
    """A bare name would be looked for in a package index, where it may be somebody else's."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    sources = re.search(r"pip wheel .*?--wheel-dir wheels +(.*?) +&&", text)
    assert sources is not None
    assert all(each.startswith("./") for each in sources[1].split()), sources[1]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_an_image_is_built_from_is_not_ignored(name: str) -> None:
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = re.findall(r"^COPY ((?!--)[^\n]*) \S+$", (ROOT / name).read_text(), re.MULTILINE)
    parts = {each.partition("/")[0] for line in copied for each in line.split()}
    assert parts and parts <= kept
