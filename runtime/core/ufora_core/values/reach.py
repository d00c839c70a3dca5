"""Which global names, attributes of theirs, and imports a code object reaches.

Read from the byte code, nested code included: what the compiler settled needs no second opinion
about scopes. ``mod.a.b`` is reached as the chain ``("a", "b")`` of the name ``mod``, so that a
module can travel by the parts that are used; a name used by itself has the empty chain.
"""

from __future__ import annotations

import dis
import re
import weakref
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

Chain = tuple[str, ...]

_GLOBAL_READS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_GLOBAL_DELETES = frozenset({"DELETE_GLOBAL", "DELETE_NAME"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR"})
_SILENT = frozenset({"CACHE", "PUSH_NULL", "EXTENDED_ARG", "PRECALL"})

_DOTTED_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")

#: Builtins that see global names without naming them: whoever uses one may reach them all.
_SEE_EVERYTHING = frozenset({"globals", "eval", "exec", "vars", "locals", "dir"})


@dataclass(frozen=True, slots=True)
class Import:
    """An ``import`` statement: ``names`` are those after ``from ... import``."""

    module: str
    level: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What code reaches outside of itself."""

    names: dict[str, frozenset[Chain]]
    imports: tuple[Import, ...]

    @property
    def everything(self) -> bool:
        """Whether the code may reach global names that it does not spell."""
        return not _SEE_EVERYTHING.isdisjoint(self.names)


#: By identity, since code objects of different files may be equal.
_known: dict[int, tuple[weakref.ref[CodeType], Reach]] = {}


def reach_of(code: CodeType) -> Reach:
    """What ``code`` and the code nested in it reach; computed once for a code object."""
    key = id(code)
    known = _known.get(key)
    if known is not None and known[0]() is code:
        return known[1]
    names: defaultdict[str, set[Chain]] = defaultdict(set)
    imports: list[Import] = []
    for each in nested(code):
        _scan(each, names, imports)
    reach = Reach({name: frozenset(chains) for name, chains in names.items()}, tuple(imports))
    _known[key] = (weakref.ref(code, lambda _: _known.pop(key, None)), reach)
    return reach


def nested(code: CodeType) -> Iterator[CodeType]:
    """``code`` and every code object in it."""
    stack = [code]
    while stack:
        each = stack.pop()
        yield each
        stack.extend(const for const in each.co_consts if isinstance(const, CodeType))


def _scan_annotation(annotation: object, names: defaultdict[str, set[Chain]]) -> None:
    """A class body's annotation in text: ``dataclass`` and others look up what it names."""
    if isinstance(annotation, str):
        for dotted in _DOTTED_NAME.findall(annotation):
            name, *attributes = dotted.split(".")
            names[name].add(tuple(attributes))


def _scan(code: CodeType, names: defaultdict[str, set[Chain]], imports: list[Import]) -> None:
    chain: list[str] = []
    constants: list[object] = []
    for instruction in dis.get_instructions(code):
        operation, argument = instruction.opname, instruction.argval
        if operation in _SILENT:
            continue
        if operation in _ATTRIBUTES and chain:
            chain.append(argument)
            continue
        if chain:
            names[chain[0]].add(tuple(chain[1:]))
            chain = []
        if operation in _GLOBAL_READS:
            chain = [argument]
            if argument == "__annotations__" and constants:
                _scan_annotation(constants[-1], names)
        elif operation in _GLOBAL_DELETES:
            names[argument].add(())
        elif operation.startswith("LOAD_") and instruction.opcode in dis.hasconst:
            constants = [*constants[-1:], argument]
        elif operation == "IMPORT_NAME":
            level, wanted = constants
            assert isinstance(level, int)
            imports.append(Import(argument, level, tuple(wanted) if wanted else ()))  # type: ignore[arg-type]
