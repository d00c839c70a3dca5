"""Making the client's own object show what a copy of it has become, in place."""

from __future__ import annotations

import contextlib
import random
from array import array
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice
from operator import length_hint
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

from ufora_core.errors import UnappliedChangeError, ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.arrays import is_array_class
from ufora_core.values.nodes import AnyNode
from ufora_core.values.objects import recipe_of, slots_of
from ufora_core.values.restore import is_defined_in_python, set_state

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder

#: Makes one change. What can go wrong has been tried before.
Application = Callable[[], None]


def can_be_refilled(value: object) -> bool:
    """Whether the object is a container that can be emptied and filled again, or an iterator that
    can be advanced."""
    kind = type(value)
    return isinstance(value, _REFILLED) or kind in _ITERATORS or is_array_class(kind)


def application(decoder: Decoder, node: AnyNode, target: Any) -> Application:
    """How to make ``target`` what ``node`` says.

    Raises:
        UnappliedChangeError: that cannot be done.
        ValueGraphError: the node is not one of such an object.
    """
    if isinstance(node, nodes.Namespace | nodes.Class):
        return _names_application(decoder, node, target)
    fresh = decoder.value_of(node)
    if is_array_class(type(target)) and is_array_class(type(fresh)):
        return _array_application(target, fresh)
    if isinstance(node, nodes.Reduced) and not can_be_refilled(target):
        return _state_application(decoder, node, target, fresh)
    if type(target) in _ITERATORS and type(fresh) in _ITERATORS:
        return partial(_advance, target, fresh)
    for kind, refill in _IN_PLACE:
        if isinstance(target, kind) and isinstance(fresh, kind):
            return partial(_with_attributes, refill, target, fresh)
    if is_defined_in_python(type(target)) and is_defined_in_python(type(fresh)):
        return partial(_copy_attributes, target, fresh)
    raise ValueGraphError(
        f"a {type(target).__qualname__} cannot have become a {type(fresh).__qualname__}"
    )


# ------------------------------------------------------------------------------ names


def _names_application(
    decoder: Decoder, node: nodes.Namespace | nodes.Class, target: Any
) -> Application:
    values = [decoder.value(item) for item in node.values]
    if len(values) != len(node.names):
        raise ValueGraphError(f"{len(node.names)} names with {len(values)} values")
    changed = dict(zip(node.names, values, strict=True))
    if isinstance(node, nodes.Namespace) and isinstance(target, dict):
        return partial(_change_globals, target, changed, node.deleted)
    if isinstance(node, nodes.Class) and isinstance(target, type):
        return partial(_change_class, target, changed, node.deleted)
    raise ValueGraphError(f"a {type(target).__qualname__} has no such names")


def _change_globals(target: dict[str, Any], changed: dict[str, Any], deleted: list[str]) -> None:
    target.update(changed)
    for name in deleted:
        target.pop(name, None)


def _change_class(target: type, changed: dict[str, Any], deleted: list[str]) -> None:
    for name, value in changed.items():
        type.__setattr__(target, name, value)
    for name in deleted:
        if name in vars(target):
            type.__delattr__(target, name)


# ------------------------------------------------------------------------------ contents


def _refill_list(target: list[Any], fresh: list[Any]) -> None:
    list.__setitem__(target, slice(None), list.__iter__(fresh))


def _refill_ordered_dict(target: OrderedDict[Any, Any], fresh: OrderedDict[Any, Any]) -> None:
    OrderedDict.clear(target)
    for key, value in OrderedDict.items(fresh):
        OrderedDict.__setitem__(target, key, value)


def _refill_dict(target: dict[Any, Any], fresh: dict[Any, Any]) -> None:
    dict.clear(target)
    for key, value in dict.items(fresh):
        dict.__setitem__(target, key, value)
    if isinstance(target, defaultdict) and isinstance(fresh, defaultdict):
        target.default_factory = fresh.default_factory


def _refill_set(target: set[Any], fresh: set[Any]) -> None:
    set.clear(target)
    set.update(target, set.__iter__(fresh))


