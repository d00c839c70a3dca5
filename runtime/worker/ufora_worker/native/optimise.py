"""All that is done to a unit between its translation and its machine code."""

from dataclasses import replace

from ufora_worker.native.fusion import fuse
from ufora_worker.native.intervals import Findings, analyse
from ufora_worker.native.ir.nodes import Emit, Let, Sink, Statement, Unit
from ufora_worker.native.ir.rewriting import rewrite_unit
from ufora_worker.native.ir.verifier import verify
from ufora_worker.native.matrices import read_by_rows


def optimise(unit: Unit) -> Unit:
    """The same unit with fewer checks: where it bails it may give Python's result instead, and all
    other results are the same.

    Raises:
        Malformed: the unit is not well formed.
    """
    verify(unit)
    unit = read_by_rows(unit)
    findings = analyse(unit)
    fused = fuse(unit, findings)
    if fused is not unit:
        findings = analyse(fused)
    optimised = mark(fused, findings)
    verify(optimised)
    return optimised


def mark(unit: Unit, findings: Findings) -> Unit:
    """The unit with ``safe`` at each operation that was found not to bail, and ``small`` at each
    term of a total that was found to be."""

    def marked(statement: Statement) -> Statement:
        match statement:
            case Let() if findings.safe.get(id(statement)):
                return replace(statement, safe=True)
            case Emit() if unit.sink is Sink.TOTAL and findings.small.get(id(statement)):
                return replace(statement, small=True)
        return statement

    return rewrite_unit(unit, lambda block: tuple(map(marked, block)))
