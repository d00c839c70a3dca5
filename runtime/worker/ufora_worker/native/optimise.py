"""All that is done to a unit between its translation and its machine code."""

from dataclasses import replace

from ufora_worker.native.fusion import fuse
from ufora_worker.native.intervals import Findings, analyse
from ufora_worker.native.ir.nodes import Block, Let, Unit
from ufora_worker.native.ir.rewriting import rewrite_unit
from ufora_worker.native.ir.verifier import verify


def optimise(unit: Unit) -> Unit:
    """The same unit with fewer checks: where it bails it may give Python's result instead, and all
    other results are the same.

    Raises:
        Malformed: the unit is not well formed.
    """
    verify(unit)
    findings = analyse(unit)
    fused = fuse(unit, findings)
    if fused is not unit:
        findings = analyse(fused)
    optimised = mark_safe(fused, findings)
    verify(optimised)
    return optimised


def mark_safe(unit: Unit, findings: Findings) -> Unit:
    """The unit with ``safe`` at each operation that was found not to bail."""

    def mark(block: Block) -> Block:
        return tuple(
            replace(each, safe=True)
            if isinstance(each, Let) and findings.safe.get(id(each))
            else each
            for each in block
        )

    return rewrite_unit(unit, mark)
