"""Parts of messages that more than one direction uses."""

import msgspec
from msgspec.structs import replace

#: Payloads up to this many bytes ride inside messages; larger ones are named by digest. It keeps
#: a small block's round trip free of files and bulk traffic, and frames far below their limit.
INLINE_LIMIT = 256 * 1024


def kebab(name: str) -> str:
    """``RangeDone`` -> ``range-done``: the tag of a message on the wire."""
    return "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag=kebab):
    """Base of every message: one msgpack map with its tag under ``op``."""


class Payload(msgspec.Struct, frozen=True, array_like=True):
    """An object of the store: by value when it is small, else by its digest alone.

    ``digest`` is the SHA-256 of the bytes in hexadecimal, ``size`` their number.
    """

    digest: str
    size: int
    data: bytes | None = None


class WorkerAddress(msgspec.Struct, frozen=True):
    """Where other workers and the manager reach a worker."""

    name: str
    host: str
    control_port: int
    data_port: int


class ExecutorUse(msgspec.Struct, frozen=True):
    """What one executor did for one job: items run, ranges taken, seconds of running user code."""

    worker: str
    executor: int
    items: int = 0
    ranges: int = 0
    splits: int = 0
    busy_seconds: float = 0.0
    #: Items that ran as native code, and those that it left to CPython.
    native_items: int = 0
    bails: int = 0

    def and_more(self, use: "ExecutorUse") -> "ExecutorUse":
        """What the executor did with what it did besides."""
        counts = self.__struct_fields__[2:]
        return replace(self, **{each: getattr(self, each) + getattr(use, each) for each in counts})


class Failure(msgspec.Struct, frozen=True):
    """Why a job ended without a result. ``message`` is a sentence for the user.

    ``reason`` is one of ``cancelled``, ``executor-died``, ``worker-died``, ``out-of-memory``,
    ``missing-package``, ``missing-object``, ``no-workers``, ``internal``.
    """

    reason: str
    message: str
