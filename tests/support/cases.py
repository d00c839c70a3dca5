"""Text cases: a file of ``[case name]``, some source, ``[out]``, and what must come out of it.

``pytest --update-cases`` writes what comes out now into the file, for a reviewer to read in the
diff.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_HEADER = re.compile(r"^\[case (?P<name>[^\]]+)\]$", re.MULTILINE)
_OUT = "\n[out]\n"


@dataclass(frozen=True)
class Case:
    """One case of a file."""

    path: Path
    name: str
    source: str
    out: str

    def check(self, got: str, *, update: bool) -> None:
        """Compare what came out with what is written down, or write it down.

        Raises:
            AssertionError: they differ.
        """
        got = got.strip("\n")
        if update:
            _write(self.path, self.name, got)
            return
        assert got == self.out, f"case {self.name!r} of {self.path.name} gives something else"


def load(path: Path) -> list[Case]:
    """The cases of a file, in order.

    Raises:
        ValueError: two cases have the same name, or one has no ``[out]``.
    """
    cases = [_parse(path, name, body) for name, body in _split(path.read_text("utf-8"))]
    names = [case.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path.name} has two cases called {name!r}: rename one")
    return cases


def _split(text: str) -> list[tuple[str, str]]:
    _, *parts = _HEADER.split(text)
    return list(zip(parts[::2], parts[1::2], strict=True))


def _parse(path: Path, name: str, body: str) -> Case:
    source, separator, out = body.partition(_OUT)
    if not separator:
        raise ValueError(f"case {name!r} of {path.name} has no [out] line")
    return Case(path, name, source.strip("\n") + "\n", out.strip("\n"))


def _write(path: Path, name: str, got: str) -> None:
    text = path.read_text("utf-8")
    cases = [
        f"[case {case.name}]\n{case.source}[out]\n{got if case.name == name else case.out}\n"
        for case in load(path)
    ]
    head = text[: text.index("[case ")]
    path.write_text(head + "\n".join(cases), "utf-8")
