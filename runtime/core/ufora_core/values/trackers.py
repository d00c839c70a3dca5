"""Which class of this process a class of the wire is."""

from __future__ import annotations

import secrets
import weakref


class ClassTrackers:
    """Classes and their tracker ids, both ways; keeps no class alive.

    A client has one for all of its jobs: an instance that comes back is then an instance of the
    client's very own class. Ids are looked up by a class's identity, since a metaclass may define
    equality as it likes.
    """

    def __init__(self) -> None:
        self._ids: dict[int, tuple[weakref.ref[type], str]] = {}
        self._classes: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()

    def id_of(self, cls: type) -> str:
        """The id of a class, a new one if it has none."""
        known = self._ids.get(id(cls))
        if known is not None and known[0]() is cls:
            return known[1]
        tracker = secrets.token_hex(8)
        self.add(tracker, cls)
        return tracker

    def add(self, tracker: str, cls: type) -> None:
        """This class is the one that goes by ``tracker``."""
        key = id(cls)
        self._ids[key] = (weakref.ref(cls, lambda _: self._ids.pop(key, None)), tracker)
        self._classes[tracker] = cls

    def find(self, tracker: str) -> type | None:
        """The class that goes by ``tracker``, if it is alive."""
        return self._classes.get(tracker)
