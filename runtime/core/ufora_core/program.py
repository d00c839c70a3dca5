"""A captured block (a *program*), what one of its loops needs, and what comes back.

These are the contents of objects of the store; the messages of ``protocol`` only name them.
"""

from typing import TypeVar

import msgspec

from ufora_core.errors import ProtocolError
from ufora_core.protocol.parts import ExecutorUse
from ufora_core.values.nodes import Change, Graph, Item, Ref

T = TypeVar("T")


class Block(msgspec.Struct, frozen=True, tag="block"):
    """The body of a ``with`` statement.

    ``source`` is the file's text from the body's first line to its last, dedented, so that it
    parses by itself; ``line`` is the number of its first line in the file and ``column`` what was
    cut from the left of each line.
    """

    source: str
    filename: str
    line: int
    column: int
    #: ``co_name`` of the code around the block: the name in tracebacks (``<module>``, ``main``).
    function: str
    #: True when names are a function's locals, False when they are globals or a class body's.
    optimized: bool
    #: Globals of the frame, as far as reached.
    namespace: Ref
    #: Locals of the frame (or of the class body) that are bound and reached.
    local_names: list[str]
    local_values: list[Item]
    #: Locals of the frame that are reached but unbound when the block starts.
    unbound: list[str]
    #: Locals that live in a cell which a captured function shares: name -> its ``Cell`` node.
    cells: dict[str, Ref]
    #: Every name that the block may bind or delete.
    assigned: list[str]
    #: Name of the class around the frame's function, for ``__private`` names (or empty).
    mangle: str = ""


class Call(msgspec.Struct, frozen=True, tag="call"):
    """``function(*arguments, **keywords)``; the result has one name, ``result``."""

    function: Item
    arguments: list[Item]
    keyword_names: list[str]
    keyword_values: list[Item]


class Define(msgspec.Struct, frozen=True, tag="define"):
    """Nothing to run: the value itself, kept in the cluster under the name ``result``."""

    value: Item


class Download(msgspec.Struct, frozen=True):
    """What of the result travels to the client: values whose encoded form has at most
    ``limit`` bytes (None: all; 0: nothing). The rest stays in the cluster as proxies."""

    limit: int | None = 0


class Program(msgspec.Struct, frozen=True):
    """Something to run, with every value it reaches."""

    task: Block | Call | Define
    graph: Graph
    #: The client's Python, ``(major, minor)``: its rules hold where versions differ.
    python: tuple[int, int]
    download: Download
    recursion_limit: int = 1000


class LoopTask(msgspec.Struct, frozen=True):
    """One loop of a running program: its code site and the values that the site reads.

    Items of ``graph`` refer to the program's own objects by ``Input`` nodes.
    """

    #: Index of the function node that holds the site in the program's graph; -1: the block itself.
    function: int
    #: Number of the site within that code, in source order.
    site: int
    iterable: Item
    names: list[str]
    values: list[Item]
    graph: Graph


class Partial(msgspec.Struct, frozen=True):
    """The result of some items of a loop: ``value`` in the form that the loop's shape chose."""

    #: ``values`` (a list, one a yielded item), ``sum``, ``best``, ``count`` or ``hit``.
    form: str
    value: Item
    graph: Graph


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One line of a traceback, in the user's code."""

    filename: str
    line: int
    name: str


class Raised(msgspec.Struct, frozen=True):
    """The exception that ended the block; ``frames`` run from the block inwards."""

    exception: Item
    frames: list[Frame]


class Proxy(msgspec.Struct, frozen=True):
    """A value that stayed in the cluster: the object of the store that holds its ``Kept``."""

    digest: str
    size: int
    type: str
    text: str


class Kept(msgspec.Struct, frozen=True):
    """The contents of a proxy's object: one value, by itself."""

    value: Item
    graph: Graph


class Result(msgspec.Struct, frozen=True):
    """What a program leaves behind, for the client to land."""

    names: list[str]
    values: list[Item]
    proxies: dict[str, Proxy]
    #: Names that the block deleted.
    deleted: list[str]
    changes: list[Change]
    raised: Raised | None
    graph: Graph
    use: tuple[ExecutorUse, ...] = ()


def encode(value: Program | LoopTask | Partial | Result | Kept) -> bytes:
    """The bytes that go into the object store."""
    return msgspec.msgpack.encode(value)


def decode(data: bytes | memoryview, type: type[T]) -> T:
    """Raises ProtocolError when ``data`` is not what it should be."""
    try:
        return msgspec.msgpack.decode(data, type=type)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"{len(data)} bytes are no {type.__name__}: {error}") from None
