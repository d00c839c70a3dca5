"""The order in which the objects of a graph are made and filled (see ``steps``): no recursion, and
every reference that can be kept is kept, cyclic ones included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ufora_core.errors import CoreError, UnconvertibleValueError, ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.nodes import AnyNode, Item, Ref
from ufora_core.values.placeholder import unconvertible_like
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder

#: Where a node stands: untouched; waiting for what it needs; there, but empty; complete.
_NEW, _MAKING, _FILLING, _DONE = range(4)


class Construction:
    """Builds the objects of a decoder's nodes."""

    def __init__(self, decoder: Decoder, table: dict[type, Steps]) -> None:
        self._decoder = decoder
        self._table = table
        self._nodes, self._objects = decoder.nodes, decoder.objects
        self._states = [_NEW] * len(self._nodes)
        #: Nodes still to be looked at, the next one last.
        self._stack: list[int] = []
        self._current = 0
        #: Nodes that wait for another one's next step.
        self._waiting: defaultdict[int, list[int]] = defaultdict(list)

    def add(self, node: AnyNode) -> int:
        """One more node; gives its index."""
        self._nodes.append(node)
        self._objects.append(None)
        self._states.append(_NEW)
        return len(self._nodes) - 1

    def exists(self, index: int) -> bool:
        """Whether the object is there, perhaps still empty."""
        return self._states[self._checked(index)] >= _FILLING

    def is_complete(self, index: int) -> bool:
        """Whether the object is there and filled."""
        return self._states[index] == _DONE

    def complete(self, index: int) -> None:
        """Build the object of a node and everything below it.

        Raises:
            CoreError: that cannot be done; whatever an object's own code raised is the cause.
        """
        self._stack.append(self._checked(index))
        try:
            self._run()
            self._resolve_waiting()
        except CoreError:
            raise
        except Exception as error:
            node = self._nodes[self._current]
            raise ValueGraphError(
                f"node {self._current} ({type(node).__name__}{_title(node)}) cannot be built: "
                f"{type(error).__name__}: {error}"
            ) from error
        finally:
            self._stack.clear()

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self._nodes):
            raise ValueGraphError(f"there is no node {index} among {len(self._nodes)}")
        return index

    def _run(self) -> None:
        """Bring the node on top of the stack as far as it gets, until none is left."""
        stack, states = self._stack, self._states
        while stack:
            index = self._current = stack[-1]
            node = self._nodes[index]
            steps = self._table[type(node)]
            depth = len(stack)
            if states[index] == _NEW:
                self._begin(index, node, steps)
            if states[index] == _MAKING and len(stack) == depth:
                self._make_or_wait(index, node, steps)
            if len(stack) == depth:
                stack.pop()
                if states[index] == _FILLING:
                    self._fill_or_wait(index, node, steps)

    def _begin(self, index: int, node: AnyNode, steps: Steps) -> None:
        known = steps.known(self._decoder, node) if steps.known is not None else None
        if known is not None:
            self._objects[index] = known
            self._move(index, _DONE)
        else:
            self._states[index] = _MAKING
            self._visit(steps.needs(node))

    def _visit(self, items: Iterable[Item]) -> None:
        for item in items:
            if type(item) is Ref and self._states[self._checked(item.index)] == _NEW:
                self._stack.append(item.index)

    def _make_or_wait(self, index: int, node: AnyNode, steps: Steps) -> None:
        blocker = self._missing(steps.needs(node))
        if blocker is not None:
            self._waiting[blocker].append(index)
            return
        try:
            self._objects[index] = steps.make(self._decoder, node)
        except UnconvertibleValueError as error:
            # It cannot be made without what stayed behind, and may not be used at all.
            self._objects[index] = unconvertible_like(error)
            self._move(index, _DONE)
            return
        self._move(index, _FILLING if steps.fill is not None else _DONE)
        self._visit(steps.fills(node))

    def _fill_or_wait(self, index: int, node: AnyNode, steps: Steps) -> None:
        blocker = self._missing(steps.fills(node))
        if blocker is None:
            blocker = self._unfilled(index, steps.firm(node))
        if blocker is not None:
            self._waiting[blocker].append(index)
        else:
            self._fill(index, node, steps)

    def _fill(self, index: int, node: AnyNode, steps: Steps) -> None:
        if steps.fill is not None:
            steps.fill(self._decoder, self._objects[index], node)
        self._move(index, _DONE)

    def _move(self, index: int, state: int) -> None:
        """A step is done: whoever waited for it is looked at again."""
        self._states[index] = state
        if index in self._waiting:
            self._stack[-1:-1] = self._waiting.pop(index)

    def _missing(self, items: Iterable[Item]) -> int | None:
        """A node among ``items`` that has no object yet."""
        for item in items:
            if type(item) is Ref and self._states[self._checked(item.index)] < _FILLING:
                return item.index
        return None

    def _unfilled(self, index: int, items: Iterable[Item]) -> int | None:
        """A node among ``items``, or in a tuple among them, that has not been filled."""
        stack = list(items)
        while stack:
            item = stack.pop()
            if type(item) is not Ref or item.index == index:
                continue
            if self._states[item.index] != _DONE:
                return item.index
            node = self._nodes[item.index]
            if isinstance(node, nodes.Tuple | nodes.FrozenSet):
                stack.extend(node.items)
        return None

    def _resolve_waiting(self) -> None:
        """What still waits, waits for itself: keys are hashed before they are full, as unpickling
        would; what needs itself to be made cannot exist."""
        while self._waiting:
            _, waiting = self._waiting.popitem()
            for index in waiting:
                self._current, node = index, self._nodes[index]
                if self._states[index] == _MAKING:
                    raise ValueGraphError(f"node {index} cannot be built before itself")
                if self._states[index] == _FILLING:
                    self._fill(index, node, self._table[type(node)])
            self._run()


def _title(node: AnyNode) -> str:
    name = getattr(node, "qualname", None) or getattr(node, "name", None)
    return f" {name}" if isinstance(name, str) else ""
