"""Under which name a function or class of a library is known."""

import sys
from types import BuiltinFunctionType, FunctionType

from ufora_core.compiler.effects.classes import numpy_functions
from ufora_core.compiler.effects.frames import BUILTINS


def qualified_name(target: object) -> str | None:
    """``module.name`` of a function or class of a library; None unless it is the very object that
    can be found there (a user's function may call itself anything)."""
    owner = getattr(target, "__self__", None) if type(target) is BuiltinFunctionType else None
    if owner is not None and issubclass(type(owner), type):
        inner = qualified_name(owner)
        return None if inner is None else f"{inner}.{target.__name__}"  # type: ignore[attr-defined]
    cls = type(target)
    if cls not in _NAMED and cls not in numpy_functions() and not issubclass(cls, type):
        return None
    name = getattr(target, "__qualname__", None) or target.__name__  # type: ignore[attr-defined]
    # Static methods of built-in classes and functions of NumPy's do not say where they are.
    elsewhere = "builtins" if isinstance(name, str) and "." in name else "numpy"
    module_name = getattr(target, "__module__", None) or elsewhere
    if not isinstance(module_name, str) or not isinstance(name, str):
        return None
    found: object = sys.modules.get(module_name)
    names = BUILTINS if module_name == "builtins" else getattr(found, "__dict__", {})
    for part in name.split("."):
        found = names.get(part)
        found = found.__func__ if type(found) is staticmethod else found
        names = getattr(found, "__dict__", {}) if issubclass(type(found), type) else {}
    return f"{module_name.removeprefix('_')}.{name}" if found is target else None


_NAMED = (FunctionType, BuiltinFunctionType)
