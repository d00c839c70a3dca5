"""One corpus of UforaClusters, judged by the reconciler here and by an API server's CEL in
``tests/kubernetes``: the verdicts must be the same.

A file with two documents is a UforaCluster and its change. A refused one names, in its first line,
the field that the fault is reported at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from operator_strategies import cluster_from, complete
from ufora_operator.api.decode import decode, forbidden_changes
from ufora_operator.api.quantities import amount
from ufora_operator.api.rules import EVERY_RULE
from ufora_operator.errors import FieldError, SpecError

CORPUS = Path(__file__).parent / "corpus"
ACCEPTED = sorted((CORPUS / "accept").glob("*.yaml"))
REFUSED = sorted((CORPUS / "reject").glob("*.yaml"))


def _read(path: Path) -> list[dict[str, Any]]:
    return [complete(document) for document in yaml.safe_load_all(path.read_text("utf-8"))]


def _faults(documents: list[dict[str, Any]]) -> tuple[FieldError, ...]:
    """Faults of the last document, as a change of the one before it, if there is one."""
    *former, last = documents
    before = [decode(document) for document in former]
    try:
        cluster = decode(last)
    except SpecError as error:
        return error.faults
    return tuple(fault for each in before for fault in forbidden_changes(each.spec, cluster.spec))


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_what_is_allowed_is_accepted(path: Path) -> None:
    assert _faults(_read(path)) == ()


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_what_is_not_allowed_is_refused_at_its_field(path: Path) -> None:
    expected = path.read_text("utf-8").splitlines()[0].removeprefix("# field: ")
    faults = _faults(_read(path))
    assert expected in {fault.path for fault in faults}, faults


def test_every_rule_refuses_something_in_the_corpus() -> None:
    told = {fault.message for path in REFUSED for fault in _faults(_read(path))}
    assert {rule.message for rule in EVERY_RULE} - told == set()


def test_a_cluster_that_changes_nothing_breaks_no_rule_of_changes() -> None:
    for path in ACCEPTED:
        spec = decode(_read(path)[-1]).spec
        assert forbidden_changes(spec, spec) == ()


def test_a_rule_holds_in_every_object_of_its_type() -> None:
    """The peers of three lists are of one type."""
    for field in ("allowFrom", "metricsFrom"):
        with pytest.raises(SpecError, match=rf"spec\.network\.{field}\[0\]: a peer has"):
            cluster_from({"network": {field: [{}]}})
    with pytest.raises(SpecError, match=r"spec\.network\.extraEgress\[0\]\.to\[0\]: a peer has"):
        cluster_from({"network": {"extraEgress": [{"to": [{}]}]}})


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("900Mi", "1Gi"),
        ("1G", "1Gi"),
        ("999m", "1"),
        ("1e3", "1Ki"),
        ("1E", "1Ei"),
        ("1n", "1u"),
        (".5", "0.75"),
    ],
)
def test_quantities_compare_by_what_they_stand_for(less: str, more: str) -> None:
    assert amount(less) < amount(more)


@pytest.mark.parametrize("text", ["", "ten", "1GB", "-1", "1.2.3"])
def test_what_is_no_quantity_has_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        amount(text)
