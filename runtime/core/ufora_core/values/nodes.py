"""The nodes of a graph of values: what an object is on the wire.

A ``Graph`` is a table of nodes. Small immutable values (``None``, ``bool``, 64-bit ``int``,
``float``, short ``str``) stand where they are used; everything else (a NaN, too, which containers
tell from any other by its identity) is a node, named by a ``Ref``, so shared and cyclic references
stay what they are. Bytes above ``BLOB_LIMIT`` are not in the graph but in the object store, named
by their digest: a graph plus its blobs is content-addressed, and what the cluster has already seen
is not sent again.
"""

import msgspec

from ufora_core.values.items import BLOB_LIMIT as BLOB_LIMIT
from ufora_core.values.items import Bytes as Bytes
from ufora_core.values.items import Item as Item
from ufora_core.values.items import Ref as Ref


class Node(msgspec.Struct, frozen=True, array_like=True, tag_field="kind"):
    """Base of the nodes."""


# ------------------------------------------------------------------------------ plain values


class BigInt(Node, frozen=True, tag="int"):
    """An int beyond 64 bits, in hexadecimal with its sign."""

    digits: str


class NotANumber(Node, frozen=True, tag="nan"):
    """A float that is none: one NaN, and no other."""

    value: float


class Complex(Node, frozen=True, tag="complex"):
    """A complex number."""

    real: float
    imag: float


class Text(Node, frozen=True, tag="str"):
    """A long str, or one with lone surrogates; UTF-8 with ``surrogatepass``."""

    data: Bytes


class Binary(Node, frozen=True, tag="bytes"):
    """A bytes object."""

    data: Bytes


class ByteArray(Node, frozen=True, tag="bytearray"):
    """A bytearray."""

    data: Bytes


class List(Node, frozen=True, tag="list"):
    """A list."""

    items: list[Item]


class Tuple(Node, frozen=True, tag="tuple"):
    """A tuple."""

    items: list[Item]


class Packed(Node, frozen=True, tag="packed"):
    """A list or tuple (``container``) of floats (``code`` d), 64-bit ints (q), or numbers of one of
    NumPy's classes (``scalar``), little endian. Something else has the ``nans``, too."""

    container: str
    code: str
    data: Bytes
    places: list[int] = []
    nans: list[Item] = []
    scalar: Item = None


class Column(msgspec.Struct, frozen=True, array_like=True):
    """A column of a ``Table`` or of ``Entries``: numbers as in ``Packed``, or ``items`` without a
    ``Ref`` among them."""

    code: str = ""
    data: Bytes | None = None
    items: list[Item] = []


class Table(Node, frozen=True, tag="table"):
    """A list or tuple (``container``) of tuples, by what stands at each place in them."""

    container: str
    columns: list[Column]


class Entries(Node, frozen=True, tag="entries"):
    """A dict, in its order, of keys and values that have no nodes of their own."""

    keys: Column
    values: Column


class Row(Node, frozen=True, tag="row"):
    """A tuple of a ``Table`` that something else refers to."""

    table: Ref
    index: int


class Dict(Node, frozen=True, tag="dict"):
    """A dict, in its order."""

    keys: list[Item]
    values: list[Item]


class Set(Node, frozen=True, tag="set"):
    """A set."""

    items: list[Item]


class FrozenSet(Node, frozen=True, tag="frozenset"):
    """A frozenset."""

    items: list[Item]


class RangeObject(Node, frozen=True, tag="range"):
    """A range."""

    start: Item
    stop: Item
    step: Item


class SliceObject(Node, frozen=True, tag="slice"):
    """A slice."""

    start: Item
    stop: Item
    step: Item


class Array(Node, frozen=True, tag="array"):
    """A NumPy array; its buffer is contiguous in ``order`` (C or F)."""

    dtype: Item
    shape: tuple[int, ...]
    order: str
    data: Bytes
    writeable: bool


# ------------------------------------------------------------------------------ code


class Source(msgspec.Struct, frozen=True, array_like=True):
    """Source text of one function: a ``def`` or ``lambda``, as it stands in the file.

    ``line`` is the number of the text's first line in the file, ``column`` the offset that the
    text's first line had there, in bytes of UTF-8; ``mangle`` is the name of the class around a
    method (or empty).
    """

    text: str
    filename: str
    line: int
    column: int
    mangle: str
    #: ``__future__`` features that the file switched on, as flags of ``compile``.
    flags: int = 0
    #: ``co_qualname`` of the code, which decorators do not change.
    qualname: str = ""
    #: Names of the variables that the function shares with the code around it.
    freevars: tuple[str, ...] = ()
    #: Names in it that its module imports: calls of their attributes are compiled in another way.
    imports: tuple[str, ...] = ()
    #: Line of the first decorator, where the function's code begins; 0 if it has none.
    decorated: int = 0


