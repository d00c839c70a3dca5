"""Turns the frame at a ``with`` statement into a ``Program``.

Only what the block names travels, with all that this reaches. Nothing is refused here: a value that
cannot travel becomes a placeholder, and only a block that touches it fails.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, FunctionType
from typing import Any

import msgspec

from pyfora import _variables
from pyfora._futures import Future
from pyfora._statement import FUTURES, Statement
from ufora_core import ambient
from ufora_core.program import Block, Download, Program
from ufora_core.store import Buffer
from ufora_core.values.encode import CaptureScope, Encoder
from ufora_core.values.nodes import Function, Graph, Item, Namespace, Ref
from ufora_core.values.reach import reach_of
from ufora_core.values.trackers import ClassTrackers


@dataclass(frozen=True, slots=True)
class Captured:
    """A program, and what it takes to send it and to land its result.

    (A call or a definition is captured too: ``_calls`` builds those.)
    """

    program: Program
    #: Bytes that the program's graph names by their SHA-256: digest -> what to upload.
    blobs: Mapping[str, Buffer]
    #: The client's own object of each node of the graph, by index.
    originals: Sequence[object]


def capture(
    frame: FrameType,
    statement: Statement,
    download: Download,
    trackers: ClassTrackers,
    states: ambient.Values,
) -> Captured:
    """The program that the statement's block is, with the values that its names have now;
    ``states`` are what it begins with besides.

    A variable that is a future of pyfora's stands for its value, and is waited for; raises what the
    future's job raised.
    """
    code = frame.f_code
    where = f"{code.co_filename}:{statement.line} in {code.co_name}"
    encoder = Encoder(trackers=trackers, scope=CaptureScope(where))
    found = _Locals(frame, statement)
    items = [encoder.item(_settled(found.values[name]), name) for name in found.values]
    namespace = encoder.namespace(frame.f_globals, statement.body)
    captured = _captured_cells(frame, found.shared, statement, encoder)
    settled = _settled_globals(frame.f_globals, statement, encoder)
    graph = encoder.graph()
    block = Block(
        source=statement.source,
        filename=code.co_filename,
        line=statement.line,
        column=statement.column,
        function=code.co_name,
        optimized=_variables.is_function(frame),
        namespace=namespace,
        local_names=list(found.values),
        local_values=items,
        unbound=found.unbound,
        cells=_cells(frame, found.shared, graph, encoder.objects) | captured,
        assigned=list(statement.names.assigned),
        mangle=statement.mangle,
        global_names=found.assigned_globals,
        own_locals=found.own,
        first_argument=found.first_argument,
        flags=code.co_flags & FUTURES,
        qualname=code.co_qualname,
    )
    program = Program(
        task=block,
        graph=_replaced(graph, namespace, settled),
        python=sys.version_info[:2],
        download=download,
        recursion_limit=sys.getrecursionlimit(),
        ambient=dict(states),
    )
    return Captured(program=program, blobs=encoder.blobs, originals=encoder.objects)


class _Locals:
    """Those names of a block that are local variables of the frame; all others are global."""

    def __init__(self, frame: FrameType, statement: Statement) -> None:
        names, code = statement.names, frame.f_code
        in_function = _variables.is_function(frame)
        #: The frame has local variables in a dict of their own: a class body's.
        self.own = not in_function and frame.f_locals is not frame.f_globals
        variables = _visible(frame) if in_function or self.own else {}
        known = _variables.names_of(code) if in_function else variables.keys()
        wanted = {*names.read, *names.assigned}
        self.first_argument = ""
        if names.calls_super and "__class__" in code.co_freevars and code.co_argcount:
            self.first_argument = code.co_varnames[0]
            wanted |= {"__class__", self.first_argument}
        local = sorted(known if names.sees_locals else wanted & known)
        self.values = {name: variables[name] for name in local if name in variables}
        self.unbound = [name for name in local if name not in variables]
        #: Those that functions may share with the frame.
        self.shared = {*code.co_cellvars, *code.co_freevars}.intersection(local)
        self.assigned_globals = (
            [name for name in names.assigned if name not in known] if in_function else []
        )


def _visible(frame: FrameType) -> Mapping[str, object]:
    """The frame's local variables; those of a class body with what it sees of functions around."""
    variables: Mapping[str, object] = frame.f_locals
    if _variables.is_function(frame) or not frame.f_code.co_freevars:
        return variables
    # A class body runs right inside of the function whose variables it sees.
    around = frame.f_back
    while around is not None and not _variables.is_function(around):
        around = around.f_back
    outer: Mapping[str, object] = around.f_locals if around is not None else {}
    seen = {name: outer[name] for name in frame.f_code.co_freevars if name in outer}
    return {**seen, **variables}


def _captured_cells(
    frame: FrameType, names: set[str], statement: Statement, encoder: Encoder
) -> dict[str, Ref]:
    """The cells of those variables that functions made in the block see: such a function may come
    home, and then shares the variable with the frame."""
    cells: dict[str, Ref] = {}
    for name in sorted(names.intersection(statement.names.captured)):
        cell = _variables.find_cell(frame, name)
        ref = None if cell is None else encoder.item(cell, name)
        if isinstance(ref, Ref):
            cells[name] = ref
    return cells


def _cells(
    frame: FrameType, names: set[str], graph: Graph, objects: Sequence[object]
) -> dict[str, Ref]:
    """The cells of those variables that the frame shares with a function which travels, too."""
    cells: dict[str, Ref] = {}
    if not names:
        return cells
    for node, function in zip(graph.nodes, objects, strict=True):
        if isinstance(node, Function) and isinstance(function, FunctionType):
            free = function.__code__.co_freevars
            closure = zip(free, function.__closure__ or (), node.closure, strict=True)
            for name, cell, ref in closure:
                if name in names - cells.keys() and _variables.is_variable(frame, name, cell):
                    cells[name] = ref
    return cells


# --------------------------------------------------------------------- futures


def _settled(value: object) -> object:
    """The value of a future of ours; anything else is itself."""
    return value.result() if isinstance(value, Future) else value


def _settled_globals(
    variables: Mapping[str, Any], statement: Statement, encoder: Encoder
) -> dict[str, Item]:
    """The values of futures among the global names that the block reaches."""
    reached = reach_of(statement.body).names
    futures = {name: variables[name] for name in reached if name in variables}
    return {
        name: encoder.item(future.result(), name)
        for name, future in futures.items()
        if isinstance(future, Future)
    }


def _replaced(graph: Graph, namespace: Ref, items: Mapping[str, Item]) -> Graph:
    """The graph with other values of these global names."""
    node = graph.nodes[namespace.index]
    if not items or not isinstance(node, Namespace):
        return graph
    values = [items.get(name, item) for name, item in zip(node.names, node.values, strict=True)]
    nodes = list(graph.nodes)
    nodes[namespace.index] = msgspec.structs.replace(node, values=values)
    return Graph(nodes)
