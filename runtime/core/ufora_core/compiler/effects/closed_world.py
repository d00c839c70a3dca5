"""The closed world: every class that a value of unknown origin may belong to.

A value that reaches the item from outside does so from a variable, so it hangs together with one
of the objects that the proof has seen. ``World.see`` walks an object and all it refers to,
remembers the user's classes, and refuses what nobody knows anything about. What is left are
built-in types, described by the tables, and the user's classes, whose methods can be judged.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import chain

from ufora_core.compiler.effects import classes
from ufora_core.compiler.effects.classes import Nature, nature
from ufora_core.compiler.effects.instances import Layout
from ufora_core.compiler.effects.kinds import NOTHING, Known, Reach, Value, constant, join

#: Objects looked into; then the world is too large to be worth a look: some 20 ms.
_MOST_OBJECTS = 10_000
#: Items looked at in bulk (only their classes): some 20 ms.
_MOST_ITEMS = 2_000_000
#: So many items are looked at together, with what they contain: what was touched is still in the
#: processor's cache when it is touched again.
_CACHED = 2048
#: Containers in containers: deeper ones are likely to contain themselves.
_DEEPEST = 8
#: What a defaultdict from outside may call for a missing key.
_FACTORIES = (None, int, float, complex, bool, str, bytes, tuple, list, dict, set)
#: Objects that are told apart by identity.
_MOST_KNOWN = 8


class Unknowable(Exception):
    """Something was met about which nothing is known; the text completes "`name` ..."."""


class TooLarge(Unknowable):
    """More was met than is worth a look."""


class World:
    """What has been seen. It only ever grows; ``version`` tells when it has."""

    def __init__(self) -> None:
        self.version = 0
        #: The user's classes, in the order in which they were met.
        self.classes: dict[type, None] = {}
        #: Natures of things that change what built-in operations do.
        self.has_sets = False
        self.has_frozen_sets = False
        self.has_views = False
        self.has_arrays = False
        self.has_code = False
        self.has_instances = False
        self.has_default_dicts = False
        #: Values of instance attributes that can be called, by the attribute's name.
        self.callables: dict[str, dict[Known, None]] = {}
        self._summaries: dict[int, tuple[object, Value]] = {}
        self._walked: dict[int, object] = {}
        self._pending: list[Sequence[object]] = []
        self._defines: dict[type, frozenset[str]] = {}
        self._natures: dict[type, Nature] = {}
        self._layouts: dict[type, Layout] = {}
        self._items_left = _MOST_ITEMS

    def see(self, value: object) -> Value:
        """What is known of a concrete object; everything that it refers to is seen too.

        Raises:
            Unknowable: nothing is known of something that it refers to.
        """
        found = self._summaries.get(id(value))
        if found is not None:
            return found[1]
        summary = self._see_all((value,), 0)
        while self._pending:
            pending, self._pending = self._pending, []
            self._see_all(list(chain.from_iterable(pending)), 1)
        self._summaries[id(value)] = (value, summary)
        return summary

    def roots(self) -> list[object]:
        """The objects that were given to ``see``."""
        return [item for item, _ in self._summaries.values()]

    def note(self, flag: str) -> None:
        """Set one of the ``has_`` flags."""
        if not getattr(self, flag):
            setattr(self, flag, True)
            self.version += 1

    def defines(self, cls: type) -> frozenset[str]:
        """Names of the attributes that a user's class (or a base of the user's) defines."""
        found = self._defines.get(cls)
        if found is None:
            bases = [base for base in cls.__mro__ if not classes.is_trusted(base)]
            found = frozenset(chain.from_iterable(map(vars, bases)))
            self._defines[cls] = found
        return found

    def add_class(self, cls: type) -> None:
        """A user's class of which there are, or will be, instances."""
        if cls in self.classes:
            return
        self.classes[cls] = None
        self.version += 1
        if issubclass(cls, set | frozenset):
            self.note("has_sets")
        if issubclass(cls, defaultdict):
            self.note("has_default_dicts")

    def nature(self, cls: type) -> Nature:
        """See ``classes.nature``."""
        found = self._natures.get(cls)
        if found is None:
            found = self._natures[cls] = nature(cls)
        return found

    def _see_all(self, items: Sequence[object], depth: int) -> Value:
        """What is known of every one of ``items``."""
        self._items_left -= len(items)
        if self._items_left < 0:
            raise TooLarge(
                f"contains more than {_MOST_ITEMS:,} values, and not all of them are looked at: "
                "put numbers into an array"
            )
        if len(items) <= _CACHED:
            return self._see_some(items, depth)
        result = NOTHING
        for first in range(0, len(items), _CACHED):
            result = join(result, self._see_some(items[first : first + _CACHED], depth))
        return result

    def _see_some(self, items: Sequence[object], depth: int) -> Value:
        found = dict.fromkeys(map(type, items))
        result = NOTHING
        for cls in found:
            if self.nature(cls) is Nature.SCALAR:
                self._see_scalars(cls)  # they are all alike, and there may be a million
                result = join(result, constant(cls))
                continue
            of_class = items if len(found) == 1 else [each for each in items if type(each) is cls]
            result = join(result, self._see_class(cls, of_class, depth))
        return result

    def _see_class(self, cls: type, items: Sequence[object], depth: int) -> Value:
        """What is known of ``items``, all of them exactly of the class ``cls``: no scalar."""
        kind = self.nature(cls)
        if kind is Nature.CONTAINER:
            return self._see_containers(cls, items, depth)
        if kind is Nature.ARRAY:
            return self._see_arrays(cls, items)
        if kind is Nature.ITERATOR:
            raise Unknowable(
                f"refers to an iterator ({cls.__name__}), and taking from it changes it: make a "
                "list of it before the loop"
            )
        if kind is Nature.OPAQUE:
            raise Unknowable(
                f"refers to a {cls.__module__}.{cls.__qualname__}, of which nothing is known here: "
                "take what the loop needs out of it before the loop"
            )
        if kind is Nature.USER:
            self._see_instances(cls, items)
        else:
            self._see_code(items, depth)
        known = tuple(dict.fromkeys(map(Known, items))) if len(items) <= _MOST_KNOWN else None
        return Value(Reach.SHARED, frozenset({cls}), known)

    def _see_scalars(self, cls: type) -> None:
        if cls.__name__ == "Decimal" and not classes.default_decimal_context():
            raise Unknowable("is a decimal number, and this program changed the decimal context")

    def _see_containers(self, cls: type, items: Sequence[object], depth: int) -> Value:
        if depth > _DEEPEST:
            raise Unknowable("is nested too deeply (or contains itself)")
        self._note_container(cls, items)
        inner = NOTHING
        for parts in _parts(cls, items):
            inner = join(inner, self._see_all(parts, depth + 1))
        frozen = cls in (tuple, frozenset) and inner.reach is Reach.IMMUTABLE
        return Value(
            Reach.IMMUTABLE if frozen else Reach.SHARED, frozenset({cls}), inner=inner or None
        )

    def _note_container(self, cls: type, items: Sequence[object]) -> None:
        if cls in classes.SETS:
            self.note("has_sets")
            if cls is frozenset:
                self.note("has_frozen_sets")
        if cls is defaultdict:
            self.note("has_default_dicts")
            for each in items:
                if each.default_factory not in _FACTORIES:  # type: ignore[attr-defined]
                    raise Unknowable("is a defaultdict that calls a function of its own")
        if cls.__name__ == "array":
            self.note("has_arrays")

    def _see_arrays(self, cls: type, items: Sequence[object]) -> Value:
        self.note("has_arrays")
        result = NOTHING
        for array in items:
            dtype, dimensions = array.dtype, array.ndim  # type: ignore[attr-defined]
            if dtype.hasobject or dtype.names is not None:
                raise Unknowable(f"is an array of {dtype}, whose items can be anything")
            value = constant(dtype.type)
            for _ in range(dimensions):
                value = Value(Reach.SHARED, frozenset({cls}), inner=value)
            if dimensions == 0:
                value = Value(Reach.SHARED, frozenset({cls}))
            result = join(result, value)
        return result

    def _unwalked(self, items: Iterable[object]) -> list[object]:
        """Those of ``items`` that were not met before."""
        found: list[object] = []
        for item in items:
            if id(item) not in self._walked:
                self._walked[id(item)] = item
                found.append(item)
                if len(self._walked) > _MOST_OBJECTS:
                    raise TooLarge(
                        f"refers to more than {_MOST_OBJECTS:,} objects, and not all of them are "
                        "looked at: give the loop numbers, text or arrays"
                    )
        return found

    def _see_code(self, items: Sequence[object], depth: int) -> None:
        if depth > 0:
            self.note("has_code")
        for item in self._unwalked(items):
            cls = type(item)
            if classes.isinstance_of_class(cls):
                if self.nature(item) is Nature.USER:  # type: ignore[arg-type]
                    self.add_class(item)  # type: ignore[arg-type]
            elif cls.__name__ in ("method", "partial"):
                names = ("__self__", "func", "args", "keywords")
                held = (getattr(item, name) for name in names if hasattr(item, name))
                self._pending.append(tuple(held))

    def _see_instances(self, cls: type, items: Sequence[object]) -> None:
        """Sees instances of a user's class, with those that they refer to. Most objects refer to
        others of their class."""
        self.add_class(cls)
        self.note("has_instances")
        layout = self._layouts.get(cls)
        if layout is None:
            layout = self._layouts[cls] = Layout(cls)
        while found := self._unwalked(items):
            self._see_contents(cls, found)
            of_class: list[object] = []
            for name, values in layout.attributes(found).items():
                self._note_callables(name, values)
                of_class += [each for each in values if type(each) is cls]
                self._pending.append([each for each in values if type(each) is not cls])
            items = of_class

    def _note_callables(self, name: str, values: Sequence[object]) -> None:
        """Remembers which values of an attribute may be called; and that it has some that could
        stand in a method's place."""
        for cls in dict.fromkeys(map(type, values)):
            if self.nature(cls) not in (Nature.CODE, Nature.USER):
                continue
            if name not in self.callables:
                self.callables[name] = {}
                self.version += 1
            if classes.look_up(cls, "__call__") is not None:
                self._add_callables(name, (each for each in values if type(each) is cls))

    def _add_callables(self, name: str, values: Iterable[object]) -> None:
        known = self.callables[name]
        for value in map(Known, values):
            if value not in known:
                known[value] = None
                self.version += 1

    def _see_contents(self, cls: type, items: Sequence[object]) -> None:
        """Sees what instances contain that are containers themselves."""
        for base in (*classes.SEQUENCES, *classes.SETS, *classes.MAPPINGS):
            if issubclass(cls, base):
                self._pending.extend(_parts(base, items))
                self._note_container(base, items)


def description(world: World, values: Iterable[object]) -> Hashable | None:
    """All that a proof in a ``world``, in which nothing was seen before, will know of these values
    if they are functions, classes, numbers, text and containers of the latter two; None if there is
    something else among them.

    Raises:
        Unknowable: see ``World.see``; a proof needs a new world then.
    """
    found = tuple(world.see(value) for value in values)
    if world.has_code or world.has_instances:
        return None
    return found, world.has_sets, world.has_frozen_sets, world.has_arrays, world.has_default_dicts


def _parts(cls: type, items: Sequence[object]) -> Iterable[Sequence[object]]:
    """What the containers ``items`` contain: lists of objects."""
    if cls in classes.MAPPINGS:
        yield list(chain.from_iterable(map(dict.keys, items)))  # type: ignore[arg-type]
        yield list(chain.from_iterable(map(dict.values, items)))  # type: ignore[arg-type]
    elif cls in classes.SEQUENCES or cls in classes.SETS:
        iterate = cls.__iter__  # type: ignore[attr-defined]
        alone = len(items) == 1 and type(items[0]) in (list, tuple)
        yield items[0] if alone else list(chain.from_iterable(map(iterate, items)))  # type: ignore[misc]
    else:
        yield (0,)  # numbers
