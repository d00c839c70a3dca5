"""The source text that a running piece of code was compiled from.

Most code has it in ``linecache``: files, modules from archives, IPython cells, doctests, the REPL
from Python 3.13 on. Up to 3.12 the REPL keeps its statements nowhere but in readline's history, and
``python -c`` in the command line; what IPython times is in its history of cells. Such a text is
believed only if it compiles to the very code that runs. The same proof is asked of a file that was
changed after pyfora was imported.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
import time
from collections.abc import Iterator
from types import CodeType
from typing import Any

from pyfora._errors import CantGetSourceTextError
from ufora_core.syntax import parse

#: A file that is older than this cannot have changed since the code that runs was read from it.
_STARTED = time.time()
#: How many lines of the REPL's history are searched for a statement.
_HISTORY_LINES = 2000

_IN_A_FILE = (
    "Put the code into a file, or register its text in 'linecache.cache' under that file name "
    "before running it."
)


def text_of(code: CodeType, module_globals: dict[str, Any]) -> str:
    """The whole text that ``code`` is a part of; its line numbers are those of the code.

    Raises CantGetSourceTextError.
    """
    filename = code.co_filename
    linecache.checkcache(filename)
    lines = linecache.getlines(filename, module_globals)
    if lines:
        text = "".join(lines)
        _check_unchanged(code, text)
        return text
    for candidate in _typed(filename):
        if _compiles_to(candidate, filename, "single", code):
            return candidate
    for candidate in (*_given_on_command_line(filename), *_timed(filename)):
        if _compiles_to(candidate, filename, "exec", code):
            return candidate
    raise CantGetSourceTextError(
        f"The source text of {filename!r}, line {code.co_firstlineno}, is not to be found, so this "
        f"block cannot be sent to the cluster. {_IN_A_FILE}"
    )


def _check_unchanged(code: CodeType, text: str) -> None:
    filename = code.co_filename
    try:
        changed = os.stat(filename).st_mtime
    except (OSError, ValueError):
        return  # not a file: what linecache has for it was put there with the code
    rewritten = any(name.startswith("@py") for name in (*code.co_names, *code.co_varnames))
    if changed < _STARTED or rewritten or _compiles_to(text, filename, "exec", code):
        return
    raise CantGetSourceTextError(
        f"{filename} was changed after the code in it was loaded, so the text of this block is no "
        "longer known. Reload the module, or start the program again."
    )


def _compiles_to(text: str, filename: str, mode: str, code: CodeType) -> bool:
    try:
        compiled = compile(text, filename, mode, dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return any(each == code for each in _nested(compiled))


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


# --------------------------------------------------------------------- where no file is


def _given_on_command_line(filename: str) -> Iterator[str]:
    """The text of ``python -c text``."""
    if filename == "<string>" and "-c" in sys.orig_argv[:-1]:
        yield sys.orig_argv[sys.orig_argv.index("-c") + 1]


def _timed(filename: str) -> Iterator[str]:
    """What IPython's ``%time`` and ``%%time`` run: a part of the newest cell."""
    notebook = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if filename != "<timed exec>" or notebook is None:
        return
    cell = str(notebook.history_manager.input_hist_raw[-1])
    text = cell.partition("\n")[2]
    yield text
    with contextlib.suppress(SyntaxError):
        # The value of the last expression is shown, so that is compiled apart.
        last = parse(text).body[-1:]
        yield from ("".join(text.splitlines(True)[: each.lineno - 1]) for each in last)
    for line in cell.splitlines():
        yield line.partition("%time ")[2]


def _typed(filename: str) -> Iterator[str]:
    """Statements typed at the REPL, the last one first, as far back as the history goes."""
    readline = sys.modules.get("readline")
    if filename != "<stdin>" or readline is None:
        return
    length = readline.get_current_history_length()
    lines = [
        readline.get_history_item(number) or ""
        for number in range(max(1, length - _HISTORY_LINES), length + 1)
    ]
    ends = [len(lines)]
    for start in range(len(lines) - 1, -1, -1):
        # The blank line that ends a statement is not in the history: a statement may end where
        # any line begins that is not indented.
        if lines[start][:1].isspace():
            continue
        for end in ends[-1:-9:-1]:
            yield "\n".join(lines[start:end]) + "\n\n"
        ends.append(start)
