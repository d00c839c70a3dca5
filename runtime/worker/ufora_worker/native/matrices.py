"""Elements of two-dimensional arrays, read by way of their row.

Each index then has a check of its own: of ``matrix[row, column]`` in a loop over columns, that of
the column is often proved needless, and LLVM makes that of the row before the loop.
"""

from collections.abc import Iterator
from itertools import count

from ufora_worker.native.ir.nodes import Let, Statement, Unit, Var
from ufora_worker.native.ir.rewriting import rewrite_unit
from ufora_worker.native.ir.types import Array


def read_by_rows(unit: Unit) -> Unit:
    """The unit with ``array.row`` and one index in place of two indices."""
    numbers = count(1)

    def split(statement: Statement) -> Iterator[Statement]:
        match statement:
            case Let(target, "array.get", (array, row, column), line):
                assert isinstance(array.type, Array)
                one_row = Array(array.type.element, array.type.storage)
                elements = Var(f"%row.{next(numbers)}", one_row)
                yield Let(elements, "array.row", (array, row), line)
                yield Let(target, "array.get", (elements, column), line)
            case _:
                yield statement

    return rewrite_unit(unit, lambda block: tuple(new for old in block for new in split(old)))
