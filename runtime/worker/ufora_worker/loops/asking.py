"""The code of a job that asks its engine, and the sites in it."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import CodeType, FunctionType

from ufora_core.compiler.for_loops.statement import Sequential
from ufora_core.compiler.sites.calls import Definition, definitions_in, worthwhile
from ufora_core.compiler.sites.rewriting import Site, rewrite, rewrite_items
from ufora_core.compiler.sites.slices import slice_code
from ufora_core.compiler.trees import clone
from ufora_core.program import Block
from ufora_core.values.nodes import AnyNode, Source
from ufora_worker.executor.chronicle import Chronicle
from ufora_worker.executor.program_code import definitions_in_graph, rewritten
from ufora_worker.loops.gates import Gates, keep_gates_of
from ufora_worker.loops.ranges import ItemSource, SliceCall


@dataclass(slots=True)
class _Numbers:
    """The number of the next site. Each has its own for as long as the process lives, so code of
    another program that runs late finds no site of this one."""

    next: int = 0


_numbers = _Numbers()


@dataclass(slots=True)
class AskingCode:
    """Makes code of a program that asks one engine, with a gate for each of its sites."""

    gates: Gates
    #: Learns of functions, and of statements that are no sites.
    chronicle: Chronicle
    _sites: dict[int, Site] = field(default_factory=dict, init=False)
    #: Names of functions whose calls may take long.
    _slow: frozenset[str] = field(default=frozenset(), init=False)
    #: Code of slices that contain sites; None for those that contain none.
    _inside: dict[object, CodeType | None] = field(default_factory=dict, init=False)
    #: Code of the functions that came with the program.
    _codes: dict[Source, CodeType] = field(default_factory=dict, init=False)

    def rewrite_block(self, tree: ast.Module, block: Block) -> None:
        """Make the sites of a block ask this engine."""
        self._learn(definitions_in(tree))
        refused: list[Sequential] = []
        first, slow = _numbers.next, self._slow
        self._add(rewrite(tree, first=first, mangle=block.mangle, slow=slow, refused=refused))
        self.chronicle.refused(block.filename, "", refused)

    def look_at(self, nodes: Iterable[AnyNode]) -> None:
        """The functions that come with the program tell which calls may take long; to be called
        before anything is rewritten."""
        self._learn(definitions_in_graph(nodes))

    def code_of(self, source: Source) -> CodeType:
        """The code of a function that came with the program; its sites ask this engine.

        The function still counts as what its source says: it travels on as it came.

        Raises:
            ValueGraphError: it cannot be compiled.
        """
        if source not in self._codes:
            first, note = _numbers.next, self.chronicle.refused
            code, found = rewritten(source, first, self._slow, note)
            self._add(found)
            keep_gates_of(code)
            self._codes[source] = code
        return self._codes[source]

    def site(self, index: int) -> Site:
        """The site of this number."""
        return self._sites[index]

    def divided(self, body: SliceCall) -> SliceCall:
        """``body``, with the sites that it contains made to ask this engine."""
        source = body.source
        if source is None or source.site.loop is not None:
            return body
        key = (source.site.index, source.site.line, source.site.column, tuple(source.names))
        if key not in self._inside:
            self._inside[key] = self._sites_inside(source)
        code = self._inside[key]
        if code is None:
            return body
        return replace(body, divided=FunctionType(code, body.function.__globals__))

    def _learn(self, definitions: Sequence[Definition]) -> None:
        self._slow |= worthwhile(definitions)
        self.chronicle.defined(definitions)

    def _add(self, found: Sequence[Site]) -> None:
        for site in found:
            self._sites[site.index] = site
            self.gates.add(site.index)
        _numbers.next += len(found)

    def _sites_inside(self, source: ItemSource) -> CodeType | None:
        site = source.site
        comprehension = clone(site.comprehension)
        found = rewrite_items(
            comprehension, first=_numbers.next, mangle=site.mangle, slow=self._slow
        )
        if not found:
            return None
        self._add(found)
        asking = replace(site, comprehension=comprehension)
        code = slice_code(asking, source.filename, source.names, place=source.place)
        keep_gates_of(code)
        return code
