"""From live objects to a graph of values.

Every object gets the index of its node when it is first met, and is encoded later, from a list of
what is pending: so nothing recurses, shared references are one node, and cycles need no care.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any

from ufora_core.values import arrays, classes, functions, named, nodes, objects, placeholder, plain
from ufora_core.values.labels import Trail
from ufora_core.values.modules import is_installed
from ufora_core.values.named import Names
from ufora_core.values.namespaces import Namespaces
from ufora_core.values.nodes import BLOB_LIMIT, AnyNode, Graph, Item, Ref
from ufora_core.values.rows import Rows, is_among
from ufora_core.values.trackers import ClassTrackers

#: Bytes for the object store; they may be the memory of an array of the user's.
Blob = bytes | memoryview
Handler = Callable[["Encoder", Any], AnyNode]

#: Strings up to this many characters stand where they are used.
SHORT_TEXT = 256
_INT_LIMIT = 2**63
#: In the place of a node that is not finished.
_PENDING = nodes.Placeholder("", "", "", "")

_HANDLERS: dict[type, Handler] = {
    **plain.ENCODERS,
    **functions.ENCODERS,
    **named.ENCODERS,
    **placeholder.ENCODERS,
}


@dataclass(frozen=True, slots=True)
class CaptureScope:
    """Where values are captured, for messages."""

    #: ``demo.py:12 in main``
    where: str = ""
    #: They are values of the cluster, on their way to the client.
    in_cluster: bool = False


class Encoder:
    """Encodes values into one graph; each object becomes one node, however often it is met.

    ``graph()`` finishes what several nodes share (arrays that overlap, global names), so ``blobs``
    is complete only after it.
    """

    def __init__(
        self,
        *,
        originals: Mapping[int, int] | None = None,
        trackers: ClassTrackers | None = None,
        scope: CaptureScope | None = None,
    ) -> None:
        """``originals`` maps the id of an object to its index in another graph: it becomes an
        ``Input`` node. ``trackers`` knows the ids of classes."""
        self.blobs: dict[str, Blob] = {}
        self.names = Names()
        self.trackers = trackers if trackers is not None else ClassTrackers()
        #: Ids of functions that their class can have written again.
        self.rewritable: set[int] = set()
        self._scope = scope or CaptureScope()
        self._originals = originals if originals is not None else {}
        self._trail = Trail()
        #: The original object of each node, by index.
        self.objects = self._trail.objects
        self._nodes: list[AnyNode] = []
        self._refs: dict[int, Ref] = {}
        self._rows = Rows()
        self._current = -1
        self._pending: list[int] = []
        self._arrays: list[tuple[int, Any]] = []
        self._namespaces = Namespaces(self)
        self._handlers: dict[type, Handler] = {}

    # ------------------------------------------------------------------ for everybody

    def item(self, value: object, label: str = "") -> Item:
        """Encode ``value``; ``label`` is what the user calls it."""
        item = self.ref(value)
        if label and type(item) is Ref:
            self._trail.labels.setdefault(item.index, label)
        self._drain()
        return item

    def namespace(self, variables: dict[str, Any], code: CodeType | None = None) -> Ref:
        """The namespace of these global names, with what ``code`` reaches of them, and the modules
        of the user's project that it imports."""
        ref = self._namespaces.of(variables)
        if code is not None:
            self._namespaces.reach(ref, code)
        if self._current == -1:
            self._drain()
        return ref

    def graph(self) -> Graph:
        """The graph of everything encoded so far."""
        self._drain()
        pending, self._arrays = self._arrays, []
        for index, node in arrays.encode_arrays(self, pending):
            self._nodes[index] = node
        self._drain()
        for index, namespace in self._namespaces.finished():
            self._nodes[index] = namespace
        self._spread_placeholders()
        return Graph(list(self._nodes))

    def shallow(self, value: object) -> AnyNode:
        """The node that ``value`` would have now, even if it is one of the originals."""
        alone = arrays.is_array_class(type(value)) and arrays.has_bytes(value)
        node = arrays.encode_array(self, value) if alone else self._handler(value)(self, value)
        self._drain()
        return node

    # ------------------------------------------------------------------ for the handlers

    def ref(self, value: Any) -> Item:
        """The item of a value, which is encoded later unless it stands for itself."""
        return value if self.stands_for_itself(value) else self.node(value)

    def stands_for_itself(self, value: Any) -> bool:
        """Whether a value has no node."""
        kind = type(value)
        if kind is str:
            return len(value) <= SHORT_TEXT and bool(value.isascii() or _is_utf8(value))
        if kind is int:
            return bool(-_INT_LIMIT <= value < _INT_LIMIT)
        if kind is float:
            return bool(value == value)
        return kind is bool or value is None

    @property
    def has_place(self) -> bool:
        """Whether what is being encoded has a node in the graph, which others can refer to."""
        return self._current >= 0

    def has_met(self, marks: set[int]) -> bool:
        """Whether an object with one of these marks (see ``rows``) has a node, or is an original
        or a row of a table."""
        known = self._refs, self._originals
        return any(is_among(marks, ids) for ids in known) or self._rows.any_of(marks)

    def add_rows(self, rows: Sequence[object], marks: set[int]) -> None:
        """These are rows of the table that is being encoded."""
        self._rows.add(Ref(self._current), rows, marks)

    def node(self, value: object) -> Ref:
        """As ``ref``, for what always has a node."""
        known = self._refs.get(id(value))
        if known is None:
            known = self.add(value, _PENDING)
            self._pending.append(known.index)
        return known

    def part(self, value: object) -> Item:
        """As ``ref``, for a temporary object that describes the one being encoded."""
        item = self.ref(value)
        if type(item) is Ref:
            self._trail.parts.add(item.index)
        return item

    def known(self, value: object) -> Ref | None:
        """The node of an object, if it has one; an original has one from the start."""
        known = self._refs.get(id(value))
        if known is None and self.is_original(value):
            known = self.add(value, nodes.Input(self._originals[id(value)]))
        return known

    def is_original(self, value: object) -> bool:
        """Whether the object belongs to the other graph."""
        return id(value) in self._originals

    def add(self, value: object, node: AnyNode, *, shared: bool = True) -> Ref:
        """A finished node for an object; if not ``shared``, the object gets another when met."""
        ref = Ref(len(self._nodes))
        if shared:
            self._refs[id(value)] = ref
        self._nodes.append(node)
        self._trail.objects.append(value)
        self._trail.parents.append(self._current)
        return ref

    @contextmanager
    def inside(self, ref: Ref) -> Iterator[None]:
        """What is met meanwhile is met in the object of ``ref``."""
        before, self._current = self._current, ref.index
        try:
            yield
        finally:
            self._current = before

    def bytes_of(self, data: Any) -> nodes.Bytes:
        """Bytes, in the graph or beside it."""
        view = memoryview(data).cast("B")
        if view.nbytes <= BLOB_LIMIT:
            return nodes.Bytes(view.nbytes, bytes(view))
        digest = hashlib.sha256(view).hexdigest()
        self.blobs.setdefault(digest, view)
        return nodes.Bytes(view.nbytes, None, digest)

    def generic(self, value: object) -> AnyNode:
        """The node of an object that has no handler, by its own recipe."""
        return objects.encode_by_recipe(self, value)

    def whole_namespace(self, variables: dict[str, Any]) -> AnyNode:
        """The node of global names that are met as a dict."""
        return self._namespaces.whole(variables)

    def user_module(self, module: ModuleType) -> AnyNode:
        """The node of a module of the user's with all of its names."""
        return self._namespaces.module(module)

    def array(self, value: object) -> AnyNode:
        """The node of a NumPy array: not known until all arrays are, since they may overlap."""
        if not arrays.has_bytes(value):
            return self.generic(value)
        self._arrays.append((self._current, value))
        return _PENDING

    def import_source(self, name: str) -> None:
        """Take the text of a module that itself travelled here as text."""
        self._namespaces.take_import(name)

    def placeholder(self, value: object, reason: str) -> nodes.Placeholder:
        """The node of an object that cannot travel."""
        kind = type(value)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        name = module + kind.__qualname__
        label, scope = self._trail.label(self._current), self._scope
        return nodes.Placeholder(label, name, reason, scope.where, scope.in_cluster)

    # ------------------------------------------------------------------ the drive

    def _drain(self) -> None:
        pending = self._pending
        while pending:
            index = self._current = pending.pop()
            value = self.objects[index]
            original = self._originals.get(id(value))
            if original is not None:
                self._nodes[index] = nodes.Input(original)
            else:
                row = self._rows.node(value) if type(value) is tuple else None
                self._nodes[index] = row or self._handler(value)(self, value)
        self._current = -1

    def _handler(self, value: object) -> Handler:
        kind = type(value)
        handler = _HANDLERS.get(kind) or self._handlers.get(kind)
        if handler is None:
            handler = self._handlers[kind] = _handler_for(value)
        return handler

    def _spread_placeholders(self) -> None:
        """An object of an installed class that cannot do without what stayed behind stays behind as
        a whole: a queue without its lock is no queue."""
        stack = [i for i, node in enumerate(self._nodes) if isinstance(node, nodes.Placeholder)]
        while stack:
            index = stack.pop()
            child, parent = self._nodes[index], self._trail.owner(index)
            if parent >= 0 and isinstance(child, nodes.Placeholder) and self._is_part(parent):
                self._current = parent
                self._nodes[parent] = self.placeholder(self.objects[parent], child.reason)
                stack.append(parent)
        self._current = -1

    def _is_part(self, parent: int) -> bool:
        """Whether an object is nothing without each of its attributes."""
        value, node = self.objects[parent], self._nodes[parent]
        if isinstance(value, BaseException) or not is_installed(type(value).__module__):
            return False
        if isinstance(node, nodes.Reduced):
            return node.items is None and node.pairs is None
        return isinstance(node, nodes.Instance)


def _handler_for(value: object) -> Handler:
    kind = type(value)
    if issubclass(kind, type):
        return classes.encode_class
    if issubclass(kind, ModuleType):
        return named.ENCODERS[ModuleType]
    if hasattr(kind, "__ufora_remote__"):
        return lambda encoder, value: nodes.Remote(*value.__ufora_remote__())
    if hasattr(kind, "__ufora_stays__"):
        return lambda encoder, value: encoder.placeholder(value, value.__ufora_stays__)
    if arrays.is_array_class(kind):
        return Encoder.array
    return objects.handler_for(value)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
