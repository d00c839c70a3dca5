"""Compile the body of a ``with`` statement so that it runs here as it would have run there.

A block of a module runs as module code in the module's names. A block of a function becomes a
function again, with the frame's variables as its locals, so that a name without a value raises
what CPython raises; variables that captured closures share stay the shared cells.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CellType, CodeType, FrameType, FunctionType, TracebackType
from typing import Any, TypeGuard

from ufora_core import syntax
from ufora_core.compiler.sites.gates import gates_in
from ufora_core.compiler.trees import load, store
from ufora_core.program import Block
from ufora_core.values.qualnames import requalified
from ufora_worker.executor.interpreter import LOCALS

#: The block's locals end up here; a name that no program can contain.
_FACTORY = "__ufora_factory__"


@dataclass(slots=True)
class CompiledBlock:
    """A block, ready to run once."""

    code: CodeType
    #: Runs the block; gives its names afterwards.
    execute: Callable[[], Mapping[str, Any]]
    #: The names that the block left when it raised, from the traceback.
    names_after: Callable[[TracebackType | None], Mapping[str, Any]]


def parse(block: Block) -> ast.Module:
    """The block's statements, where they stand in the user's file.

    ``super()`` finds its arguments in the method that it is in; here it gets them.
    """
    tree = syntax.parse(block.source, block.filename)
    ast.increment_lineno(tree, block.line - 1)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr | ast.excepthandler | ast.pattern):
            node.col_offset += block.column
            node.end_col_offset = (node.end_col_offset or 0) + block.column
        if block.first_argument and _is_bare_super(node):
            names = ("__class__", block.first_argument)
            node.args = [ast.copy_location(load(each), node) for each in names]
    return tree


def _is_bare_super(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "super"
        and not node.args
    )


def compile_block(
    block: Block,
    tree: ast.Module,
    namespace: dict[str, Any],
    values: Mapping[str, Any],
    cells: Mapping[str, CellType],
) -> CompiledBlock:
    """``values`` are the bound locals; ``cells`` the variables that closures share."""
    if block.optimized:
        return _in_function(block, tree, namespace, values, cells)
    mangled = _with_global_gates(_mangled(block, tree))
    code = compile(mangled, block.filename, "exec", flags=block.flags, dont_inherit=True)
    own_locals = dict(values) if block.own_locals else namespace

    def execute() -> Mapping[str, Any]:
        exec(code, namespace, own_locals)
        return own_locals

    return CompiledBlock(code, execute, lambda traceback: own_locals)


def _with_global_gates(tree: ast.Module) -> ast.Module:
    """The tree, with its sites' gates declared ``global``: CPython specialises looking up those,
    and not names that could be a module's or a class's own."""
    names = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    gates = gates_in(tuple(dict.fromkeys(names)))
    if gates:
        tree.body.insert(0, ast.fix_missing_locations(ast.Global(gates)))
    return tree


def _in_function(
    block: Block,
    tree: ast.Module,
    namespace: dict[str, Any],
    values: Mapping[str, Any],
    cells: Mapping[str, CellType],
) -> CompiledBlock:
    parameters = [name for name in values if name not in cells]
    body: list[ast.stmt] = [_Unannotated().visit(statement) for statement in tree.body]
    if cells:
        body.insert(0, ast.Nonlocal(names=list(cells)))
    if block.global_names:
        body.insert(0, ast.Global(names=list(block.global_names)))
    body.append(ast.Return(value=ast.Call(load(LOCALS), [], [])))
    # Statements behind the return only tell the compiler which names are locals.
    elsewhere = {*parameters, *cells, *block.global_names}
    body.extend(
        ast.Assign([store(name)], ast.Constant(None))
        for name in dict.fromkeys([*block.unbound, *block.assigned])
        if name not in elsewhere
    )
    function = _definition(block.function, parameters, body, block.line)
    factory = _definition(_FACTORY, list(cells), [function], block.line)
    module = ast.Module([_in_class(block, factory)], [])
    ast.fix_missing_locations(module)
    outer = compile(module, block.filename, "exec", flags=block.flags, dont_inherit=True)
    code = _nested(_nested(outer, _FACTORY), function.name)
    code = requalified(code, code.co_qualname, block.qualname).replace(co_name=block.function)
    run = FunctionType(
        code,
        namespace,
        block.function,
        closure=tuple(cells[_unmangled(name, cells)] for name in code.co_freevars),
    )
    arguments = [values[name] for name in parameters]

    def with_globals(variables: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**_existing(namespace, block.global_names), **variables}

    def names_after(traceback: TracebackType | None) -> Mapping[str, Any]:
        frame = _frame_of(code, traceback)
        return with_globals({} if frame is None else frame.f_locals)

    return CompiledBlock(code, lambda: with_globals(run(*arguments)), names_after)


def _existing(namespace: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: namespace[name] for name in names if name in namespace}


class _Unannotated(ast.NodeTransformer):
    """Takes the annotations off a function's own variables, where Python never looks at them: a
    name that is declared ``nonlocal`` or ``global`` could not have one."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if not isinstance(node.target, ast.Name):
            return node
        plain = ast.Pass() if node.value is None else ast.Assign([node.target], node.value)
        return ast.copy_location(plain, node)

    def _leave(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = _leave  # noqa: N815
    visit_AsyncFunctionDef = _leave  # noqa: N815
    visit_ClassDef = _leave  # noqa: N815


def _definition(name: str, parameters: list[str], body: list[ast.stmt], line: int) -> Any:
    safe_name = name if name.isidentifier() else "block"
    arguments = ast.arguments([], [ast.arg(each) for each in parameters], None, [], [], None, [])
    place = {"lineno": line, "col_offset": 0, "end_lineno": line, "end_col_offset": 0}
    definition = ast.FunctionDef(safe_name, arguments, body, [], **place)  # type: ignore[arg-type]
    if "type_params" in ast.FunctionDef._fields:
        definition.type_params = []  # type: ignore[attr-defined,unused-ignore]
    return definition


def _in_class(block: Block, definition: Any) -> Any:
    """Inside ``class NAME:`` the compiler mangles ``__private`` names as it did in the client."""
    if not block.mangle:
        return definition
    wrapper = ast.copy_location(ast.ClassDef(block.mangle, [], [], [definition], []), definition)
    if "type_params" in ast.ClassDef._fields:
        wrapper.type_params = []  # type: ignore[attr-defined,unused-ignore]
    return wrapper


def _mangled(block: Block, tree: ast.Module) -> ast.Module:
    if not block.mangle:
        return tree
    prefix = "_" + block.mangle.lstrip("_")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and _is_private(node.id):
            node.id = prefix + node.id
        elif isinstance(node, ast.Attribute) and _is_private(node.attr):
            node.attr = prefix + node.attr
    return tree


def _is_private(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")


def _unmangled(name: str, cells: Mapping[str, CellType]) -> str:
    return name if name in cells else next(each for each in cells if name.endswith(each))


def _nested(code: CodeType, name: str) -> CodeType:
    """The code called ``name`` inside ``code`` (in a class body on the way, if there is one)."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_name == name:
                return constant
            if constant.co_name not in (_FACTORY,) and name == _FACTORY:
                return _nested(constant, name)
    raise LookupError(f"no code named {name} was compiled")


def _frame_of(code: CodeType, traceback: TracebackType | None) -> FrameType | None:
    while traceback is not None:
        if traceback.tb_frame.f_code is code:
            return traceback.tb_frame
        traceback = traceback.tb_next
    return None
