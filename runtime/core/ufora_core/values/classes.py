"""Classes of the user's, by value: what they hold is taken out and put in again; nothing that ran
when the class was made (metaclasses, ``__init_subclass__``, ``__set_name__``, decorators) runs
again."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import enum
from collections.abc import Callable, Iterable
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, cast

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.generated import generated_methods, is_dataclass_itself, write_again
from ufora_core.values.nodes import AnyNode, Item
from ufora_core.values.objects import encode_pickled
from ufora_core.values.restore import is_defined_in_python
from ufora_core.values.steps import Steps
from ufora_core.values.trackers import ClassTrackers

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder
    from ufora_core.values.encode import Encoder

__all__ = ["STEPS", "ClassTrackers", "attributes_of", "encode_class"]

#: What Python itself puts into a new class.
_MADE_ANEW = frozenset({"__module__", "__abstractmethods__", "_abc_impl"})
#: Of slots, and of ``__dict__`` and ``__weakref__``.
_DESCRIPTORS_OF_SLOTS = (MemberDescriptorType, GetSetDescriptorType)
#: What dataclasses have as ``__replace__``, from Python 3.13 on.
_DATACLASS_REPLACE: object = getattr(dataclasses, "_replace", None)
#: What can only be given to a class when it is made: later, it would be the metaclass's attribute.
_GIVEN_AT_ONCE = ("__slots__", "__class__", "__dict__", "__name__", "__bases__", "__mro__")
#: Of an enumeration: what EnumType makes from the members.
_MADE_BY_ENUM = frozenset({"__new__", "__new_member__"})
_SUNDERS_KEPT = frozenset({"_generate_next_value_", "_missing_", "_ignore_"})
_MEMBER_SLOTS = frozenset({"_value_", "_name_", "__objclass__", "_sort_order_", "_inverted_"})


def attributes_of(cls: type) -> dict[str, Any]:
    """What a class holds by itself, less what comes with making it."""
    found = {
        name: value
        for name, value in vars(cls).items()
        # By their types, since the value of an attribute may not like to be looked at.
        if name not in _MADE_ANEW and type(value) not in _DESCRIPTORS_OF_SLOTS
    }
    if is_dataclass_itself(cls) and found.get("__replace__", cls) is _DATACLASS_REPLACE:
        del found["__replace__"]
    if isinstance(cls, enum.EnumMeta):
        found = {name: value for name, value in found.items() if _is_kept_of_enum(cls, name)}
    return found


def _is_kept_of_enum(cls: enum.EnumMeta, name: str) -> bool:
    sunder = name[:1] == "_" == name[-1:] and name[:2] != "__"
    return not (
        name in cls.__members__ or name in _MADE_BY_ENUM or (sunder and name not in _SUNDERS_KEPT)
    )


# ------------------------------------------------------------------------------ encoding


def encode_class(encoder: Encoder, cls: type) -> AnyNode:
    """A class by name where the other side can import it, else by value."""
    return encoder.names.of(cls) or by_value(encoder, cls)


def by_value(encoder: Encoder, cls: type) -> AnyNode:
    """The node of a class of the user's."""
    if _is_odd(cls):
        return encode_pickled(encoder, cls)
    members, member_state = _members_of(cls)
    attributes = attributes_of(cls)
    generated = dict(generated_methods(cls))
    encoder.rewritable.update(id(each) for functions in generated.values() for each in functions)
    registered = _registered(cls)
    return nodes.Class(
        name=cls.__name__,
        qualname=cls.__qualname__,
        module=str(cls.__module__),
        tracker=encoder.trackers.id_of(cls),
        metaclass=encoder.ref(type(cls)),
        bases=list(map(encoder.ref, cls.__bases__)),
        names=[*members, *attributes],
        values=[encoder.ref(value) for value in (*members.values(), *attributes.values())],
        members=len(members),
        member_state=encoder.part(member_state or None),
        registered=encoder.part(registered or None),
        generated=list(generated),
    )


def _is_odd(cls: type) -> bool:
    """Whether making the class takes more than ``type`` and its kin do."""
    metaclass: type = type(cls)
    known = (type, abc.ABCMeta, enum.EnumMeta)
    made_in_c = any(not is_defined_in_python(base) for base in metaclass.__mro__[:-2])
    return made_in_c or not is_defined_in_python(cls) or not issubclass(metaclass, known)


