"""How long code takes, very roughly, to know how often a loop has to look at the attention word."""

from collections.abc import Mapping

from ufora_worker.native.ir import nodes

#: Nanoseconds between two polls, at most, give or take a factor of ten.
_INTERVAL = 1 << 17
_LONGEST = 1 << 16
#: What operations take in nanoseconds; the others about one.
_NANOSECONDS: Mapping[str, int] = {
    **dict.fromkeys(("float.pow", "float.mod", "float.floordiv", "complex.abs"), 16),
    **dict.fromkeys(("int.floordiv", "int.mod", "int.isqrt", "float.truediv"), 4),
    **dict.fromkeys(("int.pow", "int.gcd", "int.mul_add_mod", "complex.powi"), 128),
    "int.powmod": 2048,
}
_OF_MATHEMATICS = 16


class Weights:
    """How long statements of a unit take, without the turns of their loops, which poll."""

    def __init__(self, functions: Mapping[str, nodes.Function]) -> None:
        self._functions = functions
        self._known: dict[str, int] = {}

    def strip_length(self, body: nodes.Block) -> int:
        """Turns of a loop with this body between two polls."""
        return max(1, min(_LONGEST, _INTERVAL // max(1, self._block(body))))

    def _block(self, block: nodes.Block) -> int:
        return sum(map(self._statement, block))

    def _statement(self, statement: nodes.Statement) -> int:
        match statement:
            case nodes.Let(op=op):
                return _NANOSECONDS.get(op, _OF_MATHEMATICS if op.startswith("math.") else 1)
            case nodes.Invoke(function=function):
                return self._function(function)
            case nodes.If(then=then, orelse=orelse):
                return max(self._block(then), self._block(orelse))
            case nodes.While(head=head, body=body, orelse=orelse):
                return self._block(head) + self._block(body) + self._block(orelse)
            case nodes.For(body=body, orelse=orelse):
                return self._block(body) + self._block(orelse)
            case _:
                return 1

    def _function(self, name: str) -> int:
        if name not in self._known:
            # A call inside itself weighs nothing: recursive functions poll.
            self._known[name] = 1
            self._known[name] = 1 + self._block(self._functions[name].body)
        return self._known[name]
