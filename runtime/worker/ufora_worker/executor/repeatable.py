"""Whether a running program could be run once more from its beginning without anybody noticing.

Asked of programs that run for long, while they run. By then a block has changed what it was given,
so the program is decoded a second time: a proof must rest on the values with which a second run
would begin. Whatever cannot be decoded twice, or not quickly, is not repeatable.
"""

import ast
from typing import Any

from ufora_core import program
from ufora_core.compiler.effects.judgement import BlockScope, judge_block
from ufora_core.compiler.trees import load
from ufora_core.program import Block, Call, Program
from ufora_core.protocol.parts import Payload
from ufora_core.store import ObjectStore
from ufora_core.values import nodes
from ufora_core.values.decode import Decoder
from ufora_core.values.nodes import AnyNode, Graph, Ref
from ufora_worker.executor.block import parse
from ufora_worker.executor.program_code import definition_of
from ufora_worker.loops.partials import fetch

#: Bytes of a program that is decoded twice; its arrays are mapped, and do not count.
MOST_BYTES = 1024 * 1024
#: How a call is written as a block.
_FUNCTION, _ARGUMENT = "function", "argument_{}"


def is_repeatable(payload: Payload, store: ObjectStore) -> bool:
    """True when it is proved that nobody could notice. Never raises: what goes wrong is no proof.

    ``payload`` is an encoded ``Program``.
    """
    if payload.size > MOST_BYTES:
        return False
    try:
        return _judge(program.decode(fetch(store, payload), Program), store)
    except Exception:
        return False


def _judge(task: Program, store: ObjectStore) -> bool:
    if not all(_is_decoded_in_silence(node, task.graph) for node in task.graph.nodes):
        return False
    decoder = Decoder(task.graph, store.open_private)
    match task.task:
        case Block() as block:
            return _judge_block(block, decoder)
        case Call() as call:
            return _judge_call(call, decoder)
        case _:
            return True  # there is nothing to run


def _is_decoded_in_silence(node: AnyNode, graph: Graph) -> bool:
    """Whether building the object runs no code of the user's and takes no time to speak of."""
    if isinstance(node, nodes.Reduced):
        return isinstance(node.call, Ref) and isinstance(graph.nodes[node.call.index], nodes.Named)
    return not isinstance(node, nodes.Pickled | nodes.Remote)


def _judge_block(block: Block, decoder: Decoder) -> bool:
    assigned = frozenset(block.assigned)
    assigns_globals = not block.optimized and not block.own_locals
    if block.global_names or not assigned.isdisjoint(block.cells):
        return False  # functions would see other values of these
    if assigns_globals and _is_a_module(block.namespace, decoder):
        return False
    values = zip(block.local_names, block.local_values, strict=True)
    variables: dict[str, Any] = {name: decoder.value(item) for name, item in values}
    for name, ref in block.cells.items():
        variables |= _contents(name, decoder.value(ref))
    scope = BlockScope(
        decoder.value(block.namespace), variables, assigned, assigns_globals, block.mangle
    )
    statements = parse(block).body
    verdict = judge_block(statements, scope, source_of=definition_of, filename=block.filename)
    return verdict.pure


def _is_a_module(namespace: Ref, decoder: Decoder) -> bool:
    """Whether the block's global names can also be reached as attributes of their module."""
    return any(
        isinstance(node, nodes.UserModule) and node.namespace == namespace for node in decoder.nodes
    )


def _contents(name: str, cell: Any) -> dict[str, Any]:
    try:
        return {name: cell.cell_contents}
    except ValueError:
        return {}


def _judge_call(call: Call, decoder: Decoder) -> bool:
    """A call is a block of one line."""
    names = [_ARGUMENT.format(i) for i in range(len(call.arguments))]
    keywords = [ast.keyword(name, load(name)) for name in call.keyword_names]
    arguments: list[ast.expr] = [load(name) for name in names]
    line = ast.Expr(ast.Call(load(_FUNCTION), arguments, keywords))
    items = [call.function, *call.arguments, *call.keyword_values]
    given = zip([_FUNCTION, *names, *call.keyword_names], items, strict=True)
    variables = {name: decoder.value(item) for name, item in given}
    if len(variables) < len(items):
        return False  # a keyword has one of our names
    scope = BlockScope({}, variables, frozenset(), assigns_globals=False)
    statements = [ast.fix_missing_locations(line)]
    return judge_block(statements, scope, source_of=definition_of, filename="<call>").pure