def _members_of(cls: type) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The members of an enumeration by value, and what its own methods stored in them."""
    if not isinstance(cls, enum.EnumMeta):
        return {}, {}
    members: dict[str, Any] = dict(cls.__members__)
    values = {name: member._value_ for name, member in members.items()}
    stored = {
        name: {key: each for key, each in vars(member).items() if key not in _MEMBER_SLOTS}
        for name, member in members.items()
    }
    return values, {name: state for name, state in stored.items() if state}


def _registered(cls: type) -> list[type]:
    """Classes that were registered as subclasses of an abstract class."""
    if not isinstance(cls, abc.ABCMeta) or "_abc_impl" not in vars(cls):
        return []
    import _abc  # type: ignore[import-not-found]  # the only way to see the registry

    references = _abc._get_dump(cls)[0]
    found = [reference() for reference in references]
    return [each for each in found if each is not None]


# ------------------------------------------------------------------------------ decoding


def _known(decoder: Decoder, node: nodes.Class) -> object | None:
    return decoder.live_classes.find(node.tracker) if decoder.live_classes is not None else None


def _given(node: nodes.Class) -> dict[str, Item]:
    """The attributes that a class is made with."""
    if len(node.names) != len(node.values):
        raise ValueGraphError(f"{len(node.names)} attributes with {len(node.values)} values")
    pairs = dict(zip(node.names, node.values, strict=True))
    made_with = [*node.names[: node.members], *(n for n in _GIVEN_AT_ONCE if n in pairs)]
    return {name: pairs[name] for name in made_with}


def _class_needs(node: nodes.Class) -> Iterable[Item]:
    return [node.metaclass, *node.bases, *_given(node).values()]


def _make_class(decoder: Decoder, node: nodes.Class) -> object:
    metaclass = decoder.get_as(type, node.metaclass)
    if not issubclass(metaclass, type):
        raise ValueGraphError(f"{metaclass.__qualname__} is no metaclass")
    bases = tuple(decoder.get_as(type, base) for base in node.bases)
    given = {name: decoder.get(item) for name, item in _given(node).items()}
    given |= {"__module__": node.module, "__qualname__": node.qualname}
    if issubclass(metaclass, enum.EnumMeta):
        cls = _make_enum(metaclass, node, bases, given)
    else:
        cls = _make_plain(metaclass, node.name, bases, given)
    decoder.trackers.add(node.tracker, cls)
    return cls


def _make_plain(
    metaclass: type[type], name: str, bases: tuple[type, ...], body: dict[str, Any]
) -> type:
    maker: Any = abc.ABCMeta if issubclass(metaclass, abc.ABCMeta) else type
    if not any("__init_subclass__" in vars(each) for base in bases for each in base.__mro__[:-1]):
        return maker.__new__(metaclass, name, bases, body)  # type: ignore[no-any-return]
    for model in bases:
        cls: type = maker.__new__(metaclass, name, (_quiet(model), *bases), dict(body))
        with contextlib.suppress(TypeError):
            cls.__bases__ = bases
            return cls
    raise ValueGraphError(f"the class {name} cannot be made without running __init_subclass__")


def _quiet(model: type) -> type:
    """First base of a class while it is made: keeps ``__init_subclass__`` of the others from
    running a second time. It is laid out in memory as one of them: only then can it be left out
    again afterwards."""
    parent = model.__base__ or object
    body: dict[str, Any] = {"__init_subclass__": classmethod(lambda cls, **keywords: None)}
    if "__slots__" in vars(model) or not model.__dictoffset__:
        body["__slots__"] = vars(model).get("__slots__", ())
    return _make_plain(type(parent), model.__name__, (parent,), body)


def _make_enum(
    metaclass: type[type], node: nodes.Class, bases: tuple[type, ...], given: dict[str, Any]
) -> type:
    body: Any = enum.EnumMeta.__prepare__(node.name, bases)
    for name in ("__module__", "__qualname__", *node.names[: node.members]):
        body[name] = given[name]
    maker: Any = enum.EnumMeta.__new__
    return maker(metaclass, node.name, bases, body)  # type: ignore[no-any-return]


def _class_fills(node: nodes.Class) -> Iterable[Item]:
    return [*node.values, node.member_state, node.registered]


def _fill_class(decoder: Decoder, cls: Any, node: nodes.Class) -> None:
    for name, item in zip(node.names[node.members :], node.values[node.members :], strict=True):
        value = decoder.get(item)
        if name not in _GIVEN_AT_ONCE:
            type.__setattr__(cls, name, value)
        if issubclass(type(value), property):
            _set_property_name(value, cls, name)
    if is_dataclass_itself(cls) and _DATACLASS_REPLACE is not None:
        type.__setattr__(cls, "__replace__", _DATACLASS_REPLACE)
    write_again(cls, node.generated)
    if node.member_state is not None:
        for name, state in decoder.get_as(dict, node.member_state).items():
            vars(cls.__members__[name]).update(state)
    if isinstance(cls, abc.ABCMeta):
        abc.update_abstractmethods(cast(Any, cls))
        if node.registered is not None:
            for each in decoder.get_as(list, node.registered):
                abc.ABCMeta.register(cls, each)
    decoder.class_attributes[id(cls)] = attributes_of(cls)


#: Gives a property the name that its error messages show.
_set_property_name: Callable[[Any, type, str], None] = vars(property)["__set_name__"]

STEPS: dict[type, Steps] = {
    nodes.Class: Steps(
        _make_class, needs=_class_needs, fills=_class_fills, fill=_fill_class, known=_known
    ),
}
