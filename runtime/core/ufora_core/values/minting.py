"""Functions made of code, as a ``def`` statement makes them.

``types.FunctionType`` makes functions whose calls CPython 3.13 never specialises, and neither those
of a function whose ``__code__`` was set: measured, ``fib`` is 29 % slower. Only the instruction
that a ``def`` statement is compiled to makes functions of full speed. So that is what runs here,
in a function that has the cells of the one to be made.
"""

import functools
from collections.abc import Mapping
from types import CellType, CodeType, FunctionType
from typing import Any


def function_of(
    code: CodeType, namespace: dict[str, Any], name: str, cells: Mapping[str, CellType]
) -> FunctionType:
    """A function with this code; ``cells`` has those of its free variables, by name."""
    maker = _maker(code.co_freevars)
    consts = (code if isinstance(each, CodeType) else each for each in maker.co_consts)
    closure = tuple(cells[each] for each in maker.co_freevars)
    make = FunctionType(maker.replace(co_consts=tuple(consts)), namespace, closure=closure or None)
    function: FunctionType = make()
    function.__name__ = name
    return function


@functools.lru_cache(maxsize=256)
def _maker(variables: tuple[str, ...]) -> CodeType:
    """The code of a function that makes a function with these free variables."""
    text = f"""
def factory({", ".join(variables)}):
    def make():
        def made():
            return ({"".join(f"{each}, " for each in variables)})
        return made
    return make
"""
    return _only_code(_only_code(compile(text, __file__, "exec", dont_inherit=True)))


def _only_code(code: CodeType) -> CodeType:
    (found,) = (each for each in code.co_consts if isinstance(each, CodeType))
    return found
