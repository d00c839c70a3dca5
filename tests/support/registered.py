"""Runs text as if it stood in a file, or in a notebook's cell."""

import linecache
import textwrap
from typing import Any


def run(text: str, filename: str = "<cell>", **variables: Any) -> dict[str, Any]:
    """Executes ``text``, known to ``linecache`` under ``filename``; gives its global names."""
    text = textwrap.dedent(text)
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace = {"__name__": "__main__", **variables}
    exec(compile(text, filename, "exec", dont_inherit=True), namespace)
    return namespace
