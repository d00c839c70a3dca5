import ast
import doctest
import os
import pty
import select
import subprocess
import sys
import types
from pathlib import Path

import pytest

from local_engine import LocalEngine
from pyfora import _source
from pyfora._errors import CantGetSourceTextError

SUPPORT = str(Path(__file__).parent.parent / "support")
SETUP = f"import sys; sys.path.append({SUPPORT!r}); from local_engine import LocalEngine; "
SETUP += "c = LocalEngine()"
SECONDS = 30


def _run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], input=text, capture_output=True, text=True, timeout=SECONDS
    )


class Terminal:
    """Python's own prompt in a terminal."""

    def __init__(self, terminal: str) -> None:
        self._end, other = pty.openpty()
        environment = {**os.environ, "TERM": terminal, "PYTHON_HISTORY": os.devnull}
        self._process = subprocess.Popen(
            [sys.executable, "-i", "-q"], stdin=other, stdout=other, stderr=other, env=environment
        )
        os.close(other)

    def until(self, mark: str) -> str:
        """What appears up to ``mark``."""
        seen = ""
        while mark not in seen:
            assert select.select([self._end], [], [], SECONDS)[0], seen
            seen += os.read(self._end, 4096).decode(errors="replace")
        return seen

    def type(self, line: str) -> None:
        os.write(self._end, (line + "\n").encode())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._end)


@pytest.mark.parametrize("terminal", ["dumb", "xterm"])
def test_a_block_typed_at_the_prompt(terminal: str) -> None:
    prompt = Terminal(terminal)
    try:
        prompt.until(">>> ")
        prompt.type(SETUP)
        prompt.until(">>> ")
        prompt.type("x = 6")
        prompt.until(">>> ")
        prompt.type("with c.remotely.downloadAll(): y = x * 7")
        prompt.until("... ")
        prompt.type("")
        prompt.until(">>> ")
        prompt.type("print('<', y, '>', sep='')")
        prompt.until("<42>")
    finally:
        prompt.close()


def test_a_function_typed_at_the_prompt_in_several_lines() -> None:
    prompt = Terminal("dumb")
    try:
        prompt.until(">>> ")
        prompt.type(SETUP)
        prompt.until(">>> ")
        for line in [
            "def main(x):",
            "    if x:",
            "        with c.remotely.downloadAll():",
            "            y = x * 7",
            "    else:",
            "        y = 0",
            "    return y",
        ]:
            prompt.type(line)
            prompt.until("... ")
        prompt.type("")
        prompt.until(">>> ")
        prompt.type("z = 1")
        prompt.until(">>> ")
        prompt.type("print('<', main(6), '>', sep='')")
        prompt.until("<42>")
    finally:
        prompt.close()


def test_a_block_in_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"{SETUP}\nwith c.remotely.downloadAll():\n    x = 6 * 7\nprint(x)\n")
    done = _run(str(script))
    assert (done.stdout, done.stderr) == ("42\n", "")


def test_a_block_on_the_command_line() -> None:
    done = _run("-c", f"{SETUP}\nwith c.remotely.downloadAll():\n    x = 6 * 7\nprint(x)")
    assert (done.stdout, done.stderr) == ("42\n", "")


def test_a_program_from_standard_input_has_no_source() -> None:
    done = _run("-", text=f"{SETUP}\nwith c.remotely.downloadAll():\n    x = 6 * 7\n")
    assert "CantGetSourceTextError: The source text of '<stdin>'" in done.stderr
    assert "Put the code into a file" in done.stderr


def test_a_block_in_an_interactive_cell() -> None:
    """As IPython runs cells: each known to linecache under a name of its own."""
    program = f"""
{SETUP}
import linecache
def cell(number, text):
    name = f"<ipython-input-{{number}}-0123456789ab>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), globals())
cell(1, "x = 6")
cell(2, "with c.remotely.downloadAll():\\n    y = x * 7")
cell(3, "print(y)")
"""
    done = _run("-c", program)
    assert (done.stdout, done.stderr) == ("42\n", "")


