"""Whether an object is still what its node says; by kind of node."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import pathlib
import re
import struct
import sys
import types
import uuid
from collections.abc import Callable, Collection
from types import CellType, FunctionType
from typing import Any

from ufora_core.errors import UnappliedChangeError
from ufora_core.values import nodes
from ufora_core.values.applying import can_be_refilled
from ufora_core.values.arrays import bytes_of, view_of
from ufora_core.values.classes import attributes_of
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.nodes import AnyNode, Item, Ref
from ufora_core.values.objects import pickled, recipe_of, slots_of
from ufora_core.values.sameness import (
    are_entries,
    are_items,
    is_item,
    is_packed,
    is_still_table,
    same_bytes,
)
from ufora_core.values.untouched import is_untouched

#: Makes the node of a ``Change``.
Difference = Callable[[Encoder], AnyNode]

#: Names of a namespace that Python puts there.
_UNSENT = frozenset(
    {
        *("__builtins__", "__name__", "__package__", "__path__", "__file__", "__spec__"),
        *("__loader__", "__warningregistry__"),
    }
)
#: Objects of these classes, common enough to matter, cannot change.
_CONSTANT = (
    type,
    enum.Enum,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    pathlib.PurePath,
    re.Pattern,
    uuid.UUID,
    types.BuiltinFunctionType,
    types.MethodWrapperType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.GenericAlias,
    types.UnionType,
    types.MappingProxyType,
)


def difference_of(
    decoder: Decoder, node: AnyNode, value: Any, exported: Collection[str] = ()
) -> Difference | None:
    """How to describe the object as it is now, or None if it is what its node says. Of a namespace
    the ``exported`` names do not count.

    Raises:
        UnappliedChangeError: it changed in a way that the client's object cannot follow.
    """
    if isinstance(node, nodes.Namespace):
        return _namespace(decoder, node, value, exported)
    compare = _COMPARE.get(type(node))
    return compare(decoder, node, value) if compare is not None else None


def _as_it_is(value: Any) -> Difference:
    def describe(encoder: Encoder) -> AnyNode:
        node = encoder.shallow(value)
        if isinstance(node, nodes.Placeholder):
            raise UnappliedChangeError(
                f"the block changed a {type(value).__qualname__} of the client's in place, and it "
                f"cannot travel any more: {node.reason}"
            )
        return node

    return describe


# ------------------------------------------------------------------------------ containers


def _list(decoder: Decoder, node: nodes.List, value: list[Any]) -> Difference | None:
    return None if are_items(decoder, node.items, value) else _as_it_is(value)


def _packed(decoder: Decoder, node: nodes.Packed, value: Any) -> Difference | None:
    if node.container == "tuple" or is_packed(decoder, node, value):
        return None
    return _as_it_is(value)


def _table(decoder: Decoder, node: nodes.Table, value: Any) -> Difference | None:
    if node.container == "tuple" or is_still_table(decoder, node, value):
        return None
    return _as_it_is(value)


def _dict(decoder: Decoder, node: nodes.Dict, value: dict[Any, Any]) -> Difference | None:
    same = are_items(decoder, node.keys, value) and are_items(decoder, node.values, value.values())
    return None if same else _as_it_is(value)


def _entries(decoder: Decoder, node: nodes.Entries, value: dict[Any, Any]) -> Difference | None:
    return None if are_entries(decoder, node, value) else _as_it_is(value)


def _set(decoder: Decoder, node: nodes.Set, value: set[Any]) -> Difference | None:
    return None if _is_set(decoder, node, value) else _as_it_is(value)


def _is_set(decoder: Decoder, node: nodes.Set | nodes.FrozenSet, value: Collection[Any]) -> bool:
    # A set has no order, so its members are told by what tells them apart to the last bit.
    marks = {
        id(decoder.objects[item.index]) if isinstance(item, Ref) else _mark(item)
        for item in node.items
    }
    return len(value) == len(node.items) and all(
        id(member) in marks or _mark(member) in marks for member in value
    )


def _mark(value: object) -> object:
    kind = type(value)
    if kind in (bool, int, str, type(None)):
        return kind, value
    return (kind, struct.pack("d", value)) if kind is float else None


def _bytearray(decoder: Decoder, node: nodes.ByteArray, value: bytearray) -> Difference | None:
    return None if same_bytes(value, decoder.pristine(node.data)) else _as_it_is(value)


def _array(decoder: Decoder, node: nodes.Array, value: Any) -> Difference | None:
    dtype = sys.modules["numpy"].dtype(decoder.get(node.dtype))
    if value.shape != node.shape or value.dtype != dtype:
        raise UnappliedChangeError(
            f"the block changed the shape or type of an array of the client's in place, from "
            f"{node.shape} {dtype} to {value.shape} {value.dtype}; make a new array instead"
        )
    # What was decoded as read-only lies over memory that cannot be written at all.
    if not node.writeable or (node.data.data is None and is_untouched(value)):
        return None
    if same_bytes(bytes_of(value), decoder.pristine(node.data)):
        return None
    return _as_it_is(value)


# ------------------------------------------------------------------------------ attributes, names


def _instance(decoder: Decoder, node: nodes.Instance, value: Any) -> Difference | None:
    kind = type(value)
    attributes = getattr(value, "__dict__", {})
    same = (
        decoder.get(node.type) is kind
        and list(attributes) == node.names
        and are_items(decoder, node.values, attributes.values())
    )
    if same and all(
        is_item(decoder, item, getattr(value, name, decoder))
        for name, item in zip(node.slots, node.slot_values, strict=True)
    ):
        unset = set(slots_of(kind)).difference(node.slots)
        if not any(_is_set_slot(value, name) for name in unset):
            return None
    return _as_it_is(value)


def _is_set_slot(value: object, name: str) -> bool:
    try:
        object.__getattribute__(value, name)
    except AttributeError:
        return False
    return True


def _namespace(
    decoder: Decoder, node: nodes.Namespace, value: dict[str, Any], exported: Collection[str]
) -> Difference | None:
    before = dict(zip(node.names, node.values, strict=True))
    unsent = _UNSENT.union(exported)
    changed = [
        name
        for name, each in value.items()
        if name not in unsent and not (name in before and is_item(decoder, before[name], each))
    ]
    deleted = [name for name in before if name not in value and name not in unsent]
    if not changed and not deleted:
        return None
    return lambda encoder: nodes.Namespace(
        node.module, changed, [encoder.item(value[name], name) for name in changed], deleted
    )


def _cell(decoder: Decoder, node: nodes.Cell, value: CellType) -> Difference | None:
    try:
        same = not node.empty and is_item(decoder, node.value, value.cell_contents)
    except ValueError:
        same = node.empty
    return None if same else _as_it_is(value)


def _class(decoder: Decoder, node: nodes.Class, value: type) -> Difference | None:
    before = decoder.class_attributes.get(id(value))
    if before is None:  # a live class of this process: nothing was decoded
        return None
    now = attributes_of(value)
    changed = [name for name, each in now.items() if before.get(name, decoder) is not each]
    deleted = [name for name in before if name not in now]
    if not changed and not deleted:
        return None
    return lambda encoder: nodes.Class(
        name=node.name,
        qualname=node.qualname,
        module=node.module,
        tracker=node.tracker,
        metaclass=None,
        bases=[],
        names=changed,
        values=[encoder.item(now[name], f"{node.name}.{name}") for name in changed],
        deleted=deleted,
    )


def _function(decoder: Decoder, node: nodes.Function, value: FunctionType) -> Difference | None:
    # A function's attributes, where it had any, are a dict with a node of its own.
    same = (
        (node.attributes is not None or not value.__dict__)
        and is_item(decoder, node.defaults, value.__defaults__)
        and is_item(decoder, node.kwdefaults, value.__kwdefaults__)
    )
    return None if same else _as_it_is(value)


# ------------------------------------------------------------------------------ recipes, pickles


def _reduced(decoder: Decoder, node: nodes.Reduced, value: Any) -> Difference | None:
    numpy = sys.modules.get("numpy")
    constant = isinstance(value, _CONSTANT) or decoder.get(node.call) is view_of
    if constant or (numpy is not None and isinstance(value, numpy.generic | numpy.dtype)):
        return None
    if _is_reduced(decoder, node, value):
        return None
    if can_be_refilled(value):
        return _as_it_is(value)
    # A second opinion: a recipe may say more of an object once it has been rebuilt.
    now = _pickle_of(value)
    if now is not None and now == _pickle_of(decoder.pristine_value(node)):
        return None
    if _is_call(decoder, node, value):
        return _as_it_is(value)
    raise UnappliedChangeError(_REFUSAL.format(type(value).__qualname__))


_REFUSAL = (
    "the block changed a {} of the client's in place, which cannot be done to the client's own "
    "object; make a new one in the block and assign it to a name"
)


def _recipe(value: Any) -> Any:
    try:
        return recipe_of(value)
    except Exception as error:  # the user's own method may raise anything
        raise UnappliedChangeError(
            f"a {type(value).__qualname__} of the client's cannot be looked at after the block: "
            f"{type(error).__name__}: {error}"
        ) from error


def _is_reduced(decoder: Decoder, node: nodes.Reduced, value: Any) -> bool:
    """Whether the object's recipe is still the same."""
    recipe = _recipe(value)
    if not isinstance(recipe, tuple) or not 2 <= len(recipe) <= 5:
        return True
    state, items, pairs = (*recipe[2:], None, None, None)[:3]
    now = (state, *(None if each is None else list(each) for each in (items, pairs)))
    return _is_call(decoder, node, value, recipe) and all(
        _holds(decoder, item, each)
        for item, each in zip((node.state, node.items, node.pairs), now, strict=True)
    )


