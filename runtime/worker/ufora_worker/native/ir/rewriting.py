"""Making one block from another, statement by statement."""

from collections.abc import Callable
from dataclasses import replace

from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.nodes import Block, Statement, Unit


def rewrite(block: Block, change: Callable[[Block], Block]) -> Block:
    """``change`` applied to every block inside this one, and then to the block itself."""
    return change(tuple(_inside(statement, change) for statement in block))


def _inside(statement: Statement, change: Callable[[Block], Block]) -> Statement:
    match statement:
        case nodes.If(_, then, orelse):
            return replace(statement, then=rewrite(then, change), orelse=rewrite(orelse, change))
        case nodes.While(head, _, body, orelse):
            return replace(
                statement,
                head=rewrite(head, change),
                body=rewrite(body, change),
                orelse=rewrite(orelse, change),
            )
        case nodes.For(_, _, _, _, body, orelse):
            return replace(statement, body=rewrite(body, change), orelse=rewrite(orelse, change))
    return statement


def rewrite_unit(unit: Unit, change: Callable[[Block], Block]) -> Unit:
    """``change`` applied to every block of every function."""
    functions = tuple(
        replace(function, body=rewrite(function.body, change)) for function in unit.functions
    )
    return replace(unit, functions=functions)
