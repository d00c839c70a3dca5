"""What instances hold themselves, in slots and in ``__dict__``; reading it runs no user code."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

from ufora_core.compiler.effects import classes


class Layout:
    """Where the instances of a class hold their attributes."""

    def __init__(self, cls: type) -> None:
        #: The class's slots. Its own come behind those of its bases: for a name of both they count.
        self._slots: list[tuple[str, MemberDescriptorType]] = [
            (name, attribute)
            for owner in reversed(cls.__mro__)
            for name, attribute in owner.__dict__.items()
            if type(attribute) is MemberDescriptorType
        ]
        holder = classes.look_up(cls, "__dict__")
        self._has_dict = bool(
            cls.__dictoffset__ and holder and type(holder[1]) is GetSetDescriptorType
        )
        self._is_exception = issubclass(cls, BaseException)

    def attributes(self, items: Sequence[Any]) -> Mapping[str, list[object]]:
        """What instances of this class hold: all values of each attribute. What a slot holds comes
        behind what ``__dict__`` has of that name, and hides it."""
        found: defaultdict[str, list[object]] = defaultdict(list)
        if self._has_dict:
            for item in items:
                for name, value in object.__getattribute__(item, "__dict__").items():
                    found[name].append(value)
        for name, slot in self._slots:
            found[name] += _filled(slot, items)
        if self._is_exception:
            found["args"] += map(BaseException.__dict__["args"].__get__, items)
        return found


def _filled(slot: MemberDescriptorType, items: Sequence[object]) -> list[object]:
    """The values of a slot, without those that have none."""
    read = slot.__get__
    try:
        return list(map(read, items))
    except AttributeError:
        return [read(item) for item in items if _has_value(slot, item)]


def _has_value(slot: MemberDescriptorType, item: object) -> bool:
    try:
        slot.__get__(item)
    except AttributeError:
        return False
    return True


def instance_attributes(item: object) -> dict[str, object]:
    """The attributes that ``item`` itself holds."""
    attributes = Layout(type(item)).attributes((item,))
    return {name: values[-1] for name, values in attributes.items() if values}
