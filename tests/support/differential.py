"""Runs small blocks here and on a cluster, and says where the two runs differ.

Cases are text: files by topic, in which each case has a name in brackets, perhaps set-up code, a
line ``--- block`` and the body of the block, and perhaps ``--- after`` and what the client does
with what it got. One source is made of a case and run twice, each time
in a fresh module: on the cluster, and with a stand-in for it whose blocks run where they stand.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import linecache
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from canonical import canonical

_NAME = re.compile(r"\[(?P<name>[^\[\]]+)\]")
_BLOCK, _AFTER = "--- block", "--- after"
#: The module that a case is.
_MODULE = "case"
#: So many places of a recursion without end are its beginning: the block, a loop, the first calls.
_FIRST = 5
#: Names that the runs put into it, and that no case may use.
_CLUSTER, _LOCALS = "cluster", "_locals_at_the_end"


class Scope(Enum):
    """Where the block of a case stands, which decides what its names are."""

    #: Set-up and block at the top of the module: all names are globals.
    MODULE = "in-module"
    #: The block in a function: what the set-up made are globals, what the block makes are locals.
    FUNCTION = "in-function"
    #: Both in a function: all names are locals, and functions of the set-up share them.
    CLOSURE = "in-closure"


@dataclass(frozen=True)
class Case:
    """One block, with what it finds."""

    topic: str
    name: str
    setup: str
    block: str
    after: str = ""

    def source(self, scope: Scope) -> str:
        """The text of the module; its block stands in the same line in every run."""
        remote = f"with {_CLUSTER}.remotely.downloadAll():\n" + _indented(self.block) + self.after
        if scope is Scope.MODULE:
            return self.setup + remote
        inside = remote if scope is Scope.FUNCTION else self.setup + remote
        around = "def around():\n    try:\n"
        end = f"    finally:\n        {_LOCALS}.update(locals())\n\n\naround()\n"
        before = self.setup + "\n\n" if scope is Scope.FUNCTION else ""
        return before + around + _indented(_indented(inside)) + end


class RemoteBlocks(Protocol):
    """``cluster.remotely``, as far as the cases use it."""

    def downloadAll(self) -> contextlib.AbstractContextManager[object]: ...  # noqa: N802


class Blocks(Protocol):
    """A cluster, or what stands in for one."""

    @property
    def remotely(self) -> RemoteBlocks: ...


class Here:
    """Stands in for a cluster: the bodies of its blocks run where they stand."""

    @property
    def remotely(self) -> Here:
        return self

    def downloadAll(self) -> contextlib.AbstractContextManager[None]:  # noqa: N802
        return contextlib.nullcontext()


def cases(folder: Path) -> list[Case]:
    """The cases of all files of the folder. Raises ValueError for a file that cannot be read."""
    return [
        case
        for file in sorted(folder.glob("*.txt"))
        for case in parse(file.stem, file.read_text(encoding="utf-8"))
    ]


def parse(topic: str, text: str) -> list[Case]:
    """The cases of one file. Raises ValueError for text that is no list of cases."""
    bodies: dict[str, list[str]] = {}
    for line in text.splitlines():
        title = _NAME.fullmatch(line)
        if title is not None:
            if title["name"] in bodies:
                raise ValueError(f"{topic}: two cases are called {title['name']!r}")
            body = bodies[title["name"]] = []
        elif bodies:
            body.append(line)
        elif line and not line.startswith("#"):
            raise ValueError(f"{topic}: {line!r} stands before the first case")
    return [_case(topic, name, lines) for name, lines in bodies.items()]


def _case(topic: str, name: str, lines: list[str]) -> Case:
    marks = [line for line in lines if line in (_BLOCK, _AFTER)]
    if marks not in ([_BLOCK], [_BLOCK, _AFTER]):
        raise ValueError(f"{topic}: {name!r} needs one line {_BLOCK!r} and at most one {_AFTER!r}")
    start = lines.index(_BLOCK)
    end = lines.index(_AFTER) if _AFTER in lines else len(lines)
    parts = lines[:start], lines[start + 1 : end], lines[end + 1 :]
    return Case(topic, name, *map(_text, parts))


def run(case: Case, scope: Scope, cluster: Blocks) -> dict[str, str]:
    """All that the case leaves behind, in canonical form: path of each part -> what it is.

    That is the values of all names with their types and identities, the exception with its
    traceback through the case's own lines, and what was printed.
    """
    filename = f"<{case.topic}: {case.name}, {scope.value}>"
    source = case.source(scope)
    module = types.ModuleType(_MODULE)
    local_names: dict[str, object] = {}
    vars(module).update({_CLUSTER: cluster, _LOCALS: local_names})
    printed = io.StringIO()
    raised: BaseException | None = None
    with _imported(module), _readable(filename, source), contextlib.redirect_stdout(printed):
        try:
            exec(compile(source, filename, "exec", dont_inherit=True), vars(module))
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__module__ != _MODULE:
                raise  # it is not the case's: Ctrl-C, a time-out
            raised = error
        left = {"printed": printed.getvalue(), "raised": raised, **_traces(raised, filename)}
        left |= {name: value for name, value in vars(module).items() if not _is_hidden(name)}
        left |= {f"{name} in around": value for name, value in local_names.items()}
        return canonical(left, vars(module))


def differences(here: dict[str, str], there: dict[str, str]) -> list[str]:
    """What is not the same after two runs, a line for each part, those of exceptions first."""
    nothing = "nothing"
    paths = [path for path in {**here, **there} if here.get(path) != there.get(path)]
    return [
        f"{path}: {here.get(path, nothing)} here, {there.get(path, nothing)} there"
        for path in sorted(paths, key=lambda path: (not path.startswith("raised"), path))
    ]


def _indented(code: str) -> str:
    return textwrap.indent(code, "    ")


def _text(lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return text and text + "\n"


def _is_hidden(name: str) -> bool:
    return name in (_CLUSTER, _LOCALS, "around") or re.fullmatch("__.*__", name) is not None


@contextlib.contextmanager
def _imported(module: types.ModuleType) -> Iterator[None]:
    """The classes of a module that is being run are looked for in it, by its name."""
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]


@contextlib.contextmanager
def _readable(filename: str, source: str) -> Iterator[None]:
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    try:
        yield
    finally:
        del linecache.cache[filename]


def _traces(error: BaseException | None, filename: str) -> dict[str, object]:
    """Where the exception, its cause and its context passed through the case's own lines."""
    found: dict[str, object] = {}
    pending = [("raised", error)]
    seen: set[int] = set()
    while pending:
        path, each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        places = list(_places(each.__traceback__, filename))
        # How often a recursion without end comes back depends on the room that there is.
        found[f"{path} at"] = places[:_FIRST] if isinstance(each, RecursionError) else places
        pending += [(f"{path}.__cause__", each.__cause__)]
        pending += [(f"{path}.__context__", each.__context__)]
    return found


def _places(traceback: types.TracebackType | None, filename: str) -> Iterator[tuple[object, ...]]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == filename:
            yield code.co_name, traceback.tb_lineno, *_columns(traceback)
        traceback = traceback.tb_next


def _columns(traceback: types.TracebackType) -> tuple[int | None, ...]:
    """Of the expression that the traceback points at: end line, first and last column."""
    if traceback.tb_lasti < 0:
        return ()  # only the line is known
    positions = traceback.tb_frame.f_code.co_positions()
    return next(itertools.islice(positions, traceback.tb_lasti // 2, None))[1:]
