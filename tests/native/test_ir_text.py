"""The text of the IR: complete, deterministic, and read back exactly."""

import math
import struct

import pytest

import random_units
from ufora_worker.native.ir.nodes import Const, Emit, Function, Let, Sink, Unit, Var
from ufora_worker.native.ir.parser import BadText, parse
from ufora_worker.native.ir.printer import text
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_BOOL,
    NUMPY_FLOAT,
    NUMPY_INT,
    Array,
    Scalar,
    Tuple,
    Type,
)

EVERYTHING = """\
unit columns of (int, (float, bool))
bounds n: -16 to -9
dense table
dense xs
spans xs

def item(%index: int, n: int, xs: float:f8[], table: np.int64:i8[,]):
    # A comment, and an empty line.

    safe: int = safe int.add n, %index @3
    copy: int = copy safe
    %1: bool = call is_odd(copy, -1) @4
    %2: np.float64:f8[,] = copy y: np.float64:f8[,]
    for i: int in range(0, n, -1):
        pass
    else:
        return
    if %1:
        emit t: (int, (float, bool))
        small emit small: int
    else:
        bail 'it\\'s "so"' @7

def is_odd(n.2: int, 数: int) -> bool:
    loop:
        %1: int = int.mod n.2, 2
        %2: bool = int.eq %1, 1
    while %2:
        continue
    else:
        while True:
            break
    return %2
"""


def test_a_unit_with_everything_is_read_and_printed() -> None:
    lines = [line for line in EVERYTHING.splitlines() if "comment" not in line]
    printed = "\n".join(lines).replace("]):\n\n", "]):\n") + "\n"
    assert text(parse(EVERYTHING)) == printed


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_a_random_unit_is_read_back_exactly(first: int) -> None:
    for seed in range(first, first + 50):
        unit = random_units.unit(seed)
        printed = text(unit)
        again = parse(printed)
        assert text(again) == printed
        # NaN is not equal to itself, but its text holds its bits.
        assert again == unit or "0x7ff8" in printed


def _nan(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


@pytest.mark.parametrize(
    ("type", "value"),
    [
        *((INT, value) for value in (0, -1, 2**63 - 1, -(2**63))),
        *((FLOAT, value) for value in (0.0, -0.0, 1e16, 5e-324, -1.5e300, 0.1)),
        *(
            (FLOAT, value)
            for value in (math.inf, -math.inf, _nan(0xFFF8 << 48), _nan(0x7FF8 << 48))
        ),
        *((COMPLEX, value) for value in (complex(-0.0, 1e22), complex(math.nan, -math.inf))),
        *((BOOL, True), (BOOL, False), (NUMPY_BOOL, True), (NUMPY_INT, -7), (NUMPY_FLOAT, 1e100)),
        *((CHAR, ord(each)) for each in "a,'\"\\\n )@\0\u20ac\ud800\U0010ffff"),
    ],
)
def test_a_constant_is_read_back_to_the_bit(type: Scalar, value: complex) -> None:
    again = parse(text(_unit(Const(type, value)))).functions[0].body[0]
    assert isinstance(again, Let)
    (const,) = again.args
    assert isinstance(const, Const) and const.type == type
    assert _bits(const.value) == _bits(value)


def _bits(value: complex) -> object:
    if isinstance(value, int):
        return value
    return struct.pack("<dd", value.real, value.imag)


def _unit(const: Const) -> Unit:
    target = Var("x", const.type)
    body = (Let(target, "copy", (const,)), Emit(target))
    return Unit((Function("item", (Var("%index", INT),), None, body),), Sink.COUNT, const.type)


@pytest.mark.parametrize(
    "type", [Tuple(()), Tuple((Tuple((INT,)), CHAR)), Array(CHAR, "u4"), Array(FLOAT, "f4", 2)]
)
def test_a_type_is_read_back(type: Type) -> None:
    function = Function("item", (Var("%index", INT), Var("x", type)), None, ())
    unit = Unit((function,), Sink.COUNT, INT)
    assert parse(text(unit)) == unit


def test_line_numbers_can_be_left_out() -> None:
    unit = parse("unit count of int\n\ndef item(%index: int):\n    x: int = int.neg %index @12\n")
    assert "@12" in text(unit) and "@" not in text(unit, lines=False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("emit nothing", "nothing sets 'nothing'"),
        ("emit 1 2", "did not expect '2'"),
        ("emit ?", "cannot read"),
        ("emits 1", "there is no statement 'emits'"),
        ("x: integer = copy 1", "there is no type 'integer'"),
        ("x: int copy 1", "expected '=', found 'copy'"),
        ("x: int = call f", "expected '('"),
        ("x: complex = copy complex(1.0)", "not a constant of type complex"),
        ("  emit 1", "expected 4 spaces at the beginning, found 6"),
        ("else:", "there is no statement 'else'"),
        ("bail 7", "expected a string, found '7'"),
    ],
)
def test_text_that_is_wrong_is_refused_with_its_line(line: str, message: str) -> None:
    with pytest.raises(BadText, match=r"line 4: ") as caught:
        parse(f"unit total of int\n\ndef item(%index: int):\n    {line}\n")
    assert caught.value.line == 4 and message in str(caught.value)


@pytest.mark.parametrize(
    "head", ["", "unit all", "unit most of int", "unit all of bool\nbounds n: 1", "def f():"]
)
def test_a_head_that_is_wrong_is_refused(head: str) -> None:
    with pytest.raises(BadText):
        parse(head)


def test_a_text_that_ends_too_early_is_refused() -> None:
    with pytest.raises(BadText, match=r"line 4: the text ends too early"):
        parse("unit all of bool\ndef item(%index: int):\n    while True:")
