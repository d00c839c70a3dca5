"""From a unit to an entry: from the cache where it has the object, else by compiling."""

from collections.abc import Callable
from typing import TypeVar

from ufora_worker.native.ir.nodes import Unit
from ufora_worker.native.ir.printer import text
from ufora_worker.native.llvm import cache
from ufora_worker.native.llvm.entry import DEPTH_LIMIT, Entry

#: Goes up with every change of the machine code that is made of a unit.
COMPILER_VERSION = 6

#: Characters of LLVM assembly beyond which a unit is not compiled: it would take too long.
LONGEST = 1024 * 1024

_T = TypeVar("_T")


class CompilerFailed(Exception):
    """The compiler has a bug: it did not come to an end with a unit that should be right."""

    def __init__(self, pass_name: str, message: str) -> None:
        super().__init__(f"the {pass_name} pass of the native compiler failed: {message}")
        self.pass_name = pass_name
        self.message = message


class TooLarge(CompilerFailed):
    """No bug: the unit is so long that compiling it would take longer than it is worth."""

    def __init__(self, size: int) -> None:
        super().__init__("emit", f"{size} characters of assembly, more than {LONGEST}")


def load_llvm() -> None:
    """Do what the first call of ``compile_unit`` takes longer for than all others: 40 ms, and 5 MB
    besides what processes share.

    Raises:
        ImportError: llvmlite is not installed.
    """
    from ufora_worker.native.llvm import machine

    machine.get_ready()


def compile_unit(
    unit: Unit,
    objects: cache.ObjectCache | None,
    *,
    depth_limit: int = DEPTH_LIMIT,
    on_llvm: Callable[[], object] = lambda: None,
) -> Entry:
    """Machine code of a unit, ready to be called. May be called from any thread.

    ``depth_limit``: how deep recursive functions may nest before the item bails. ``on_llvm`` is
    called before LLVM makes machine code, if it has to.

    Raises:
        CompilerFailed: a bug in the compiler, or ``TooLarge``; the unit has to run in CPython.
        ImportError: llvmlite is not installed.
    """
    from ufora_worker.native.llvm import machine
    from ufora_worker.native.llvm.driver import NAME
    from ufora_worker.native.llvm.module import module_text

    host = machine.host()
    printed = _run("print", lambda: text(unit, lines=False))
    key = cache.key(printed, str(COMPILER_VERSION), host.triple, host.cpu, host.features, host.llvm)
    machine_code = objects.get(key) if objects else None
    if machine_code is None:
        assembly = _run("emit", lambda: module_text(unit))
        if len(assembly) > LONGEST:
            raise TooLarge(len(assembly))
        on_llvm()
        machine_code = _run("llvm", lambda: machine.compile_object(assembly))
        if objects:
            objects.put(key, machine_code)
    made = machine_code
    code = _run("load", lambda: machine.load(made, NAME))
    return Entry(unit, code, depth_limit=depth_limit)


def _run(pass_name: str, work: Callable[[], _T]) -> _T:
    try:
        return work()
    except Exception as error:
        raise CompilerFailed(pass_name, f"{type(error).__name__}: {error}") from error
