"""``sum`` of packed floats as native code, by the rules of ``float_sum``."""

from ufora_worker.loops.float_sum import Doubles
from ufora_worker.native.attention import Attention
from ufora_worker.native.ir.nodes import (
    Block,
    Const,
    Emit,
    For,
    Function,
    Let,
    Return,
    Sink,
    Unit,
    Var,
)
from ufora_worker.native.ir.types import BOOL, FLOAT, INT, Array, Tuple
from ufora_worker.native.service import NativeCode
from ufora_worker.native.translate.unit import Translation

_VALUES = Var("values", Array(FLOAT, "f8"))
_TOTAL, _ERROR = Var("total", FLOAT), Var("error", FLOAT)
_VALUE, _NEW = Var("value", FLOAT), Var("new", FLOAT)
_STATE = Var("state", Tuple((FLOAT, FLOAT)))


class FloatFold:
    """Native code that goes on with a sum of floats."""

    def __init__(self, code: NativeCode, attention: Attention) -> None:
        self._entry, self._unit = code.entry, code.unit
        self._attention = attention

    def __call__(self, values: Doubles, total: float, error: float) -> tuple[float, float]:
        """The total and its error (see ``float_sum``) after adding these doubles."""
        from ufora_worker.native.llvm.columns import Columns, address_of
        from ufora_worker.native.llvm.frame import bits

        words = [address_of(values), len(values), values.itemsize, bits(total), bits(error)]
        columns = Columns.for_unit(self._unit, 1)
        with self._attention.native_code():
            run = self._entry.run(0, 1, words, columns, self._attention)
        total, error = (float(column[0]) for column in run.columns)
        return total, error


def fold_translation(*, compensated: bool) -> Translation:
    """What the compiler makes the fold's code of; its values come with each call."""
    return Translation(fold_unit(compensated=compensated), ([0.0], 0.0, 0.0))


def fold_unit(*, compensated: bool) -> Unit:
    """A unit of one item, which adds ``values`` to ``(total, error)`` in order and emits both."""
    turn: Block = (
        Let(_VALUE, "array.get", (_VALUES, Var("i", INT))),
        Let(_NEW, "float.add", (_TOTAL, _VALUE)),
        *(_compensation() if compensated else ()),
        Let(_TOTAL, "copy", (_NEW,)),
    )
    body: Block = (
        Let(Var("count", INT), "array.len", (_VALUES, Const(INT, 0))),
        For(Var("i", INT), Const(INT, 0), Var("count", INT), Const(INT, 1), turn),
        Let(_STATE, "tuple.make", (_TOTAL, _ERROR)),
        Emit(_STATE),
        Return(),
    )
    item = Function("item", (Var("%index", INT), _VALUES, _TOTAL, _ERROR), None, body)
    return Unit((item,), Sink.COLUMNS, _STATE.type)


def _compensation() -> Block:
    """``error += (larger - new) + smaller``, which of the two terms is larger by magnitude."""
    larger, smaller = Var("larger", FLOAT), Var("smaller", FLOAT)
    first, second, at_least = Var("|total|", FLOAT), Var("|value|", FLOAT), Var("at_least", BOOL)
    lost, part = Var("lost", FLOAT), Var("part", FLOAT)
    return (
        Let(first, "float.abs", (_TOTAL,)),
        Let(second, "float.abs", (_VALUE,)),
        Let(at_least, "float.ge", (first, second)),
        Let(larger, "select", (at_least, _TOTAL, _VALUE)),
        Let(smaller, "select", (at_least, _VALUE, _TOTAL)),
        Let(lost, "float.sub", (larger, _NEW)),
        Let(part, "float.add", (lost, smaller)),
        Let(_ERROR, "float.add", (_ERROR, part)),
    )