def _is_call(decoder: Decoder, node: nodes.Reduced, value: Any, recipe: Any = None) -> bool:
    """Whether only the state of the object may be another."""
    call, arguments = (recipe or _recipe(value))[:2]
    return decoder.get(node.call) is call and _holds(decoder, node.arguments, arguments)


def _holds(decoder: Decoder, item: Item, value: Any) -> bool:
    """As ``_is``, for objects that a recipe makes anew each time: by what is in them."""
    if is_item(decoder, item, value):
        return True
    if not isinstance(item, Ref) or type(decoder.objects[item.index]) is not type(value):
        return False
    node = decoder.nodes[item.index]
    holds = _HOLDS.get(type(node))
    if holds is not None:
        return holds(decoder, node, value)
    # What is left compares by value or is another object.
    known = decoder.objects[item.index]
    if isinstance(value, float):
        return _mark(value) == _mark(known)
    return isinstance(value, int | complex | str | bytes) and value == known


def _hold(decoder: Decoder, items: list[Item], values: Collection[Any]) -> bool:
    return len(items) == len(values) and all(
        _holds(decoder, item, value) for item, value in zip(items, values, strict=True)
    )


_HOLDS: dict[type, Callable[[Decoder, Any, Any], bool]] = {
    **dict.fromkeys(
        (nodes.List, nodes.Tuple), lambda decoder, node, value: _hold(decoder, node.items, value)
    ),
    nodes.Dict: lambda decoder, node, value: (
        _hold(decoder, node.keys, value) and _hold(decoder, node.values, value.values())
    ),
    nodes.Entries: are_entries,
    nodes.Packed: is_packed,
    nodes.Table: is_still_table,
    **dict.fromkeys((nodes.Set, nodes.FrozenSet), _is_set),
    nodes.Reduced: _is_reduced,
}


def _pickled(decoder: Decoder, node: nodes.Pickled, value: Any) -> Difference | None:
    before = decoder.pickles.get(id(value))
    if before is None or _pickle_of(value) == before:
        return None
    if hasattr(value, "__dict__") and not isinstance(value, type | FunctionType):
        return _as_it_is(value)
    raise UnappliedChangeError(_REFUSAL.format(type(value).__qualname__))


def _pickle_of(value: Any) -> bytes | None:
    try:
        return pickled(value)
    except Exception:  # whatever a class's own code raises
        return None


_COMPARE: dict[type, Callable[[Decoder, Any, Any], Difference | None]] = {
    nodes.List: _list,
    nodes.Packed: _packed,
    nodes.Table: _table,
    nodes.Dict: _dict,
    nodes.Entries: _entries,
    nodes.Set: _set,
    nodes.ByteArray: _bytearray,
    nodes.Array: _array,
    nodes.Instance: _instance,
    nodes.Cell: _cell,
    nodes.Class: _class,
    nodes.Function: _function,
    nodes.Reduced: _reduced,
    nodes.Pickled: _pickled,
}
