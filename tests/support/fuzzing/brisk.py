"""Machine code in a tenth of the time: of many units at once, without LLVM's slow passes.

A fuzzer would spend nearly all of its time in LLVM. Most of what it looks for is in the units that
LLVM is given, so most programs get by with few passes and the quick code generator, which takes
much longer to be set up than to work: it is given several units at a time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from unittest.mock import patch

from llvmlite import binding as llvm

from ufora_worker.native.ir.nodes import Unit
from ufora_worker.native.llvm import libraries, machine
from ufora_worker.native.llvm.code import Preamble
from ufora_worker.native.llvm.compile import compile_unit
from ufora_worker.native.llvm.driver import NAME
from ufora_worker.native.llvm.entry import Entry
from ufora_worker.native.llvm.module import definitions, whole

#: One program of so many is compiled as the product does it: an odd number, so that each of several
#: processes that share out the numbers gets its part of them.
THOROUGH = 61

_LIBRARIES = count()


def entry_of(unit: Unit, *, thorough: bool) -> Entry:
    """Machine code of a unit."""
    return compile_unit(unit, None) if thorough else entries_of([unit])[0]


def entries_of(units: Sequence[Unit]) -> list[Entry]:
    """Machine code of several units, in one piece of memory that stays as long as any of them.

    Raises:
        RuntimeError: LLVM does not accept one of them.
    """
    symbols = [f"{NAME}.{number}" for number in range(len(units))]
    module = llvm.parse_assembly(_text(units), llvm.create_context())
    module.verify()
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    target = _target()
    passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(0)))
    builder = llvm.JITLibraryBuilder().add_object_img(target.emit_object(module))
    builder.add_current_process()
    for name, address in libraries.addresses().items():
        builder.import_symbol(name, address)
    for symbol in symbols:
        builder.export_symbol(symbol)
    tracker = builder.link(_linker(), f"brisk{next(_LIBRARIES)}")
    codes = [machine.LoadedCode(tracker, symbol) for symbol in symbols]
    return [Entry(unit, code) for unit, code in zip(units, codes, strict=True)]


def _text(units: Sequence[Unit]) -> str:
    """A module of all units, each with names of its own."""
    preamble = Preamble()
    parts = [
        definitions(unit, preamble)
        .replace(f"@{NAME}(", f"@{NAME}.{number}(")
        .replace("@function.", f"@unit.{number}.")
        for number, unit in enumerate(units)
    ]
    return whole(parts, preamble)


@contextmanager
def compiled_by(*, thorough: bool) -> Iterator[None]:
    """Within it the engine compiles so."""

    def compile_so(unit: Unit, objects: object, **_: object) -> Entry:
        return entry_of(unit, thorough=thorough)

    with patch("ufora_worker.native.compilation.compile_unit", compile_so):
        yield


@cache
def _target() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    host = machine.host()
    target = llvm.Target.from_triple(host.triple)
    return target.create_target_machine(
        cpu=host.cpu, features=host.features, opt=0, reloc="pic", codemodel="small", jit=True
    )


@cache
def _linker() -> llvm.LLJIT:
    return llvm.create_lljit_compiler(_target())
