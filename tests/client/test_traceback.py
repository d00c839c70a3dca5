import contextlib
import linecache
import traceback

import pytest

from local_engine import LocalEngine
from pyfora import _traceback
from registered import run
from ufora_core.program import Frame

#: Each is run with a plain context manager and with a remote block in the place of HEADER.
PROGRAMS = {
    "the block itself": """
        with HEADER:
            x = 1
            y = (x
                 + undefined)
    """,
    "one line": """
        with HEADER: x = 1; y = x.missing
    """,
    "functions below it": """
        def outer(x): return [inner(y) for y in x]
        def inner(y):
            return 1 / y if y else (
                2 // y)

        with HEADER:
            z = outer([1, 0])
    """,
    "a function around it": """
        def helper(value):
            raise ValueError("bad", value)
        def main(x):
            with HEADER:
                y = x
                helper(y)
        main(3)
    """,
    "a method": """
        class Account:
            def __init__(self): self.__money = 1
            def take(self, amount):
                if amount > self.__money:
                    raise RuntimeError(f"only {self.__money}")
            def spend(self):
                with HEADER:
                    self.take(2)
        Account().spend()
    """,
    "recursion": """
        def down(n):
            return down(n - 1) if n else [][n]
        with HEADER:
            down(8)
    """,
    "a cause": """
        def parse(text):
            try:
                return int(text)
            except ValueError as error:
                raise KeyError(text) from error
        with HEADER:
            parse("x")
    """,
    "a context": """
        def clean(x):
            raise TypeError("unclean")
        with HEADER:
            try:
                x = 1
                x / 0
            finally:
                clean(x)
    """,
    "a hidden context": """
        with HEADER:
            try:
                {}[1]
            except KeyError:
                raise LookupError("gone") from None
    """,
    "in a handler": """
        def main():
            try:
                [].pop()
            except IndexError:
                with HEADER:
                    try:
                        {}[1]
                    except KeyError:
                        1 / 0
        main()
    """,
    "in a handler, without a context of its own": """
        try:
            [].pop()
        except IndexError:
            with HEADER:
                int("x")
    """,
    "notes": """
        with HEADER:
            try:
                int("x")
            except ValueError as error:
                error.add_note("while reading")
                raise
    """,
    "wide characters": """
        with HEADER:
            é = "é" * 3 + ("ü" + 1)
    """,
    "a class of its own": """
        class Mine(Exception):
            def __str__(self): return f"<{self.args}>"
        with HEADER:
            raise Mine(1,
                       2)
    """,
    "a function that the block defines": """
        with HEADER:
            def local(x):
                return x.upper()
            local(3)
    """,
    "a loop": """
        with HEADER:
            for i in range(3):
                if i == 2:
                    assert i < 2, "too large"
    """,
    "a system exit": """
        with HEADER:
            raise SystemExit(3)
    """,
    "a group": """
        with HEADER:
            raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
    """,
}


def _text_of(text: str, header: str, cluster: LocalEngine) -> str:
    try:
        run(text.replace("HEADER", header), "<program>", c=cluster, here=contextlib.nullcontext)
    except BaseException as error:
        lines = traceback.format_exception(error)
    return "".join(lines)


@pytest.mark.parametrize("program", PROGRAMS)
def test_tracebacks_are_those_of_a_local_run(program: str) -> None:
    cluster = LocalEngine()
    text = PROGRAMS[program]
    # Names of the same length, since an error in a one-line block has its header in the text.
    local = _text_of(text, "here()                   ", cluster)
    remote = _text_of(text, "c.remotely.downloadAll() ", cluster)
    assert remote == local.replace("here()                   ", "c.remotely.downloadAll() ")
    assert cluster.blocks


def test_a_frame_without_columns_has_no_carets() -> None:
    linecache.cache["<shown>"] = (9, None, ["x = a + b\n"], "<shown>")
    entry = _traceback.inside([Frame("<shown>", 1, "f")])
    assert "".join(traceback.format_tb(entry)) == '  File "<shown>", line 1, in f\n    x = a + b\n'


def test_nonsense_positions_do_no_harm() -> None:
    frames = [
        Frame("<x>", 0, "f", -5, 3, 1),
        Frame("<x>", 7, "g", 2, 0, 0),
        Frame("<x>", 1, "h", 1),
    ]
    assert len(traceback.extract_tb(_traceback.inside(frames))) == 3


def test_the_frames_of_a_traceback_hold_nothing_else() -> None:
    """Neither this frame nor any between: they have captured values in them."""
    entry = _traceback.inside([Frame("<x>", 1, "f", 1, 0, 3)])
    assert entry is not None
    assert entry.tb_frame.f_back is None
    assert entry.tb_frame.f_locals == {}
