"""Which functions of a unit call which, and so which of them nest without a bound."""

from collections.abc import Iterator

from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.syntax import walk


class CallGraph:
    """Who reaches whom by calls."""

    def __init__(self, unit: nodes.Unit) -> None:
        direct = {f.name: frozenset(_called(f.body)) for f in unit.functions}
        reached = {name: _closure(name, direct) for name in direct}
        self._recursive = {name for name, others in reached.items() if name in others}
        self._nesting = {
            name
            for name, others in reached.items()
            if name in self._recursive or others & self._recursive
        }

    def is_recursive(self, function: str) -> bool:
        """True for a function that can be called while it runs."""
        return function in self._recursive

    def nests(self, function: str) -> bool:
        """True for a function that is recursive or calls, by whatever way, one that is."""
        return function in self._nesting


def _closure(name: str, direct: dict[str, frozenset[str]]) -> frozenset[str]:
    reached: set[str] = set()
    waiting = list(direct[name])
    while waiting:
        function = waiting.pop()
        if function not in reached:
            reached.add(function)
            waiting += direct[function]
    return frozenset(reached)


def _called(block: nodes.Block) -> Iterator[str]:
    return (each.function for each in walk(block) if isinstance(each, nodes.Invoke))
