"""Which sites of an engine run as written just now (see ``ufora_core.compiler.sites.gates``)."""

import builtins
import weakref
from dataclasses import dataclass, field
from time import perf_counter_ns
from types import CodeType

from ufora_core.compiler.sites.gates import gate_name, gates_in
from ufora_core.values.reach import nested


@dataclass(slots=True)
class Gates:
    """The gates of one engine's sites."""

    #: Every site of the engine -> whether it rests.
    _resting: dict[int, bool] = field(default_factory=dict)
    #: When those that rest are asked again.
    _wake_at: dict[int, int] = field(default_factory=dict)
    #: Those that rest until somebody could help.
    _unhelped: set[int] = field(default_factory=set)
    #: All gates are closed; so they are before the engine begins, and when it has ended.
    _closed: bool = True

    def add(self, index: int) -> None:
        """A new site."""
        self.set(index, False)

    def set(self, index: int, rests: bool) -> None:
        """Whether a site runs as written from now on, wherever others are split; one that rests
        goes on resting."""
        rests = rests or index in self._wake_at or index in self._unhelped
        self._resting[index] = rests
        vars(builtins)[gate_name(index)] = rests or self._closed

    def rest(self, index: int, nanoseconds: int) -> None:
        """Let a site rest for a while."""
        self._wake_at[index] = perf_counter_ns() + nanoseconds
        self.set(index, True)

    def rest_until_helped(self, index: int) -> None:
        """Let a site rest until somebody could help."""
        self._unhelped.add(index)
        self.set(index, True)

    def due(self, helped: bool) -> list[int]:
        """The sites whose rest is over; they are asked again. ``helped``: somebody could help."""
        now = perf_counter_ns() if self._wake_at else 0
        due = [index for index, time in self._wake_at.items() if time <= now]
        for index in due:
            del self._wake_at[index]
        if helped and self._unhelped:
            due += self._unhelped
            self._unhelped.clear()
        for index in due:
            self.set(index, False)
        return due

    def close(self, wanted: bool) -> bool:
        """Close all gates, or open those of sites that do not rest; gives what held before."""
        before, self._closed = self._closed, wanted
        if wanted is not before:
            for index, rests in self._resting.items():
                vars(builtins)[gate_name(index)] = wanted or rests
        return before

    def remove(self) -> None:
        """The engine has ended; only code that something still holds may ask from now on."""
        self.close(True)
        _late.update(map(gate_name, self._resting))
        _forget()


#: Code that asks gates, and their names.
_askers: list[tuple[weakref.ref[CodeType], list[str]]] = []
#: Gates of engines that have ended, which there is code for.
_late: set[str] = set()


def keep_gates_of(code: CodeType) -> None:
    """Keep the gates that this code asks for as long as somebody could run it: a thread of the
    program's may outlive its engine."""
    for part in nested(code):
        names = gates_in(part.co_names)
        if names:
            _askers.append((weakref.ref(part), names))


def _forget() -> None:
    """Remove the gates that no code asks for any more. Nothing is done when code dies: that may be
    anywhere in the user's program, and near the recursion limit no function can be called."""
    _askers[:] = [each for each in _askers if each[0]() is not None]
    for name in _late.difference(*(names for _, names in _askers)):
        _late.remove(name)
        vars(builtins).pop(name, None)
