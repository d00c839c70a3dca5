"""Ordinary programs that gain nothing from many cores or machine code: they must not lose either.

Each takes some tenths of a second in CPython, and returns what tells whether it was right.
"""

from benchmarks.native.corpus import algorithms, library, objects, text
from benchmarks.native.corpus.registry import PROGRAMS

__all__ = ["PROGRAMS", "algorithms", "library", "objects", "text"]