def test_a_block_in_a_doctest() -> None:
    text = """
    >>> x = 6
    >>> with c.remotely.downloadAll():
    ...     y = x * 7
    >>> y
    42
    """
    parsed = doctest.DocTestParser().get_doctest(text, {"c": LocalEngine()}, "example", None, 0)
    said: list[str] = []
    results = doctest.DocTestRunner().run(parsed, out=said.append)
    assert results.failed == 0, "".join(said)


def test_a_block_in_a_module_from_an_archive(tmp_path: Path) -> None:
    import zipfile

    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(
            "zipped.py",
            "def main(c):\n    with c.remotely.downloadAll():\n        x = 42\n    return x\n",
        )
    done = _run(
        "-c", f"{SETUP}\nsys.path.insert(0, {str(archive)!r})\nimport zipped\nprint(zipped.main(c))"
    )
    assert (done.stdout, done.stderr) == ("42\n", "")


# --------------------------------------------------------------------- files that change


def _load(path: Path, text: str) -> types.ModuleType:
    path.write_text(text)
    module = types.ModuleType("changing")
    exec(compile(text, str(path), "exec", dont_inherit=True), module.__dict__)
    return module


BEFORE = "def main(c):\n    with c.remotely.downloadAll():\n        x = 1\n    return x\n"


def test_a_file_that_changed_since_it_was_loaded_is_not_believed(tmp_path: Path) -> None:
    module = _load(tmp_path / "changing.py", BEFORE)
    (tmp_path / "changing.py").write_text(BEFORE.replace("x = 1", "x = 2"))
    with pytest.raises(CantGetSourceTextError, match="was changed after"):
        module.main(LocalEngine())


def test_a_file_that_was_written_meanwhile_but_is_the_same_is_fine(tmp_path: Path) -> None:
    module = _load(tmp_path / "changing.py", BEFORE)
    assert module.main(LocalEngine()) == 1


def test_a_file_may_change_once_its_block_is_known(tmp_path: Path) -> None:
    module = _load(tmp_path / "changing.py", BEFORE)
    assert module.main(LocalEngine()) == 1
    (tmp_path / "changing.py").write_text("nonsense (")
    assert module.main(LocalEngine()) == 1


def test_an_old_file_is_believed_without_compiling_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = _load(tmp_path / "changing.py", BEFORE)
    monkeypatch.setattr(_source, "_STARTED", os.stat(tmp_path / "changing.py").st_mtime + 1)
    monkeypatch.setattr(_source, "_compiles_to", None)
    assert module.main(LocalEngine()) == 1


# --------------------------------------------------------------------- IPython's %time


class _Notebook:
    """As much of IPython as keeps the text of cells."""

    def __init__(self, cell: str) -> None:
        self.history_manager = self
        self.input_hist_raw = ["", "an older cell", cell]


@pytest.mark.parametrize(
    ("cell", "compiled"),
    [
        ("%%time\nwith c.remotely.downloadAll():\n    x = 42\n", None),
        ("%time with c.remotely.downloadAll(): x = 42", None),
        ("%%time\nwith c.remotely.downloadAll():\n    x = 42\nx", 1),
    ],
)
def test_a_timed_block(cell: str, compiled: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = types.ModuleType("IPython")
    vars(notebook)["get_ipython"] = lambda: _Notebook(cell)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    text = cell.removeprefix("%%time\n").removeprefix("%time ")
    tree = ast.parse(text)
    tree.body = tree.body[:compiled]  # the value of a last expression is evaluated apart
    variables = {"c": LocalEngine(), "x": 0}
    exec(compile(tree, "<timed exec>", "exec"), variables)
    assert variables["x"] == 42


def test_a_cell_that_is_not_the_one_that_runs_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook = types.ModuleType("IPython")
    vars(notebook)["get_ipython"] = lambda: _Notebook("%time with c.remotely: x = 2")
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    with pytest.raises(CantGetSourceTextError):
        exec(compile("with c.remotely: x = 1", "<timed exec>", "exec"), {"c": LocalEngine()})
