"""Which tuples are rows of tables that are encoded already, so that others can refer to them.

A million rows have no nodes, and nothing but sets of numbers is quick enough to tell them apart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, repeat
from operator import rshift

from ufora_core.values.nodes import Ref, Row

#: Objects lie at multiples of so many bytes, as a power of two.
_ALIGNMENT = 4


class Rows:
    """The rows of the tables of one graph."""

    def __init__(self) -> None:
        #: The marks of all rows.
        self._marks: set[int] = set()
        self._tables: list[tuple[Ref, Sequence[object]]] = []
        #: The place of each row by its mark, for as many tables as somebody asked for.
        self._places: dict[int, tuple[Ref, int]] = {}
        self._known = 0

    def add(self, table: Ref, rows: Sequence[object], marks: set[int]) -> None:
        """These are the rows of a table; they live as long as this does, since ids are used again,
        and what runs while others are encoded may change a list."""
        self._tables.append((table, tuple(rows)))
        self._marks |= marks

    def node(self, value: object) -> Row | None:
        """The node of a row; None for anything else."""
        (mark,) = marks_of((value,))
        if mark not in self._marks:
            return None
        for table, rows in self._tables[self._known :]:
            self._places.update(zip(marks_of(rows), zip(repeat(table), count()), strict=False))
        self._known = len(self._tables)
        return Row(*self._places[mark])

    def any_of(self, marks: set[int]) -> bool:
        """Whether one of these objects is a row."""
        return not self._marks.isdisjoint(marks)


def marks_of(values: Iterable[object]) -> Iterator[int]:
    """What tells objects apart: their ids, without the bits that are 0 for all of them, as a set
    of such numbers is slow."""
    return map(rshift, map(id, values), repeat(_ALIGNMENT))


def is_among(marks: set[int], ids: Mapping[int, object]) -> bool:
    """Whether an object with one of these marks has one of these ids."""
    if len(ids) < len(marks):
        return any(each >> _ALIGNMENT in marks for each in ids)
    return any(each << _ALIGNMENT in ids for each in marks)
