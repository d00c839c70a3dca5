"""How a node becomes an object: the four steps that every kind of node goes through.

1. Everything that the object cannot exist without (``needs``) is decoded.
2. The object is made, perhaps as an empty shell (``make``).
3. What it refers to (``fills``) is decoded; references back to the shell are fine by now.
4. The shell is filled (``fill``), as soon as each of ``fills`` exists and each of ``firm`` (the
   keys of a dict, which get hashed) is filled itself.

So nothing here recurses, and cycles need no second pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ufora_core.values.nodes import Item

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder


def nothing(node: Any) -> Iterable[Item]:
    """No items."""
    return ()


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one kind of node."""

    make: Callable[[Decoder, Any], object]
    needs: Callable[[Any], Iterable[Item]] = nothing
    fills: Callable[[Any], Iterable[Item]] = nothing
    fill: Callable[[Decoder, Any, Any], None] | None = None
    firm: Callable[[Any], Iterable[Item]] = nothing
    #: The object, where it is here already and its node need not be looked into.
    known: Callable[[Decoder, Any], object | None] | None = None
