"""What the user would call an object: ``config['lock']``, ``job.queue[2]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import CellType, FunctionType
from typing import Any


@dataclass(slots=True)
class Trail:
    """Where each object of a graph was first met."""

    objects: list[Any] = field(default_factory=list)
    #: Index of the object that it was met in, -1 for what was given.
    parents: list[int] = field(default_factory=list)
    #: What the given ones are called.
    labels: dict[int, str] = field(default_factory=dict)
    #: Temporary objects that only describe the object that they were met in.
    parts: set[int] = field(default_factory=set)

    def owner(self, index: int) -> int:
        """The real object that this one was met in, or -1."""
        parent = self.parents[index]
        while parent in self.parts:
            parent = self.parents[parent]
        return parent

    def label(self, index: int) -> str:
        """What the user would call the object, or an empty string."""
        steps: list[str] = []
        while index >= 0:
            if index in self.labels:
                return self.labels[index] + "".join(reversed(steps))
            parent = self.owner(index)
            if parent < 0:
                break
            step = _step(self.objects, self.parents, parent, index)
            if step.startswith("="):
                return step[1:] + "".join(reversed(steps))
            steps.append(step)
            index = parent
        return "".join(reversed(steps)).lstrip(".")


def _step(objects: Sequence[Any], parents: Sequence[int], parent: int, index: int) -> str:
    """How the parent's user writes the child; with ``=``, a name that needs no parent."""
    holder, value = objects[parent], objects[index]
    kind = type(holder)  # which the holder itself may lie about
    if issubclass(kind, dict):
        for key, each in dict.items(holder):
            if each is value:
                return f"={key}" if "__builtins__" in holder else f"[{key!r}]"
    if kind is CellType:
        return _cell_name(holder, objects[parents[parent]])
    if issubclass(kind, list | tuple):
        for position, each in enumerate(holder):
            if each is value:
                return f"[{position}]"
    attributes: Mapping[str, Any] = getattr(holder, "__dict__", {})
    for name, each in attributes.items():
        if each is value:
            return f".{name}"
    return ""


def _cell_name(cell: CellType, function: Any) -> str:
    if type(function) is FunctionType:
        for name, each in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=False
        ):
            if each is cell:
                return f"={name}"
    return ""
