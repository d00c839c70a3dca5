"""What a loop changes must be nothing that its items read."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

from ufora_core.compiler.effects.classes import array_types
from ufora_core.compiler.effects.closed_world import Unknowable, World
from ufora_core.compiler.effects.frames import Rebound
from ufora_core.values.reach import reach_of

#: Objects whose parts are looked at where the proof reads them.
_CODE = (FunctionType, ModuleType, CodeType, type)
#: Classes of values that never change and refer to nothing.
ATOMS = {int, float, complex, bool, str, bytes, type(None)}


@dataclass(frozen=True, slots=True)
class Changes:
    """What the program changes in order, beside items that may run anywhere and at any time: the
    fold of a ``for`` loop, a method that adds what they yield, an assignment of calls' values."""

    #: The objects.
    changed: Sequence[object]
    #: Names that are assigned, and those of them that are global names of ``namespace``.
    assigned: frozenset[str]
    global_names: frozenset[str]
    namespace: Mapping[str, object]
    #: Special methods of the items' values that may be used for it.
    uses: tuple[str, ...] = ()
    #: What the program iterates over: the items may be copies of what is in it.
    iterable: object = None

    @property
    def rebound(self) -> Rebound:
        """What no function that an item calls may read."""
        return _Reassigned(self.namespace, self.global_names, self.assigned)

    def reached_from(self, world: World) -> bool:
        """Whether an object is changed that hangs together with one that the proof has seen, or
        with what the program iterates over."""
        if not self.changed:
            return False
        wanted = set(map(_identity, self.changed))
        roots = (*world.roots(), self.iterable)
        return any(_identity(each) in wanted for each in reachable(roots))


@dataclass(frozen=True, slots=True)
class _Reassigned(Rebound):
    """Names that the loop assigns, as globals or as variables that closures share."""

    assigned: frozenset[str]

    def read_by(self, function: FunctionType) -> list[str]:
        code = function.__code__
        found = self.assigned.intersection(code.co_freevars)
        if function.__globals__ is self.namespace:
            found |= self.names.intersection(reach_of(code).names)
        return sorted(found)


def reachable(roots: Iterable[object]) -> Iterator[object]:
    """Every object that could change and hangs together with one of ``roots``."""
    seen: dict[int, object] = {}
    pending = list(roots)
    while pending:
        item = pending.pop()
        if id(item) in seen or isinstance(item, _CODE):
            continue
        seen[id(item)] = item
        yield item
        pending += _parts(item)


def _parts(item: object) -> list[object]:
    if type(item) in (list, tuple) and set(map(type, item)) <= ATOMS:  # type: ignore[call-overload]
        return []
    memory = _memory_of(item)
    parts = gc.get_referents(item) if memory is None else [memory]
    return [each for each in parts if type(each) not in ATOMS]


def _memory_of(item: object) -> object:
    """What holds the memory that an array or view shows."""
    if type(item) is memoryview:
        return item.obj
    return item.base if type(item) in array_types() else None  # type: ignore[attr-defined]


def _identity(item: object) -> int:
    """Tells objects apart; views of one memory are one."""
    memory = _memory_of(item)
    while memory is not None:
        item, memory = memory, _memory_of(memory)
    return id(item)


def is_plain(item: object) -> bool:
    """Whether an object consists of built-in types alone, so that no code of the user's runs when
    it is used."""
    world = World()
    try:
        world.see(item)
    except Unknowable:
        return False
    return not world.classes and not world.has_code
