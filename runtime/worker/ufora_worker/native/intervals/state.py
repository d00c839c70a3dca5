"""What is known at one point of a function."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ufora_worker.native.intervals.interval import ANYTHING, Interval, add, exactly
from ufora_worker.native.intervals.transfer import RANGES
from ufora_worker.native.ir.nodes import Atom, Const, Let

#: So far a variable lies from what another was at the head of a loop: (loop, name) -> distance.
Distances = Mapping[tuple[int, str], Interval]

#: Variables are followed from no more heads than these at a time.
_MOST_DISTANCES = 8


@dataclass(frozen=True, slots=True)
class Facts:
    """Intervals of some variables, and which are certainly greater than some."""

    ranges: Mapping[str, Interval]
    greater: Mapping[str, frozenset[str]]

    def without(self, name: str) -> "Facts":
        """The facts that have nothing to do with this variable."""
        return Facts(
            {other: each for other, each in self.ranges.items() if other != name},
            {other: each - {name} for other, each in self.greater.items() if other != name},
        )


@dataclass(slots=True)
class State:
    """Facts that hold whenever control is here. What it does not mention may be anything.

    A point that control never reaches has no state, but None.
    """

    ranges: dict[str, Interval] = field(default_factory=dict)
    #: The operation that gave a variable its value, if its operands still have theirs.
    definitions: dict[str, Let] = field(default_factory=dict)
    #: Variables that are certainly greater.
    greater: dict[str, frozenset[str]] = field(default_factory=dict)
    distances: dict[str, Distances] = field(default_factory=dict)
    #: What holds besides if this BOOL is true, or is false.
    implied: dict[tuple[str, bool], Facts] = field(default_factory=dict)

    def copy(self) -> "State":
        """The same facts, to be changed on their own."""
        return State(
            dict(self.ranges),
            dict(self.definitions),
            dict(self.greater),
            dict(self.distances),
            dict(self.implied),
        )

    def interval(self, atom: Atom) -> Interval:
        """What a variable or constant may be; anything, for one that is not followed."""
        if isinstance(atom, Const):
            return exactly(int(atom.value.real)) if atom.type in RANGES else ANYTHING
        return self.ranges.get(atom.name) or RANGES.get(atom.type, ANYTHING)

    def distances_of(self, atom: Atom) -> Distances:
        """How far the atom lies from variables at heads of loops."""
        return {} if isinstance(atom, Const) else self.distances.get(atom.name, {})

    def forget(self, name: str, dependents: Iterable[str]) -> None:
        """The variable gets another value. ``dependents`` are the variables of the function that
        somewhere have a definition with it."""
        self.ranges.pop(name, None)
        self.definitions.pop(name, None)
        self.greater.pop(name, None)
        self.distances.pop(name, None)
        for dependent in dependents:
            definition = self.definitions.get(dependent)
            if definition is not None and any(_is(arg, name) for arg in definition.args):
                del self.definitions[dependent]
        for lesser, names in list(self.greater.items()):
            if name in names:
                self.greater[lesser] = names - {name}
        if self.implied:
            self.implied = {
                key: facts.without(name) for key, facts in self.implied.items() if key[0] != name
            }

    def set_distances(self, name: str, distances: Distances) -> None:
        """Note how far a variable lies from others; what says nothing is left out."""
        telling = [each for each in distances.items() if each[1].within(ANYTHING)]
        if telling:
            self.distances[name] = dict(sorted(telling)[-_MOST_DISTANCES:])
        else:
            self.distances.pop(name, None)

    def leave_loop(self, number: int) -> None:
        """Distances from the head of this loop mean nothing any more."""
        for name, distances in list(self.distances.items()):
            self.set_distances(
                name, {key: each for key, each in distances.items() if key[0] != number}
            )

    def join(self, other: "State") -> "State":
        """What holds in both."""
        return State(
            {
                name: mine.join(other.ranges[name])
                for name, mine in self.ranges.items()
                if name in other.ranges
            },
            {
                name: mine
                for name, mine in self.definitions.items()
                if other.definitions.get(name) == mine
            },
            {
                name: mine & other.greater[name]
                for name, mine in self.greater.items()
                if name in other.greater
            },
            {
                name: _joined(mine, other.distances[name])
                for name, mine in self.distances.items()
                if name in other.distances
            },
            {key: mine for key, mine in self.implied.items() if other.implied.get(key) == mine},
        )


def _is(atom: Atom, name: str) -> bool:
    return not isinstance(atom, Const) and atom.name == name


def _joined(mine: Distances, other: Distances) -> Distances:
    return {key: mine[key].join(other[key]) for key in mine.keys() & other.keys()}


def join(states: Iterable[State | None]) -> State | None:
    """What holds where these paths come together."""
    joined: State | None = None
    for state in states:
        if state is not None:
            joined = state if joined is None else joined.join(state)
    return joined


def moved(distances: Distances, by: Interval) -> Distances:
    """The distances of what lies ``by`` further up."""
    return {key: add(distance, by) for key, distance in distances.items()}
