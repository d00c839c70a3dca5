"""A captured block (a *program*), what one of its loops needs, and what comes back.

These are the contents of objects of the store; the messages of ``protocol`` only name them.
"""

from typing import Any, TypeVar

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
    #: Names that the block assigns and that are globals, since the function says ``global name``.
    global_names: list[str] = []
    #: True when the frame's locals are a dict of their own beside the globals (a class body).
    own_locals: bool = False
    #: Name of the function's first argument when the block calls ``super()``: in the block that
    #: means ``super(__class__, first_argument)``, and both names are among the locals.
    first_argument: str = ""
    #: ``__future__`` features that the file switched on, as flags of ``compile``.
    flags: int = 0
    #: ``co_qualname`` of the code around the block, which names of functions made in it begin with.
    qualname: str = ""


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
    #: What the client has set for its process, by the names of ``ambient.STATES``.
    ambient: dict[str, Any] = {}


class ItemText(msgspec.Struct, frozen=True):
    """What a loop does with an item, as text, so that others can make native code of it too."""

    #: The comprehension, on one line.
    text: str
    #: Names of the slice's arguments.
    names: list[str]
    filename: str
    line: int
    #: Class around the code, for ``__private`` names.
    mangle: str = ""


class LoopTask(msgspec.Struct, frozen=True):
    """One loop of a running program, with all it takes to run its items anywhere.

    It holds the values as they are when the loop is first split, not as the program brought them:
    the block may have changed them since.
    """

    #: Name of the loop's shape (``ufora_core.compiler.sites.rewriting.Kind``).
    kind: str
    #: ``slice(items, *arguments)`` gives what the items yield.
    slice: Item
    iterable: Item
    arguments: list[Item]
    graph: Graph
    #: As in ``Program``.
    python: tuple[int, int]
    recursion_limit: int = 1000
    #: None where no native code can be made of it.
    text: ItemText | None = None


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """Items ``[lo, hi)`` of a loop in one of the forms that the loop's shape knows.

    ``values`` is a list of what the items yielded; any other form is a summary of it.
    """

    form: str
    lo: int
    hi: int
    value: Item


class Partial(msgspec.Struct, frozen=True):
    """The result of a range: its segments in order.

    ``Input(i)`` in ``graph`` is node ``i`` of the loop's task.
    ``key`` makes the bytes of every partial result different, since each is deleted when merged.
    """

    key: str
    segments: list[Segment]
    graph: Graph


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One line of a traceback, in the user's code.

    The last three place the failing expression, as ``co_positions`` of the frame's code does (for
    the block: as in the file), so that the traceback has its ``^^^^``; -1 when they are not known.
    """

    filename: str
    line: int
    name: str
    end_line: int = -1
    column: int = -1
    end_column: int = -1


class Raised(msgspec.Struct, frozen=True):
    """An exception that left the block, or (``cause``, ``context``) that led to it.

    ``frames`` run from the block inwards.
    """

    exception: Item
    frames: list[Frame]
    cause: "Raised | None" = None
    context: "Raised | None" = None
    suppress_context: bool = False


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


class Explanation(msgspec.Struct, frozen=True):
    """Why something did not happen: the place and the reason in the user's words, and the edit
    that would change it, where one is known."""

    message: str
    filename: str
    line: int
    edit: str = ""


class LoopFacts(msgspec.Struct, frozen=True):
    """What became of one loop of a program, over all the times that it was reached."""

    filename: str
    line: int
    #: The loop as text.
    text: str
    #: Times that the engine ran it, and times that it ran as written; both are 0 for a ``for``
    #: statement that always runs as written, which nobody counts.
    taken: int
    declined: int
    #: Items and wall-clock seconds of the former.
    items: int = 0
    seconds: float = 0.0
    #: Ranges that were given away, and those that another executor ran.
    splits: int = 0
    steals: int = 0
    #: Items that ran as native code, and those that native code left to CPython.
    native_items: int = 0
    bails: int = 0
    #: Why it ran as written the last time that it did.
    why_sequential: Explanation | None = None
    #: Why no native code could be made the last time.
    why_interpreted: Explanation | None = None


class FunctionFacts(msgspec.Struct, frozen=True):
    """What became of one function that loops of a program call."""

    name: str
    filename: str
    line: int
    native: bool
    why_interpreted: Explanation | None = None


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
    #: What the program has set for its process, of what the client sent or would have.
    ambient: dict[str, Any] = {}
    use: tuple[ExecutorUse, ...] = ()
    loops: tuple[LoopFacts, ...] = ()
    functions: tuple[FunctionFacts, ...] = ()


def encode(value: Program | LoopTask | Partial | Result | Kept) -> bytes:
    """The bytes that go into the object store."""
    return msgspec.msgpack.encode(value)


#: Made while this module is imported: msgspec works out a type when a decoder first meets it, and
#: two threads that do so at once crash the process.
_decoders: dict[type, msgspec.msgpack.Decoder[Any]] = {
    kind: msgspec.msgpack.Decoder(kind) for kind in (Program, LoopTask, Partial, Result, Kept)
}


def decode(data: bytes | memoryview, type: type[T]) -> T:
    """Raises ProtocolError when ``data`` is not what it should be."""
    try:
        content: T = _decoders[type].decode(data)
        return content
    except msgspec.DecodeError as error:
        raise ProtocolError(f"{len(data)} bytes are no {type.__name__}: {error}") from None
