"""The user's own modules on the other side: built from their global names or their text, and
importable as long as a job runs."""

from __future__ import annotations

import builtins
import importlib.machinery
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ufora_core.values import nodes
from ufora_core.values.finder import ProjectFinder
from ufora_core.values.modules import is_installed
from ufora_core.values.nodes import AnyNode, ModuleSource, Ref
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder


def _make_namespace(decoder: Decoder, node: nodes.Namespace) -> object:
    module = ModuleType(node.module)
    variables = vars(module)
    # A namespace holds what its module holds, not what a new module happens to have.
    variables.clear()
    variables["__name__"] = node.module
    variables["__builtins__"] = builtins
    decoder.add_module(module)
    return variables


def _fill_namespace(decoder: Decoder, value: dict[str, Any], node: nodes.Namespace) -> None:
    value.update(zip(node.names, map(decoder.get, node.values), strict=True))


def _make_module(decoder: Decoder, node: nodes.UserModule) -> object:
    variables = decoder.variables(node.namespace)
    module = decoder.module(variables, node.name)
    if node.file:
        variables["__file__"] = node.file
    is_package = not node.file or node.file.endswith("__init__.py")
    if is_package:
        variables["__path__"] = []
    spec = importlib.machinery.ModuleSpec(node.name, None, is_package=is_package)
    variables["__spec__"] = spec
    variables["__package__"] = spec.parent
    return module


STEPS: dict[type, Steps] = {
    nodes.Namespace: Steps(_make_namespace, fills=lambda node: node.values, fill=_fill_namespace),
    nodes.UserModule: Steps(_make_module, needs=lambda node: (node.namespace,)),
    # A module's text is no value: it is found by ``importable``.
    nodes.ModuleSource: Steps(lambda decoder, node: None),
}


@contextmanager
def importable(decoder: Decoder) -> Iterator[None]:
    """Inside of this, ``import`` finds the modules of the user's project that came with the graph,
    and ``sys.modules`` holds those that are decoded; afterwards both are as they were.

    ``__main__`` is the user's main module meanwhile, which pickles and dataclasses look for.
    """
    for index, node in enumerate(decoder.nodes):
        if isinstance(node, nodes.UserModule):
            decoder.value(Ref(index))
    finder = ProjectFinder(_sources_in(decoder.nodes))
    before = dict(sys.modules)
    whole = {node.name for node in decoder.nodes if isinstance(node, nodes.UserModule)}
    for module in decoder.modules():
        # Global names that only claim a name do not hide the module that has it.
        if module.__name__ in whole or not is_installed(module.__name__):
            sys.modules[module.__name__] = module
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _restore(before, finder, decoder.modules())


def _restore(
    before: dict[str, ModuleType], finder: ProjectFinder, decoded: Iterable[ModuleType]
) -> None:
    """Take the user's modules out of ``sys.modules``; what else was imported may stay."""
    own = {id(module) for module in decoded}
    # A list first: another thread may import something meanwhile.
    now = list(sys.modules.items())
    fresh = [(name, each) for name, each in now if before.get(name) is not each]
    for name, module in fresh:
        spec = getattr(module, "__spec__", None)
        if id(module) in own or (spec is not None and spec.loader is finder):
            del sys.modules[name]
            if name in before:
                sys.modules[name] = before[name]


def _sources_in(found: Iterable[AnyNode]) -> Iterator[ModuleSource]:
    return (node for node in found if isinstance(node, ModuleSource))
