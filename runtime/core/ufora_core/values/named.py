"""What travels by name: modules, functions, classes and singletons of installed packages."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from types import BuiltinFunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ufora_core.errors import MissingPackageError, ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.finder import source_text_of
from ufora_core.values.modules import is_installed, is_installed_module
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder
    from ufora_core.values.encode import Encoder

_ABSENT = object()


class Names:
    """Finds the names of installed things; remembers what it looked through."""

    def __init__(self) -> None:
        self._contents: dict[str, dict[int, str]] = {}

    def of(self, value: Any, name: str = "") -> nodes.Named | None:
        """The name of a function, class or the like, if importing it gives this very object."""
        qualname = name or getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        if not isinstance(qualname, str):
            return None
        module = getattr(value, "__module__", None)
        if not isinstance(module, str):
            module = self._module_with(value, qualname)
        if not is_installed(module):
            return None
        if _attribute(sys.modules[module], qualname) is value:
            return nodes.Named(module, qualname)
        # Under another name: ``functools._CacheInfo``; ``function`` and ``NoneType`` of ``types``.
        return self.in_module("types" if module == "builtins" else module, value)

    def singleton(self, value: object) -> nodes.Named | None:
        """The name of an object that the module of its class (or ``sys``) holds as a global, such
        as ``dataclasses.MISSING`` or ``sys.stdout``; such objects are compared by identity."""
        found = self.in_module(str(type(value).__module__), value)
        return found if found is not None else self.in_module("sys", value)

    def in_module(self, module: str, value: object) -> nodes.Named | None:
        """The name of an object that is a global of an installed module."""
        contents = self._contents.get(module)
        if contents is None:
            variables = dict(vars(sys.modules[module])) if is_installed(module) else {}
            contents = {id(each): name for name, each in variables.items()}
            self._contents[module] = contents
        name = contents.get(id(value))
        return None if name is None else nodes.Named(module, name)

    def _module_with(self, value: object, name: str) -> str:
        """For what does not know its module, such as a ufunc."""
        for module_name, module in list(sys.modules.items()):
            if isinstance(module, ModuleType) and vars(module).get(name) is value:
                return module_name
        return ""


def _attribute(module: ModuleType, qualname: str) -> object:
    found: object = module
    for part in qualname.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            return _ABSENT
    return found


def _encode_module(encoder: Encoder, value: ModuleType) -> nodes.AnyNode:
    if is_installed_module(value):
        return nodes.Named(value.__name__, "")
    if source_text_of(value) is not None:  # the client, too, imports it
        encoder.import_source(value.__name__)
        return nodes.Named(value.__name__, "")
    return encoder.user_module(value)


def _encode_builtin(encoder: Encoder, value: Any) -> nodes.AnyNode:
    owner = value.__self__
    if owner is None or isinstance(owner, ModuleType):
        named = encoder.names.of(value)
        if named is not None:
            return named
    return encoder.generic(value)


def _make_named(decoder: Decoder, node: nodes.Named) -> object:
    try:
        module = importlib.import_module(node.module)
    except ImportError as error:
        package = node.module.partition(".")[0]
        raise MissingPackageError(
            f"the package {package!r}, which {decoder.user_of(node)} needs, cannot be imported on "
            f"the workers ({error}); install it there, or do not use it in the block"
        ) from None
    except ValueError as error:
        raise ValueGraphError(f"{node.module!r} is no name of a module: {error}") from None
    if not node.qualname:
        return module
    found = _attribute(module, node.qualname)
    if found is _ABSENT:
        raise MissingPackageError(
            f"{node.module}.{node.qualname}, which {decoder.user_of(node)} needs, does not exist "
            f"on the workers; install the client's version of {node.module.partition('.')[0]!r}"
        )
    return found


ENCODERS: dict[type, Callable[[Encoder, Any], nodes.AnyNode]] = {
    ModuleType: _encode_module,
    BuiltinFunctionType: _encode_builtin,
    types.MethodWrapperType: lambda encoder, value: encoder.generic(value),
}
STEPS: dict[type, Steps] = {nodes.Named: Steps(_make_named)}
