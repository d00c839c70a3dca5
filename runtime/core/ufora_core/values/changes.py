"""In-place changes: what a block did to the objects that it was given.

``find`` runs where the block ran and compares each mutable object with its node: children by
identity, bytes with the bytes that came, nothing encoded until something differs. ``apply`` runs in
the client and makes the client's own objects show the same, or changes nothing and says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ufora_core.errors import ValueGraphError
from ufora_core.values.applying import Application, application
from ufora_core.values.comparing import Difference, difference_of
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.nodes import Change

_Names = Mapping[int, Collection[str]]


def find(decoder: Decoder, encoder: Encoder, *, exported: _Names | None = None) -> list[Change]:
    """What is different now about the objects that ``decoder`` made of a program.

    ``encoder`` is the result's, and has these objects as its originals. ``exported``: names, by the
    index of their namespace's node, that the result brings home by itself.

    Raises:
        UnappliedChangeError: an object changed in a way that the client's own cannot follow.
    """
    found = list(_differences(decoder, exported or {}))
    return [Change(index, describe(encoder)) for index, describe in found]


def apply(changes: Sequence[Change], originals: Sequence[object], decoder: Decoder) -> None:
    """Make the client's own objects (``originals``, by index) show the changes; ``decoder`` is the
    result's. All of them are understood before the first is made.

    Raises:
        UnappliedChangeError: one cannot be made; then none is.
        ValueGraphError: the changes do not fit the objects; then none is made.
    """
    planned: list[Application] = []
    for change in changes:
        if not 0 <= change.index < len(originals):
            raise ValueGraphError(f"object {change.index} of {len(originals)} cannot have changed")
        planned.append(application(decoder, change.node, originals[change.index]))
    for each in planned:
        each()


def _differences(decoder: Decoder, exported: _Names) -> Iterator[tuple[int, Difference]]:
    for index, node, value in decoder.decoded():
        difference = difference_of(decoder, node, value, exported.get(index, ()))
        if difference is not None:
            yield index, difference
