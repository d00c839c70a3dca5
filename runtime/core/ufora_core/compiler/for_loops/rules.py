"""What the fold of a ``for`` loop may do: it runs in order, beside items that are run elsewhere, so
everything it changes must be known."""

import array
import ast
import builtins
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Mapping

from ufora_core.compiler.effects.proof import quote


class NotSplit(Exception):
    """Raised while a loop's body is taken apart, at the first thing that stands in the way."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def not_split(node: ast.AST, message: str) -> NotSplit:
    """Why a loop runs as written, and where that stands."""
    return NotSplit(message, getattr(node, "lineno", 0))


#: Methods that change their object and call nothing of the user's but special methods of the
#: values, by what the object must be exactly.
METHODS: Mapping[str, tuple[type, ...]] = {
    "append": (list, deque, bytearray, array.array),
    "appendleft": (deque,),
    "extend": (list, deque, bytearray, array.array),
    "insert": (list, deque),
    "add": (set,),
    "discard": (set,),
    "update": (dict, set, Counter, defaultdict, OrderedDict),
    "setdefault": (dict, defaultdict, OrderedDict),
}
#: Methods that only look.
LOOKING: Mapping[str, tuple[type, ...]] = {
    "get": (dict, defaultdict, Counter, OrderedDict),
}
#: Objects whose items may be assigned (arrays of NumPy too).
SUBSCRIPTED = (dict, list, defaultdict, Counter, OrderedDict, deque, bytearray, array.array)

#: Builtins that the fold may call: they use nothing but their arguments.
_FUNCTIONS = frozenset(
    {
        *("abs", "bool", "bytes", "chr", "complex", "dict", "divmod", "float", "frozenset", "hash"),
        *("hex", "int", "isinstance", "len", "list", "max", "min", "ord", "pow", "print", "range"),
        *("repr", "round", "set", "sorted", "str", "sum", "tuple", "type"),
    }
)
FUNCTIONS = _FUNCTIONS | {
    name
    for name, each in vars(builtins).items()
    if isinstance(each, type) and issubclass(each, Exception)
}

#: Expressions of which the fold may be made.
PLAIN = (
    *(ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Starred),
    *(ast.JoinedStr, ast.FormattedValue),
)

#: Statements of which an item's work may be made.
MAPPED = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Pass),
    *(ast.Try, ast.With, ast.Assert, ast.Raise, ast.Break, ast.Continue),
)

#: What a body must not contain anywhere, and what to do instead.
_FOREIGN: Mapping[type, str] = {
    ast.Yield: "gives the value away while the loop runs: gather the values in a list",
    ast.YieldFrom: "gives values away while the loop runs: gather them in a list",
    ast.Await: "waits in the middle of the loop",
    ast.Global: "declares a variable in the loop: do so before it",
    ast.Nonlocal: "declares a variable in the loop: do so before it",
    ast.Delete: "deletes something in the loop: do so after it",
    ast.FunctionDef: "defines a function in the loop: define it before the loop",
    ast.AsyncFunctionDef: "defines a function in the loop: define it before the loop",
    ast.ClassDef: "defines a class in the loop: define it before the loop",
    ast.Import: "imports in the loop: do so at the top of the file",
    ast.ImportFrom: "imports in the loop: do so at the top of the file",
    ast.AsyncFor: "waits in the middle of the loop",
    ast.AsyncWith: "waits in the middle of the loop",
    ast.Match: "is not looked into in a loop: write `if` and `elif`",
    ast.TryStar: "is not looked into in a loop: write `try` and `except`",
    ast.NamedExpr: "assigns in the middle of an expression: give the assignment a line of its own",
}


def check(body: list[ast.stmt]) -> None:
    """Refuses a body that contains what no item and no fold may.

    Raises:
        NotSplit: it does.
    """
    for statement in body:
        for node in ast.walk(statement):
            message = _FOREIGN.get(type(node))
            if message is not None:
                raise not_split(node, f"{quote(node)} {message}")
            if isinstance(node, ast.Name) and node.id in ("super", "__class__"):
                raise not_split(
                    node, "`super()` needs the method around it: call it before the loop"
                )
            if isinstance(node, ast.ExceptHandler) and node.name is not None:
                raise not_split(node, f"`except ... as {node.name}` deletes a variable in the loop")
