"""Reads and writes the variables of a running frame.

Of a module's frame the variables are its globals, of a class body's a dict: plain dicts both. A
function's are in its frame. Up to 3.12 ``f_locals`` is a copy of those, which
``PyFrame_LocalsToFast`` writes back; from 3.13 on it writes through. From 3.12 on neither deletes.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import inspect
import operator
import sys
from collections.abc import Iterable, Mapping
from types import CellType, CodeType, FrameType
from typing import Any

_MISSING = object()


def is_function(frame: FrameType) -> bool:
    """Whether the variables of this frame are a function's."""
    return bool(frame.f_code.co_flags & inspect.CO_OPTIMIZED)


def names_of(code: CodeType) -> frozenset[str]:
    """The local variables of a function, shared ones included."""
    return frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars))


def write(frame: FrameType, bound: Mapping[str, object], deleted: Iterable[str] = ()) -> None:
    """Binds and deletes names as the frame's own code would: its variables, or else globals.

    Names in ``deleted`` that have no value are passed over.
    """
    if is_function(frame):
        own = names_of(frame.f_code)
        variables = {name: value for name, value in bound.items() if name in own}
        frame.f_globals.update((name, bound[name]) for name in bound.keys() - own)
        for name in deleted:
            if name not in own:
                frame.f_globals.pop(name, None)
        _write_fast(frame, variables, [name for name in deleted if name in own])
    else:
        frame.f_locals.update(bound)
        for name in deleted:
            frame.f_locals.pop(name, None)


def _write_fast(frame: FrameType, bound: Mapping[str, object], deleted: Iterable[str]) -> None:
    variables: Any = frame.f_locals
    variables.update(bound)
    gone = [name for name in deleted if name in variables]
    if sys.version_info < (3, 12):
        for name in gone:
            del variables[name]
    if sys.version_info < (3, 13):
        clear = ctypes.c_int(sys.version_info < (3, 12))
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), clear)
    if sys.version_info >= (3, 12):
        for name in gone:
            _unbind(frame, name)
        _ = frame.f_locals  # 3.12: the copy there lets go of them as well


def is_variable(frame: FrameType, name: str, cell: CellType) -> bool:
    """Whether this cell is the frame's variable ``name``, and not one that looks the same.

    Frames do not show their cells. So the cell is changed for a moment to see whether the variable
    changes; all in one call of C code, so that no other thread can see it.
    """
    variables: Any = frame.f_locals
    before = variables.get(name, _MISSING)
    content = _content(cell)
    if content is not before:
        return False
    probe = object()
    if content is _MISSING:
        restore = functools.partial(delattr, cell, "cell_contents")
    else:
        restore = functools.partial(setattr, cell, "cell_contents", content)
    steps = (
        functools.partial(setattr, cell, "cell_contents", probe),
        functools.partial(getattr, frame, "f_locals"),  # up to 3.12: refreshes ``variables``
        functools.partial(variables.get, name),
        restore,
    )
    seen = tuple(map(operator.call, steps))
    _ = frame.f_locals  # up to 3.12: refreshes ``variables`` again
    return seen[2] is probe


def find_cell(frame: FrameType, name: str) -> CellType | None:
    """The cell that holds the frame's variable ``name``; None if there is none to be found."""
    for each in gc.get_objects():
        if type(each) is CellType and is_variable(frame, name, each):
            return each
    return None


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


# --------------------------------------------------------------------- deleting, from 3.12 on


_WORD = ctypes.sizeof(ctypes.c_void_p)


def _unbind(frame: FrameType, name: str) -> None:
    """Deletes a variable of a function's frame, which Python has no call for since 3.12.

    Raises RuntimeError, and changes nothing, if the frame is not laid out as in 3.12 and 3.13.
    """
    code = frame.f_code
    running = _word(id(frame) + 3 * _WORD)
    as_expected = (id(code), id(frame.f_globals), id(frame))
    if (_word(running), _word(running + 3 * _WORD), _word(running + 6 * _WORD)) != as_expected:
        raise RuntimeError(
            f"the block deleted {name!r}, and this Python ({sys.version}) has no way to delete a "
            "variable of a running function; assign None to it instead"
        )
    # The order of the variables in a frame: a parameter that is a cell is among the first.
    names = (
        *code.co_varnames,
        *(cell for cell in code.co_cellvars if cell not in code.co_varnames),
        *code.co_freevars,
    )
    slot = ctypes.py_object.from_address(running + (9 + names.index(name)) * _WORD)
    content = slot.value
    if isinstance(content, CellType) and content is not frame.f_locals[name]:
        del content.cell_contents
    else:
        ctypes.c_void_p.from_address(ctypes.addressof(slot)).value = None
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(content))


def _word(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0
