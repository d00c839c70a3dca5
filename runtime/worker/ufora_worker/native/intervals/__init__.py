"""Interval analysis: which checks of the machine code cannot fail."""

from ufora_worker.native.intervals.analysis import Findings, analyse

__all__ = ["Findings", "analyse"]
