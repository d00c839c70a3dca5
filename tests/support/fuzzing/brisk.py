"""Machine code in a fifth of the time: as the product makes it, or without LLVM's slow passes.

A fuzzer spends nearly all of its time in LLVM. Most of what it looks for is in the units that LLVM
is given, so most programs get by with few passes and the quick code generator.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

from llvmlite import binding as llvm

from ufora_worker.native.ir.nodes import Unit
from ufora_worker.native.llvm import machine
from ufora_worker.native.llvm.compile import compile_unit
from ufora_worker.native.llvm.driver import NAME
from ufora_worker.native.llvm.entry import Entry
from ufora_worker.native.llvm.module import module_text

#: One program of so many is compiled as the product does it.
THOROUGH = 16


def entry_of(unit: Unit, *, thorough: bool) -> Entry:
    """Machine code of a unit."""
    if thorough:
        return compile_unit(unit, None)
    target = _target()
    module = llvm.parse_assembly(module_text(unit), llvm.create_context())
    module.verify()
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(0)))
    return Entry(unit, machine.load(bytes(target.emit_object(module)), NAME))


@contextmanager
def compiled_by(*, thorough: bool) -> Iterator[None]:
    """Within it the engine compiles so."""

    def compile_so(unit: Unit, objects: object) -> Entry:
        return entry_of(unit, thorough=thorough)

    with patch("ufora_worker.native.compilation.compile_unit", compile_so):
        yield


@cache
def _target() -> llvm.TargetMachine:
    machine._target()  # sets LLVM up
    host = machine.host()
    target = llvm.Target.from_triple(host.triple)
    return target.create_target_machine(
        cpu=host.cpu, features=host.features, opt=0, reloc="pic", codemodel="small", jit=True
    )