class Function(Node, frozen=True, tag="function"):
    """A function of the user's. It has source, or (``code``) marshalled byte code that only the
    same minor version of Python can run."""

    name: str
    qualname: str
    source: Source | None
    code: bytes | None
    namespace: Ref
    #: One cell for each name of ``Source.freevars`` (byte code: of ``co_freevars``), in order.
    closure: list[Ref]
    defaults: Item
    kwdefaults: Item
    attributes: Item
    doc: Item
    module: Item
    annotations: Item
    #: The version of Python, ``major.minor``, that ``code`` belongs to.
    python: str = ""
    #: Where ``code`` does not fit, the function's class has it written again.
    rewritable: bool = False


class Cell(Node, frozen=True, tag="cell"):
    """A variable that functions share; ``empty`` when nothing is assigned yet."""

    empty: bool
    value: Item


class Namespace(Node, frozen=True, tag="namespace"):
    """Global names of one module of the user's, as far as they are reached.

    In a ``Change``: the names that were bound anew, and the ``deleted`` ones.
    """

    module: str
    names: list[str]
    values: list[Item]
    deleted: list[str] = []


class Wrapped(Node, frozen=True, tag="wrapped"):
    """``staticmethod``, ``classmethod`` or ``property`` around functions."""

    type: str
    parts: list[Item]


class BoundMethod(Node, frozen=True, tag="method"):
    """A method taken from its object."""

    function: Item
    owner: Item


class Class(Node, frozen=True, tag="class"):
    """A class of the user's, by value. ``tracker`` tells the sender which of its classes this is,
    so that what comes back is an instance of the very same one.

    In a ``Change``: the attributes that were set, and the ``deleted`` ones.
    """

    name: str
    qualname: str
    module: str
    tracker: str
    metaclass: Item
    bases: list[Item]
    names: list[str]
    values: list[Item]
    #: How many of ``names``, from the first on, are members of an enumeration.
    members: int = 0
    #: A dict: member -> what the enumeration's own ``__init__`` or ``__new__`` stored in it.
    member_state: Item = None
    #: A list of the classes that an abstract class had registered as subclasses.
    registered: Item = None
    #: Methods that ``dataclass`` or ``namedtuple`` can write again on the other side.
    generated: list[str] = []
    deleted: list[str] = []


class Instance(Node, frozen=True, tag="instance"):
    """An object with a ``__dict__`` and/or slots and nothing else."""

    type: Item
    names: list[str]
    values: list[Item]
    slots: list[str]
    slot_values: list[Item]


# ------------------------------------------------------------------------------ by name, by recipe


class Named(Node, frozen=True, tag="named"):
    """Something importable: ``module`` alone, or an attribute of it."""

    module: str
    qualname: str


class UserModule(Node, frozen=True, tag="module"):
    """A module of the user's project, as far as it is reached."""

    name: str
    file: str
    namespace: Ref


class ModuleSource(Node, frozen=True, tag="module-source"):
    """A module of the user's project that the block imports itself: its text, to run there."""

    name: str
    file: str
    package: bool
    text: str


class Reduced(Node, frozen=True, tag="reduced"):
    """What ``object.__reduce_ex__`` gives: how to build the object and what to put into it."""

    call: Item
    arguments: Item
    state: Item
    items: Item
    pairs: Item


class Pickled(Node, frozen=True, tag="pickled"):
    """Bytes of cloudpickle, for what nothing above can carry. Only an executor (or the client that
    asked) loads it."""

    data: Bytes
    type: str
    python: str


class Placeholder(Node, frozen=True, tag="placeholder"):
    """Stands for a value that nothing can carry; touching it raises ``UnconvertibleValueError``."""

    variable: str
    type: str
    reason: str
    where: str
    #: It stayed in the cluster, where the block made it.
    in_cluster: bool = False


class Input(Node, frozen=True, tag="input"):
    """An object of the program's own graph (in a result or a loop's values): not a copy of it."""

    index: int


class Remote(Node, frozen=True, tag="remote"):
    """A value that stays in the cluster: the object of the store that holds its graph."""

    digest: str
    size: int


AnyNode = (
    BigInt
    | NotANumber
    | Complex
    | Text
    | Binary
    | ByteArray
    | List
    | Tuple
    | Packed
    | Table
    | Entries
    | Row
    | Dict
    | Set
    | FrozenSet
    | RangeObject
    | SliceObject
    | Array
    | Function
    | Cell
    | Namespace
    | Wrapped
    | BoundMethod
    | Class
    | Instance
    | Named
    | UserModule
    | ModuleSource
    | Reduced
    | Pickled
    | Placeholder
    | Input
    | Remote
)


class Graph(msgspec.Struct, frozen=True):
    """A table of nodes. ``Ref(i)`` anywhere in it means ``nodes[i]``."""

    nodes: list[AnyNode] = []


class Change(msgspec.Struct, frozen=True, array_like=True):
    """Node ``index`` of the program was changed in place; ``node`` is what it holds now, with
    items that belong to the result's graph."""

    index: int
    node: AnyNode
