"""What a job did, for people: how long it took, who worked for it, and what became of its loops."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ufora_core.program import Explanation, FunctionFacts, LoopFacts, Result
from ufora_core.protocol.parts import ExecutorUse


@dataclass(frozen=True, slots=True)
class Report:
    """The account of one job that has ended. ``print`` shows it, and Jupyter shows it as tables."""

    #: Where the block stands, or what was called.
    title: str
    #: From the job's arrival in the cluster to its end.
    seconds: float
    #: One entry for each executor that ran part of it.
    executors: tuple[ExecutorUse, ...]
    #: One entry for each loop that was reached, in the order in which they stand in the source.
    loops: tuple[LoopFacts, ...] = ()
    #: One entry for each function of the user's that native code was wanted for.
    functions: tuple[FunctionFacts, ...] = ()

    def with_facts(self, result: Result) -> Report:
        """The same report, with what the result tells of loops and functions."""
        return replace(self, loops=result.loops, functions=result.functions)

    @property
    def cores(self) -> int:
        """Number of executors that ran user code."""
        return sum(each.busy_seconds > 0 for each in self.executors)

    @property
    def busy_seconds(self) -> float:
        """Seconds of running user code, of all executors together."""
        return sum(each.busy_seconds for each in self.executors)

    def as_dict(self) -> dict[str, Any]:
        """The whole report as dicts, lists, strings and numbers (as for ``json.dumps``)."""
        return {
            "title": self.title,
            "seconds": self.seconds,
            "busy_seconds": self.busy_seconds,
            "cores": self.cores,
            "executors": msgspec.to_builtins(list(self.executors)),
            "loops": msgspec.to_builtins(list(self.loops)),
            "functions": msgspec.to_builtins(list(self.functions)),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        """For Jupyter."""
        head = html.escape(self._summary())
        loops = "".join(_row(_place(each), each.text, _loop_lines(each)) for each in self.loops)
        functions = "".join(
            _row(_place(each), each.name, _function_lines(each)) for each in self.functions
        )
        executors = "".join(
            f"<li>{html.escape(_executor_line(each))}</li>" for each in self.executors
        )
        return (
            f"<p><b>{head}</b></p><table>{loops}{functions}</table>"
            f"<details><summary>executors</summary><ul>{executors}</ul></details>"
        )

    def _summary(self) -> str:
        cores = f"{self.cores} core{'' if self.cores == 1 else 's'}"
        return f"{self.title}: {self.seconds:.3f} s on {cores}, {self.busy_seconds:.3f} s busy"

    def _lines(self) -> Iterator[str]:
        yield self._summary()
        for each in self.executors:
            yield f"  {_executor_line(each)}"
        for loop in self.loops:
            yield f"  {_place(loop)}: {loop.text}"
            yield from (f"    {line}" for line in _loop_lines(loop))
        for function in self.functions:
            yield f"  {_place(function)}: {function.name}"
            yield from (f"    {line}" for line in _function_lines(function))


def _place(facts: LoopFacts | FunctionFacts) -> str:
    return f"{facts.filename}:{facts.line}"


def _executor_line(use: ExecutorUse) -> str:
    return (
        f"{use.worker} executor {use.executor}: {use.busy_seconds:.3f} s, "
        f"{use.items:,} items in {use.ranges:,} ranges"
    )


def _loop_lines(loop: LoopFacts) -> Iterator[str]:
    if loop.taken:
        yield _taken_line(loop)
    if loop.declined or loop.why_sequential is not None:
        counts = loop.declined > 1 or (loop.declined and loop.taken)
        times = f" ({loop.declined:,} times)" if counts else ""
        yield f"not parallel{times}{_because(loop.why_sequential)}"
    if loop.native_items:
        yield f"native: {loop.native_items:,} items, {loop.bails:,} bails"
    elif loop.taken:
        yield f"not native{_because(loop.why_interpreted)}"


def _taken_line(loop: LoopFacts) -> str:
    if loop.items <= loop.taken:
        calls = "call" if loop.items == 1 else "calls"
        return f"nothing to divide: {loop.items:,} {calls} in {loop.seconds:.3f} s"
    return (
        f"parallel: {loop.items:,} items in {loop.seconds:.3f} s, "
        f"{loop.splits:,} splits, {loop.steals:,} steals"
    )


def _function_lines(function: FunctionFacts) -> Iterator[str]:
    yield "native" if function.native else f"not native{_because(function.why_interpreted)}"


def _because(why: Explanation | None) -> str:
    if why is None:
        return ""
    edit = f"; {why.edit}" if why.edit else ""
    place = f" ({why.filename}:{why.line})" if why.filename else ""
    return f": {why.message}{place}{edit}"


def _row(place: str, text: str, lines: Iterator[str]) -> str:
    what = "<br>".join(html.escape(line) for line in lines)
    return (
        f"<tr><td>{html.escape(place)}</td><td><code>{html.escape(text)}</code></td>"
        f"<td style='text-align: left'>{what}</td></tr>"
    )
