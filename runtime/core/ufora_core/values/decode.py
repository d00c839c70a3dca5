"""From a graph of values to live objects.

Nodes come from a peer: every index and every type is checked, and whatever goes wrong while an
object is built is a ValueGraphError that says at which node. Nothing recurses (see ``steps``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import CodeType, ModuleType
from typing import Any, TypeVar

from ufora_core.errors import ValueGraphError
from ufora_core.store import Buffer
from ufora_core.values import (
    arrays,
    building,
    classes,
    functions,
    importing,
    named,
    nodes,
    packed,
    placeholder,
    plain,
)
from ufora_core.values.classes import ClassTrackers
from ufora_core.values.construction import Construction
from ufora_core.values.nodes import AnyNode, Graph, Item, Ref, Source
from ufora_core.values.recompile import compile_source
from ufora_core.values.steps import Steps

T = TypeVar("T")

_STEPS: dict[type, Steps] = {
    **plain.STEPS,
    **packed.STEPS,
    **arrays.STEPS,
    **functions.STEPS,
    **classes.STEPS,
    **building.STEPS,
    **named.STEPS,
    **importing.STEPS,
    **placeholder.STEPS,
}


class Decoder:
    """Decodes the values of one graph; each node becomes one object, however often it is named."""

    def __init__(
        self,
        graph: Graph,
        blob: Callable[[str], Buffer],
        *,
        originals: Sequence[object] = (),
        classes: ClassTrackers | None = None,
        remote: Callable[[str], object] | None = None,
        code_of: Callable[[Source], CodeType] = compile_source,
    ) -> None:
        """``blob`` gives the bytes of a digest, where possible as a private writable mapping;
        ``originals`` are the objects that ``Input`` nodes stand for; ``classes`` are the live
        classes of this process, to be used in place of copies; ``remote`` gives the value of a
        digest that stayed in the cluster; ``code_of`` makes the code of functions."""
        self.nodes: list[AnyNode] = list(graph.nodes)
        #: The object of each node by index, None where nothing asked for it yet.
        self.objects: list[Any] = [None] * len(graph.nodes)
        #: The classes that were decoded, for an encoder that sends their instances back.
        self.trackers = classes if classes is not None else ClassTrackers()
        self.live_classes = classes
        #: What cloudpickle makes of each unpickled object, by its id: to see changes.
        self.pickles: dict[int, bytes] = {}
        #: The attributes of each decoded class, by node: to see changes.
        self.class_attributes: dict[int, dict[str, object]] = {}
        self.code_of = code_of
        self._blob = blob
        self._originals = originals
        self._remote = remote
        self._modules: dict[int, ModuleType] = {}
        self._construction = Construction(self, _STEPS)

    # ------------------------------------------------------------------ for everybody

    def value(self, item: Item) -> Any:
        """The live object of an item.

        Raises:
            MissingPackageError: it needs a package that is not installed here.
            ValueGraphError: the graph does not fit together, or an object cannot be built.
        """
        if type(item) is Ref:
            self._construction.complete(item.index)
        return self.get(item)

    def value_of(self, node: AnyNode) -> Any:
        """The object of a node that is not in the graph, though its items are.

        Raises:
            MissingPackageError, ValueGraphError: as ``value``.
        """
        return self.value(Ref(self._construction.add(node)))

    def pristine_value(self, node: AnyNode) -> Any:
        """A second object of a node, from the bytes as they came."""
        again = Decoder(
            Graph(self.nodes), self._blob, originals=self._originals, remote=self._remote
        )
        return again.value_of(node)

    def decoded(self) -> Iterable[tuple[int, AnyNode, Any]]:
        """Index, node and object of every node that has been decoded."""
        for index, node in enumerate(self.nodes):
            if self._construction.is_complete(index):
                yield index, node, self.objects[index]

    def pristine(self, data: nodes.Bytes) -> Buffer:
        """The bytes as they came, whatever happened to the object made of them."""
        if data.data is not None:
            return data.data
        return self._blob(data.digest)

    # ------------------------------------------------------------------ for the steps

    def get(self, item: Item) -> Any:
        """The object of an item that was decoded before."""
        if type(item) is not Ref:
            return item
        if not self._construction.exists(item.index):
            raise ValueGraphError(f"node {item.index} cannot be built before itself")
        return self.objects[item.index]

    def get_as(self, kind: type[T], item: Item) -> T:
        """As ``get``, of a type."""
        value = self.get(item)
        if not isinstance(value, kind):
            raise ValueGraphError(f"a {kind.__name__} is needed, not a {type(value).__name__}")
        return value

    def bytes_of(self, data: nodes.Bytes) -> Buffer:
        """The bytes, checked for their size."""
        found = self.pristine(data)
        if len(found) != data.size:
            raise ValueGraphError(f"{data.size} bytes are announced, {len(found)} are there")
        return found

    def variables(self, item: Item) -> dict[str, Any]:
        """The global names of a namespace, or of an installed module."""
        value = self.get(item)
        if isinstance(value, ModuleType):
            return vars(value)
        if not isinstance(value, dict):
            raise ValueGraphError(f"a {type(value).__name__} is no namespace")
        return value

    def module(self, namespace: dict[str, Any], name: str) -> ModuleType:
        """The module that owns these global names, which were decoded by ``add_module``."""
        module = self._modules.get(id(namespace))
        if module is None:
            raise ValueGraphError(f"the global names of module {name!r} belong to no module")
        return module

    def add_module(self, module: ModuleType) -> None:
        """Keep a module of the user's; it is one module however many nodes name it."""
        self._modules[id(vars(module))] = module

    def modules(self) -> list[ModuleType]:
        """Every module of the user's project that has been decoded."""
        return list(self._modules.values())

    def original(self, index: int) -> object:
        """The object that ``Input(index)`` stands for."""
        if not 0 <= index < len(self._originals):
            raise ValueGraphError(f"there is no input {index} among {len(self._originals)}")
        return self._originals[index]

    def remote(self, digest: str) -> object:
        """The value that stayed in the cluster under ``digest``."""
        if self._remote is None:
            raise ValueGraphError(f"the value {digest[:12]} is in the cluster and not available")
        return self._remote(digest)

    def user_of(self, node: AnyNode) -> str:
        """The variable that a node is the value of, for messages."""
        ref = Ref(next(i for i, each in enumerate(self.nodes) if each is node))
        for each in self.nodes:
            if isinstance(each, nodes.Namespace | nodes.Class | nodes.Instance):
                for name, value in zip(each.names, each.values, strict=False):
                    if value == ref:
                        return f"the name {name!r}"
        return "the block"
