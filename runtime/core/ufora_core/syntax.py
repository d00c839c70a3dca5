"""Text to syntax trees, one thread at a time.

CPython counts how deep it is in a tree that it makes in one place for all threads. It lets others
run meanwhile when the garbage collector does, and of two threads that make trees at once one then
gets "SystemError: AST constructor recursion depth mismatch".
"""

import ast
import threading

#: Re-entrant, since a finalizer that the garbage collector runs may parse too.
_one_at_a_time = threading.RLock()


def parse(text: str, filename: str = "<unknown>") -> ast.Module:
    """As ``ast.parse``, for code that runs in the user's threads or beside them."""
    with _one_at_a_time:
        return ast.parse(text, filename)
