"""The filters of ``warnings`` as plain data: categories by name, patterns by their text."""

import re
import sys
from typing import Any

#: A pattern's text and flags; or the text of a whole name; or None.
_Pattern = Any


def read(warnings: Any) -> list[Any]:
    """The filters of this process."""
    return [
        [action, _text(message), [category.__module__, category.__qualname__], _text(module), line]
        for action, message, category, module, line in warnings.filters
    ]


def write(warnings: Any, filters: list[Any]) -> None:
    """Set the filters, but those of categories that nobody has imported here: there can be no such
    warnings."""
    made = [_filter(*each) for each in filters]
    with warnings.catch_warnings():
        pass  # Python forgets what it has warned of by the filters before
    warnings.filters[:] = [each for each in made if each is not None]


def _filter(
    action: str, message: _Pattern, category: list[str], module: _Pattern, line: int
) -> tuple[Any, ...] | None:
    found = getattr(sys.modules.get(category[0]), category[1], None)
    if not (isinstance(found, type) and issubclass(found, Warning)):
        return None
    return action, _pattern(message), found, _pattern(module), line


def _text(pattern: Any) -> _Pattern:
    return [pattern.pattern, pattern.flags] if isinstance(pattern, re.Pattern) else pattern


def _pattern(text: _Pattern) -> Any:
    return re.compile(*text) if isinstance(text, list) else text
