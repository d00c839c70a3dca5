"""The machine code itself: what is not in it, and that threads do not get into each other's way."""

from __future__ import annotations

import re
import threading

import pytest

from machine_code import entry_of, run
from ufora_worker.native.ir.nodes import Const, Emit, Function, Let, Sink, Statement, Unit, Var
from ufora_worker.native.ir.operations import OPERATIONS, STRUCTURAL
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.ir.types import FLOAT, INT
from ufora_worker.native.llvm import machine
from ufora_worker.native.llvm.compile import TooLarge
from ufora_worker.native.llvm.libraries import addresses
from ufora_worker.native.llvm.module import module_text
from ufora_worker.native.llvm.supported import supported


def everything() -> Unit:
    """A unit with every operation on scalars, of operands that are not known before."""
    body: list[Statement] = []
    parameters: list[Var] = []
    for number, op in enumerate(sorted(supported() - STRUCTURAL)):
        operands = [Var(f"x{number}.{k}", type) for k, type in enumerate(OPERATIONS[op].takes)]
        parameters += operands
        target = Var(f"%{number}", OPERATIONS[op].gives)
        body += [Let(target, op, tuple(operands)), Emit(target)]
    item = Function("item", (Var("%index", INT), *parameters), None, tuple(body))
    return Unit((item,), Sink.COUNT, INT)


def calls(assembly: str) -> set[str]:
    """Names of the functions that are called or jumped to; the callback has none."""
    found = re.findall(r"\b(?:call|jmp)q?\s+([A-Za-z_][\w.]*)", assembly)
    return {name for name in found if not name.startswith(".L")}


def test_multiplications_and_additions_are_not_fused() -> None:
    text = """
unit columns of float

def item(%index: int, a: float, b: float, c: complex, d: complex):
    %1: float = float.mul a, b
    %2: float = float.add %1, a
    emit %2
    %3: float = float.sub %1, b
    emit %3
    %4: complex = complex.mul c, d
    %5: complex = complex.truediv c, d
    %6: complex = complex.add %4, %5
    %7: float = complex.real %6
    emit %7
"""
    assembly = machine.assembly(module_text(parse(text)))
    assert "mul" in assembly
    assert not re.search(r"\bv?fn?m(add|sub)|\bfmadd|\bfmla", assembly)


def test_only_functions_with_private_names_are_called() -> None:
    assembly = machine.assembly(module_text(everything()))
    # The remainder's result is not used here, and it has no other effect.
    assert calls(assembly) | {"ufora_umodti3"} == addresses().keys()


def test_calls_with_constant_arguments_are_not_computed_by_the_compiler() -> None:
    for op in ("math.sin", "math.exp", "math.log", "math.pow", "float.pow", "float.mod"):
        operands = tuple(Const(FLOAT, 2.0) for _ in OPERATIONS[op].takes)
        target = Var("%1", FLOAT)
        item = Function(
            "item", (Var("%index", INT),), None, (Let(target, op, operands), Emit(target))
        )
        assembly = machine.assembly(module_text(Unit((item,), Sink.COLUMNS, FLOAT)))
        assert len(calls(assembly)) == 1, op


def test_wide_remainders_are_those_of_a_library_by_a_private_name() -> None:
    text = """
unit total of int

def item(%index: int, a: int, m: int):
    %1: int = int.mul_add_mod a, a, %index, m
    emit %1
    %2: int = int.powmod a, %index, m
    emit %2
"""
    assert calls(machine.assembly(module_text(parse(text)))) == {"ufora_umodti3"}


def test_a_square_by_power_is_the_librarys_and_no_product() -> None:
    text = """
unit columns of float

def item(%index: int, x: float):
    %1: float = float.pow x, 2.0
    emit %1
"""
    assembly = machine.assembly(module_text(parse(text)))
    assert calls(assembly) == {"ufora_pow"}


def test_code_is_compiled_while_other_code_runs() -> None:
    slow = entry_of("unit total of int\n\ndef item(%index: int):\n    emit %index\n")
    made: list[int] = []

    def compile_some() -> None:
        for number in range(5):
            text = f"unit total of int\n\ndef item(%index: int):\n    emit {number}\n"
            made.append(run(entry_of(text), 0, 10).total)

    threads = [threading.Thread(target=compile_some) for _ in range(2)]
    for thread in threads:
        thread.start()
    totals = {run(slow, 0, 10**6).total for _ in range(50)}
    for thread in threads:
        thread.join()
    assert totals == {sum(range(10**6))}
    assert sorted(made) == [0, 0, 10, 10, 20, 20, 30, 30, 40, 40]


def test_code_stays_in_memory_while_its_entry_lives() -> None:
    entries = []
    for number in range(20):
        text = f"unit total of int\n\ndef item(%index: int):\n    emit {number}\n"
        entries.append(entry_of(text))
        if number % 2:
            del entries[0]
    assert [run(entry, 0, 1).total for entry in entries] == list(range(10, 20))


def long_unit(statements: int) -> Unit:
    lines = [f"    s: int = int.mul s, a\n    s: int = int.add s, {k}" for k in range(statements)]
    text = "\n".join(lines)
    head = "unit total of int\n\ndef item(%index: int, a: int):\n    s: int = copy %index"
    return parse(f"{head}\n{text}\n    emit s\n")


def test_a_long_unit_is_compiled_with_less_thought() -> None:
    unit = long_unit(400)
    assert len(module_text(unit)) > machine.THOROUGH
    assert run(entry_of(unit), 0, 3, 1).total == sum(range(3)) + 3 * sum(range(400))


def test_a_unit_that_is_too_long_is_not_compiled() -> None:
    with pytest.raises(TooLarge, match="characters of assembly, more than"):
        entry_of(long_unit(4000))


def test_text_that_llvm_does_not_accept_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="expected"):
        machine.compile_object("define nonsense")
