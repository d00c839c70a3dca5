"""A unit as the text of an LLVM module."""

from ufora_worker.native.ir import nodes
from ufora_worker.native.llvm.call_graph import CallGraph
from ufora_worker.native.llvm.code import Preamble
from ufora_worker.native.llvm.driver import Driver
from ufora_worker.native.llvm.emitter import Context
from ufora_worker.native.llvm.functions import FunctionEmitter
from ufora_worker.native.llvm.weights import Weights


def module_text(unit: nodes.Unit) -> str:
    """LLVM assembly with one external function, ``drive``."""
    preamble = Preamble()
    return whole([definitions(unit, preamble)], preamble)


def definitions(unit: nodes.Unit, preamble: Preamble) -> str:
    """The functions of a unit, which need what stands in the preamble then."""
    functions = {function.name: function for function in unit.functions}
    context = Context(functions, CallGraph(unit), Weights(functions), preamble)
    texts = [FunctionEmitter(context, function).text() for function in unit.functions[1:]]
    return "\n\n".join([*texts, Driver(context, unit).text()])


def whole(parts: list[str], preamble: Preamble) -> str:
    """A module of these definitions."""
    metadata = [f"!{number} = {text}" for number, text in enumerate(preamble.metadata)]
    return "\n\n".join([*parts, "\n".join(preamble.declarations.values()), "\n".join(metadata), ""])
