"""What thieves need of a loop besides an interval: weighed before it is worth sending, and encoded
when the first items are given away."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from ufora_core import program
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_core.compiler.sites.text import text_of
from ufora_core.store import ObjectStore
from ufora_core.values.encode import Encoder
from ufora_worker.loops.partials import Stored, keep
from ufora_worker.loops.ranges import ItemSource, SliceCall
from ufora_worker.loops.weights import weigh


@dataclass(slots=True)
class Task:
    """The task of one loop: its items, what runs them, and the values that they read."""

    kind: SiteKind
    body: SliceCall
    items: Sequence[Any]
    python: tuple[int, int]
    #: The object of each node, which stays what it is in pieces; none before it is encoded.
    objects: Sequence[Any] = field(default=(), init=False)
    _stored: Stored | None = field(default=None, init=False)
    #: Sending the values takes longer than this.
    _too_much_ns: float = field(default=0.0, init=False)

    @property
    def is_encoded(self) -> bool:
        """Whether items may have been given away."""
        return self._stored is not None

    def values_ns(self, limit: float) -> float:
        """About how many nanoseconds it takes to send the items and the values that they read;
        something above ``limit`` if it is more."""
        if limit < 2 * self._too_much_ns:
            return inf
        found = weigh((self.items, *self.body.arguments), limit)
        if found > limit:
            self._too_much_ns = limit
        return found

    def encoded(self, store: ObjectStore, frames_left: int) -> Stored:
        """The task as an object of the store; ``frames_left`` says how deep the program may go on
        from where the loop stands.

        Raises:
            CoreError: it cannot be sent, or not be stored.
        """
        if self._stored is None:
            self._stored = self._encode(store, frames_left)
        return self._stored

    def _encode(self, store: ObjectStore, frames_left: int) -> Stored:
        encoder = Encoder()
        task = program.LoopTask(
            kind=self.kind.name,
            slice=encoder.item(self.body.function),
            iterable=encoder.item(self.items),
            arguments=[encoder.item(value) for value in self.body.arguments],
            graph=encoder.graph(),
            python=self.python,
            recursion_limit=frames_left,
            text=None if self.body.source is None else _text_of(self.body.source),
        )
        self.objects = encoder.objects
        return keep(store, program.encode(task), encoder)


def _text_of(source: ItemSource) -> program.ItemText:
    site = source.site
    return program.ItemText(
        text_of(site), list(source.names), source.filename, site.line, site.mangle
    )
