"""The global names and modules of the user's that code reaches, as far as it reaches them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from ufora_core.values import nodes
from ufora_core.values.finder import source_text_of
from ufora_core.values.modules import (
    find_source,
    imported,
    imports_in,
    is_installed_module,
    module_of,
)
from ufora_core.values.nodes import Item, Ref
from ufora_core.values.reach import Chain, Import, reach_of

if TYPE_CHECKING:
    from ufora_core.values.encode import Encoder

#: Dunder names that a module is sent with when all of it is.
_KEPT_DUNDERS = frozenset({"__file__", "__doc__"})
#: The chain of a name that is used by itself.
_ITSELF: frozenset[Chain] = frozenset({()})


@dataclass(slots=True)
class _Space:
    """The global names of one module, as far as they are reached by now."""

    variables: dict[str, Any]
    items: dict[str, Item] = field(default_factory=dict)
    chains: set[tuple[str, Chain]] = field(default_factory=set)
    imports: set[Import] = field(default_factory=set)


class Namespaces:
    """The namespaces of one graph; each grows while functions are encoded."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._spaces: dict[int, _Space] = {}
        #: Nodes of modules that are used by some of their names, by the module's id.
        self._partly_used: dict[int, Ref] = {}
        self._looked_for: set[str] = set()

    def of(self, variables: dict[str, Any]) -> Ref:
        """The node of these global names: a namespace, or an installed module."""
        known = self._encoder.known(variables)
        if known is not None:
            return known
        module = module_of(variables)
        if module is not None and is_installed_module(module):
            return self._encoder.node(module)
        ref = self._encoder.add(variables, nodes.Namespace("", [], []))
        self._spaces[ref.index] = _Space(variables)
        return ref

    def reach(self, namespace: Ref, code: CodeType) -> None:
        """Take what ``code`` reaches into its namespace; find the modules that it imports."""
        space = self._spaces.get(namespace.index)
        if space is None:  # an installed module has everything, an Input has got it
            return
        reach = reach_of(code)
        for name, chains in reach.names.items():
            self._take(namespace, name, chains)
        if reach.everything:
            self._take_all(namespace)
        for statement in reach.imports:
            if statement not in space.imports:
                space.imports.add(statement)
                for name in imported(statement, space.variables):
                    self.take_import(name)

    def whole(self, variables: dict[str, Any]) -> nodes.Namespace:
        """Global names that are met as a dict, by ``globals()``: all of them."""
        ref = self._encoder.node(variables)
        self._spaces[ref.index] = _Space(variables)
        self._take_all(ref)
        return nodes.Namespace("", [], [])

    def module(self, module: ModuleType) -> nodes.UserModule:
        """The node of a module that is used as a whole."""
        node = self._module_node(module)
        self._take_all(node.namespace)
        return node

    def finished(self) -> Iterable[tuple[int, nodes.Namespace]]:
        """Each namespace as it is now, by the index of its node."""
        for index, space in self._spaces.items():
            name = str(space.variables.get("__name__", ""))
            yield index, nodes.Namespace(name, list(space.items), list(space.items.values()))

    def _take(self, namespace: Ref, name: str, chains: Iterable[Chain]) -> None:
        """Take one name; of a module of the user's only what the chains reach."""
        space = self._spaces[namespace.index]
        value = space.variables.get(name, namespace)
        if value is namespace:
            # Python 2's name, which nothing else has.
            if name == "xrange":
                space.items[name] = self._encoder.ref(range)
        elif issubclass(type(value), ModuleType) and not is_installed_module(value):
            for chain in chains:
                if (name, chain) not in space.chains:
                    space.chains.add((name, chain))
                    space.items[name] = self._module_part(value, chain)
        elif name not in space.items:
            with self._encoder.inside(namespace):
                space.items[name] = self._encoder.ref(value)

    def _take_all(self, namespace: Ref) -> None:
        space = self._spaces.get(namespace.index)
        for name in list(space.variables) if space is not None else ():
            if name in _KEPT_DUNDERS or not (name.startswith("__") and name.endswith("__")):
                self._take(namespace, name, _ITSELF)

    def _module_part(self, module: ModuleType, chain: Chain) -> Item:
        """The item of a module of which ``chain`` is used."""
        if not chain or self._encoder.is_original(module):
            return self._encoder.ref(module)
        node = self._module_node(module)
        ref = self._partly_used.get(id(module))
        if ref is None:
            ref = self._partly_used[id(module)] = self._encoder.add(module, node, shared=False)
        if node.namespace.index in self._spaces:
            self._take(node.namespace, chain[0], {chain[1:]})
        return ref

    def _module_node(self, module: ModuleType) -> nodes.UserModule:
        file = getattr(module, "__file__", None)
        namespace = self.of(vars(module))
        return nodes.UserModule(module.__name__, file if isinstance(file, str) else "", namespace)

    def take_import(self, name: str) -> None:
        """Take a module that code may import, if it is of the user's project, and what that one
        may import in turn."""
        pending = [name]
        while pending:
            each = pending.pop()
            if each in self._looked_for:
                continue
            self._looked_for.add(each)
            module = sys.modules.get(each)
            if module is not None and source_text_of(module) is None:
                if not is_installed_module(module):
                    self._encoder.ref(module)
                continue
            source = find_source(each)
            if source is not None:
                self._encoder.add(source, source)
                pending.extend(imports_in(source))
