"""Machine code of LLVM assembly, and machine code in memory.

All calls of LLVM go one after the other (llvmlite holds a lock around each), and none of them holds
Python's lock; native code that runs in another thread is not concerned.
"""

import threading
from dataclasses import dataclass
from functools import cache

from llvmlite import binding as llvm

from ufora_worker.native.llvm import libraries
from ufora_worker.native.llvm.library import release_code

_LOADING = threading.Lock()

#: Characters of assembly up to which LLVM does all that it can; some of its passes take time that
#: grows with the square of a function's length, or worse.
THOROUGH = 96 * 1024


@dataclass(frozen=True, slots=True)
class Host:
    """The processor that code is made for, as LLVM calls it, and LLVM's version."""

    triple: str
    cpu: str
    features: str
    llvm: str


@cache
def host() -> Host:
    """This machine."""
    version = ".".join(map(str, llvm.llvm_version_info))
    features = llvm.get_host_cpu_features().flatten()
    return Host(llvm.get_process_triple(), llvm.get_host_cpu_name(), features, version)


@cache
def _target() -> llvm.TargetMachine:
    """The code generator.

    Floating point is as written: LLVM fuses multiplications with additions only where an
    instruction says so (``contract``), and ours never do.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(host().triple)
    return target.create_target_machine(
        cpu=host().cpu,
        features=host().features,
        opt=3,
        reloc="pic",
        codemodel="small",
        jit=True,
    )


def _optimised(text: str) -> llvm.ModuleRef:
    module = llvm.parse_assembly(text, llvm.create_context())
    module.verify()
    options = llvm.create_pipeline_tuning_options(3)
    options.slp_vectorization = True
    builder = llvm.create_pass_builder(_target(), options)
    thorough = len(text) <= THOROUGH
    passes = builder.getModulePassManager() if thorough else _quick_passes()
    passes.run(module, builder)
    return module


def _quick_passes() -> llvm.ModulePassManager:
    """Registers for variables, and what is obviously useless left out: in nearly linear time."""
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.add_instruction_combine_pass()
    passes.add_new_gvn_pass()
    passes.add_simplify_cfg_pass()
    return passes


def compile_object(text: str) -> bytes:
    """Machine code of LLVM assembly, as a file for a linker.

    Raises:
        RuntimeError: LLVM does not accept the text.
    """
    return bytes(_target().emit_object(_optimised(text)))


def assembly(text: str) -> str:
    """The machine code that ``compile_object`` makes, for people to read."""
    return str(_target().emit_assembly(_optimised(text)))


class LoadedCode:
    """Machine code in memory; it stays there as long as this object lives."""

    def __init__(self, tracker: llvm.ResourceTracker, symbol: str) -> None:
        self._tracker = tracker
        #: Where the function begins.
        self.address: int = tracker[symbol]


class _Linker:
    """Puts objects into memory, each in a library of its own."""

    def __init__(self) -> None:
        self._jit = llvm.create_lljit_compiler(_target())
        self._count = 0

    def load(self, machine_code: bytes, symbol: str) -> LoadedCode:
        self._count += 1
        builder = llvm.JITLibraryBuilder().add_object_img(machine_code).add_current_process()
        for name, address in libraries.addresses().items():
            builder.import_symbol(name, address)
        builder.export_symbol(symbol)
        return LoadedCode(builder.link(self._jit, f"unit{self._count}"), symbol)


@cache
def _linker() -> _Linker:
    return _Linker()


def get_ready() -> None:
    """Make all that is made once in a process."""
    with _LOADING:
        _linker()
    libraries.addresses()
    release_code()


def load(machine_code: bytes, symbol: str) -> LoadedCode:
    """Put an object into memory.

    Raises:
        RuntimeError: it is no object of this machine, or needs functions that are nowhere.
    """
    with _LOADING:
        return _linker().load(machine_code, symbol)
