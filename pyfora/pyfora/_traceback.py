"""Tracebacks of exceptions that were raised elsewhere.

A traceback is made of frames, and the frames of a remote run are gone. The block's own entry gets
the client's real frame; each deeper one gets the frame of a tiny piece of code that failed at the
same place of the same file under the same name, so that Python prints what it would have printed.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from types import CodeType, FrameType, TracebackType

from ufora_core.program import Frame


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
        frame, instruction = _failed_at(each)
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
def _failed_at(place: Frame) -> tuple[FrameType, int]:
    """A frame that has ended at this place, and the offset of its last instruction."""
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    known = place.column >= 0 and start <= end
    line, column = start if known else (max(place.line, 1), 0)
    end_line, end_column = end if known else (line, 0)
    name = ast.Name(
        "_",
        ast.Load(),
        lineno=line,
        col_offset=column,
        end_lineno=end_line,
        end_col_offset=end_column,
    )
    module = ast.Module([ast.copy_location(ast.Expr(name), name)], [])
    code = compile(module, place.filename, "exec").replace(
        co_name=place.name, co_qualname=place.name
    )
    failed = _raised_by(code, place.name).tb_next
    assert failed is not None  # a name that nothing has was looked up
    return failed.tb_frame, failed.tb_lasti if known else -1


def _raised_by(code: CodeType, module: str) -> TracebackType:
    try:
        exec(code, {"__builtins__": {}, "__name__": module})
    except NameError as error:
        traceback = error.__traceback__
    assert traceback is not None
    return traceback
