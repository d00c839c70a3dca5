"""Tracebacks of exceptions that were raised elsewhere.

A traceback is made of frames, and the frames of a remote run are gone. The block's own entry gets
the client's real frame; each deeper one gets the frame of a tiny piece of code at the same place of
the same file under the same name, so that Python prints what it would have printed.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from types import CodeType, FrameType, FunctionType, TracebackType

from ufora_core.program import Frame
from ufora_core.syntax import parse


def around_block(frames: Sequence[Frame], user: FrameType, first_line: int) -> TracebackType:
    """The traceback of an exception that left a block of the frame ``user``.

    ``frames`` run from the block inwards; without any, it is the block's first line that failed.
    """
    inner = inside(frames[1:])
    if not frames:
        return TracebackType(inner, user, -1, first_line)
    return TracebackType(inner, user, _instruction_at(user.f_code, frames[0]), frames[0].line)


def inside(frames: Sequence[Frame]) -> TracebackType | None:
    """The traceback of frames of which none is here."""
    traceback = None
    for each in reversed(frames):
        frame, instruction = _frame_at(each)
        traceback = TracebackType(traceback, frame, instruction, each.line)
    return traceback


def _instruction_at(code: CodeType, place: Frame) -> int:
    """The offset of an instruction that has this position; -1 (the line is known) when none has."""
    wanted = (place.line, place.end_line, place.column, place.end_column)
    for index, position in enumerate(code.co_positions()):
        if position == wanted:
            return 2 * index
    return -1


@lru_cache(maxsize=1024)
def _frame_at(place: Frame) -> tuple[FrameType, int]:
    """A frame of the place's file and name, and the offset in it of an instruction that has its
    position (or -1).

    It is a generator's that never ran: such a frame has no other frames behind it.
    """
    module = parse("def frame():\n yield _")
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    if place.column < 0 or start > end:
        start = end = (max(place.line, 1), 0)
    for node in ast.walk(module):
        if isinstance(node, ast.stmt | ast.expr):
            node.lineno, node.col_offset = start
            node.end_lineno, node.end_col_offset = end
    (code,) = (
        constant
        for constant in compile(module, place.filename, "exec").co_consts
        if isinstance(constant, CodeType)
    )
    code = code.replace(co_name=place.name, co_qualname=place.name)
    generator = FunctionType(code, {"__name__": place.name})()
    return generator.gi_frame, _instruction_at(code, place)
