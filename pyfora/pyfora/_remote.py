"""Stand-ins for values that stay in the cluster."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pyfora._futures import Future
from ufora_core.program import Proxy


class Owner(Protocol):
    """What remote values ask of the connection that they belong to."""

    def download(self, proxy: Proxy, text: str) -> Future[Any]:
        """A copy of the value, in this process; ``text`` is what people see of it."""
        ...

    def call(
        self, function: "RemoteValue", arguments: Sequence[object], keywords: Mapping[str, object]
    ) -> "Future[RemoteValue]":
        """What the function returns, in the cluster."""
        ...


class RemoteValue:
    """A value that lives in the cluster; it is released there when its last stand-in is gone.

    It may be used in blocks, and as an argument or free variable of what is submitted, without a
    detour through this process. Attributes and operators need the value here: ``to_local()``.
    """

    __slots__ = ("__weakref__", "_owner", "_proxy")

    def __init__(self, owner: Owner, proxy: Proxy) -> None:
        """Made by a connection, never by users."""
        self._owner = owner
        self._proxy = proxy

    def to_local(self) -> Future[Any]:
        """A future of a copy of the value in this process."""
        return self._owner.download(self._proxy, repr(self))

    toLocal = to_local  # noqa: N815  (the name that pyfora always had)

    def __call__(self, *arguments: object, **keywords: object) -> "Future[RemoteValue]":
        """Call the value in the cluster; what it returns stays there too."""
        return self._owner.call(self, arguments, keywords)

    def __ufora_remote__(self) -> tuple[str, int]:
        """For the encoder: the object of the store that holds the value, and its size."""
        return self._proxy.digest, self._proxy.size

    def __repr__(self) -> str:
        text = " ".join(self._proxy.text.split())  # of an array it has several lines
        return f"<RemoteValue {self._proxy.type}: {text}>"
