"""Stops a frame at its next instruction, by ``sys.monitoring`` (from Python 3.12 on).

Code that holds a block is instrumented once, and each of its instructions reports once and is then
left alone, except for those that follow the entry of a ``with`` statement: a block in a loop costs
one callback. (A trace function would do as well, were its switch not one for all threads that run
the same code: 3.12 crashes, and 3.13 lets a body run.)
"""

from __future__ import annotations

import dis
import itertools
import sys
import threading
import weakref
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from pyfora._errors import PyforaError

#: Which tool ids are tried, those first that Python has no use for.
_IDS = (3, 4, 5, 2, 1, 0)

_lock = threading.Lock()
_tool: int | None = None
#: What is to be done when a frame goes on.
_actions: dict[FrameType, Callable[[], None]] = {}
#: Threads that were heard to call ``_probe``.
_heard: set[int] = set()
#: Offsets of the instructions after the entry of a ``with`` statement, by the id of the code.
_after_entries: dict[int, frozenset[int]] = {}


def stop_next(frame: FrameType, action: Callable[[], None]) -> bool:
    """Calls ``action``, once, before the next instruction of ``frame``, which is entering a
    ``with`` statement. What it raises is raised there.

    False if this thread is inside of a trace function, where nothing is monitored. Raises
    PyforaError if other tools have taken all that ``sys.monitoring`` has to give.
    """
    with _lock:
        if id(frame.f_code) not in _after_entries:
            _instrument(frame.f_code, frame.f_lasti)
    _probe()
    if threading.get_ident() not in _heard:
        return False
    _heard.discard(threading.get_ident())
    _actions[frame] = action
    return True


def forget(frame: FrameType) -> None:
    """Stops the frame no more."""
    _actions.pop(frame, None)


def _instrument(code: CodeType, entry: int) -> None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    key = id(code)
    tool = _tool_id(monitoring)
    _after_entries[key] = _followers(code, entry)
    weakref.finalize(code, _after_entries.pop, key, None).atexit = False
    monitoring.set_local_events(tool, code, monitoring.events.INSTRUCTION)


def _followers(code: CodeType, entry: int) -> frozenset[int]:
    """Where the code goes on after instructions like the one at ``entry``."""
    instructions = list(dis.get_instructions(code))
    kind = next(each.opcode for each in instructions if each.offset == entry)
    following = itertools.pairwise(instructions)
    return frozenset(after.offset for each, after in following if each.opcode == kind)


def _tool_id(monitoring: Any) -> int:
    global _tool
    if _tool is None:
        free = [number for number in _IDS if monitoring.get_tool(number) is None]
        if not free:
            raise PyforaError(
                "all tool ids of sys.monitoring are taken, so nothing keeps the block from running "
                "here; end one of the debuggers or profilers that took them"
            )
        _tool = free[0]
        monitoring.use_tool_id(_tool, "pyfora")
        monitoring.register_callback(_tool, monitoring.events.INSTRUCTION, _on_instruction)
        monitoring.register_callback(_tool, monitoring.events.PY_START, _on_start)
        monitoring.set_local_events(_tool, _probe.__code__, monitoring.events.PY_START)
    return _tool


def _probe() -> None:
    """Called to see whether this thread is monitored at all."""


def _on_start(_code: CodeType, _offset: int) -> None:
    _heard.add(threading.get_ident())


def _on_instruction(code: CodeType, offset: int) -> Any:
    action = _actions.pop(sys._getframe(1), None)
    if action is not None:
        action()
    if offset in _after_entries.get(id(code), ()):
        return None
    return sys.monitoring.DISABLE  # type: ignore[attr-defined,unused-ignore]