def _refill_deque(target: deque[Any], fresh: deque[Any]) -> None:
    deque.clear(target)
    deque.extend(target, deque.__iter__(fresh))


def _refill_bytes(target: Any, fresh: Any) -> None:
    target[:] = fresh


def _refill_random(target: random.Random, fresh: random.Random) -> None:
    target.setstate(fresh.getstate())


def _refill_cell(target: CellType, fresh: CellType) -> None:
    try:
        target.cell_contents = fresh.cell_contents
    except ValueError:
        del target.cell_contents


def _refill_function(target: FunctionType, fresh: FunctionType) -> None:
    target.__defaults__ = fresh.__defaults__
    target.__kwdefaults__ = fresh.__kwdefaults__


_IN_PLACE: tuple[tuple[type, Callable[[Any, Any], None]], ...] = (
    (list, _refill_list),
    (OrderedDict, _refill_ordered_dict),
    (dict, _refill_dict),
    (set, _refill_set),
    (deque, _refill_deque),
    (bytearray, _refill_bytes),
    (array, _refill_bytes),
    (random.Random, _refill_random),
    (CellType, _refill_cell),
    (FunctionType, _refill_function),
)
_REFILLED = (list, dict, set, deque, bytearray, array, random.Random)


#: Iterators that know how many items are left. (Those of dicts and sets become those of lists.)
_EMPTY: tuple[Any, ...] = (
    *(iter([]), iter(()), iter(""), iter("\u1234"), iter(b""), iter(range(0)), iter(range(2**70))),
    *(iter(set()), iter({}), iter({}.values()), iter({}.items()), reversed([]), reversed(())),
)
_ITERATORS = frozenset({count, *map(type, _EMPTY)})


def _advance(target: Iterator[Any], fresh: Iterator[Any]) -> None:
    deque(islice(target, max(0, _left(target) - _left(fresh))), maxlen=0)


def _left(iterator: Any) -> int:
    """How many items are left, or (of ``itertools.count``) how many less than none."""
    if not isinstance(iterator, count):
        return length_hint(iterator)
    start, step = (*recipe_of(iterator)[1], 1)[:2]
    return -int(start // step) if step else 0


def _with_attributes(refill: Callable[[Any, Any], None], target: Any, fresh: Any) -> None:
    refill(target, fresh)
    _copy_attributes(target, fresh)


def _copy_attributes(target: Any, fresh: Any) -> None:
    """Attributes and slots, past whatever the class does about setting them."""
    if type(target) is not type(fresh):
        target.__class__ = type(fresh)
    attributes = getattr(fresh, "__dict__", None)
    if attributes is not None:
        own = vars(target)
        own.clear()
        own.update(attributes)
    for name in slots_of(type(fresh)):
        try:
            object.__setattr__(target, name, object.__getattribute__(fresh, name))
        except AttributeError:
            _unset(target, name)


def _unset(target: object, slot: str) -> None:
    with contextlib.suppress(AttributeError):
        object.__delattr__(target, slot)


def _array_application(target: Any, fresh: Any) -> Application:
    if not target.flags.writeable or target.shape != fresh.shape or target.dtype != fresh.dtype:
        raise UnappliedChangeError(
            f"the block changed an array of the client's in place, {target.dtype} {target.shape}, "
            f"which cannot be written here; pass a copy, or make a new array in the block"
        )
    return partial(target.__setitem__, ..., fresh)


def _state_application(
    decoder: Decoder, node: nodes.Reduced, target: Any, fresh: Any
) -> Application:
    """For an object whose recipe has another state: what unpickling would do, to this object."""
    if type(target) is not type(fresh) or node.items is not None or node.pairs is not None:
        raise UnappliedChangeError(
            f"the block changed a {type(target).__qualname__} of the client's in place, which "
            f"cannot be done to the client's own object; make a new one in the block"
        )
    state = decoder.value(node.state)
    return partial(_set_state, target, state)


def _set_state(target: Any, state: Any) -> None:
    if not hasattr(target, "__setstate__") and hasattr(target, "__dict__"):
        vars(target).clear()
    set_state(target, state)
