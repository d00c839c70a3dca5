"""A cluster of one: runs captured programs in this process, one statement after the other.

Everything goes through the formats that a real cluster uses (program and result as bytes, values as
graphs), so what comes back has really travelled.
"""

import ast
import builtins
import threading
from collections.abc import Mapping
from types import CellType, CodeType, FunctionType, TracebackType
from typing import Any, NoReturn

from pyfora._block import RemoteBlock
from pyfora._capture import Captured
from pyfora._landing import Outcome
from pyfora._progress import ProgressCallback
from ufora_core import program
from ufora_core.program import Block, Frame, Program, Proxy, Raised, Result
from ufora_core.values import changes
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.trackers import ClassTrackers


class LocalEngine:
    """A ``Runner``; ``remotely`` is what a cluster's is."""

    def __init__(self) -> None:
        self.trackers = ClassTrackers()
        self.blocks: list[Block] = []
        self.limits: list[int | None] = []
        #: Raised instead of running anything, when set.
        self.failure: BaseException | None = None
        #: Names that results say were deleted, whatever the block did.
        self.also_deleted: list[str] = []

    @property
    def remotely(self) -> RemoteBlock:
        return RemoteBlock(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a cluster stays in the client")

    def run(self, captured: Captured, progress: ProgressCallback | None = None) -> Outcome:
        if self.failure is not None:
            raise self.failure
        task = program.decode(program.encode(captured.program), Program)
        assert isinstance(task.task, Block)
        self.blocks.append(task.task)
        self.limits.append(task.download.limit)
        decoder = Decoder(task.graph, lambda digest: captured.blobs[digest])
        run = _Run(task.task, decoder)
        # In a thread of its own, where no exception is being handled and nobody traces.
        thread = threading.Thread(target=run.execute)
        thread.start()
        thread.join()
        encoder = Encoder(originals={id(each): i for i, each in enumerate(decoder.objects)})
        result = _result(run, task.download.limit, decoder, encoder)
        result.deleted.extend(self.also_deleted)
        arrived = program.decode(program.encode(result), Result)
        return Outcome(arrived, lambda digest: encoder.blobs[digest], lambda proxy: proxy)


class _Run:
    """One block, decoded and run."""

    def __init__(self, block: Block, decoder: Decoder) -> None:
        self.block = block
        self.namespace: Any = decoder.value(block.namespace)
        self.namespace["__builtins__"] = builtins
        values = zip(block.local_names, map(decoder.value, block.local_values), strict=True)
        self.values: dict[str, Any] = dict(values)
        self.cells: dict[str, Any] = {name: decoder.value(ref) for name, ref in block.cells.items()}
        self.before = {**(self.namespace if not block.optimized else {}), **self.values}
        self.after: Mapping[str, Any] = {}
        self.raised: BaseException | None = None

    def execute(self) -> None:
        tree = _parsed(self.block)
        try:
            if self.block.optimized:
                self._in_function(tree)
            else:
                code = compile(tree, self.block.filename, "exec", self.block.flags, True)
                self.after = self.values if self.block.own_locals else self.namespace
                exec(code, self.namespace, self.after)
        except BaseException as error:
            error.__traceback__ = _without_engine(error.__traceback__)
            self.raised = error

    def _in_function(self, tree: ast.Module) -> None:
        block = self.block
        plain = [name for name in (*self.values, *block.unbound) if name not in self.cells]
        text = "def factory():\n pass\n def inner():\n  pass\n"
        outer = ast.parse(text)
        factory: Any = outer.body[0]
        inner: Any = factory.body[1]
        factory.body[0:1] = _declarations(self.cells)
        inner.args.args = [ast.arg(name) for name in plain]
        inner.body = [
            *([ast.Nonlocal(list(self.cells))] if self.cells else []),
            *([ast.Global(block.global_names)] if block.global_names else []),
            # ``del`` of the parameters that stand for variables without a value
            *(
                [ast.Delete([ast.Name(n, ast.Del()) for n in block.unbound if n in plain])]
                if set(block.unbound) & set(plain)
                else []
            ),
            *tree.body,
            *ast.parse("return __locals__()").body,
        ]
        if block.mangle:
            wrapper: Any = ast.parse(f"class {block.mangle}: pass").body[0]
            wrapper.body = outer.body
            outer.body = [wrapper]
        ast.fix_missing_locations(outer)
        compiled = compile(outer, block.filename, "exec", block.flags, True)
        code = _code_named(compiled, "inner").replace(
            co_name=block.function, co_qualname=block.function
        )
        self.namespace["__locals__"] = locals
        closure = tuple(self.cells[name] for name in code.co_freevars)
        function = FunctionType(code, self.namespace, closure=closure)
        try:
            self.after = function(**{name: self.values.get(name) for name in plain})
        except BaseException as error:
            entry = error.__traceback__
            while entry is not None and entry.tb_frame.f_code is not code:
                entry = entry.tb_next
            self.after = entry.tb_frame.f_locals if entry is not None else {}
            raise


def _declarations(names: Mapping[str, CellType]) -> list[ast.stmt]:
    return ast.parse("\n".join(f"{name} = None" for name in names) or "pass").body


def _code_named(code: CodeType, name: str) -> CodeType:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if each.co_name == name:
                return each
            return _code_named(each, name)
    raise LookupError(name)


def _parsed(block: Block) -> ast.Module:
    """The block at its place in the file: line and column."""
    tree = ast.parse(block.source, block.filename)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt | ast.ExceptHandler | ast.pattern):
            if isinstance(node, ast.expr) and block.first_argument and _is_super(node):
                node.args = [  # type: ignore[attr-defined]
                    ast.copy_location(ast.Name(name, ast.Load()), node)
                    for name in ("__class__", block.first_argument)
                ]
            node.col_offset += block.column
            node.end_col_offset = (node.end_col_offset or 0) + block.column
    ast.increment_lineno(tree, block.line - 1)
    return tree


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "super"
        and not node.args
    )


# --------------------------------------------------------------------- the result


def _result(run: _Run, limit: int | None, decoder: Decoder, encoder: Encoder) -> Result:
    block = run.block
    names = {name: run.after[name] for name in block.assigned if name in run.after}
    for name in block.global_names:
        if name in run.namespace:
            names[name] = run.namespace[name]
    gone = [name for name in block.assigned if name in run.before and name not in names]
    kept = list(names) if limit is None else []
    proxies = {
        name: Proxy("0" * 64, 0, type(value).__name__, repr(value))
        for name, value in names.items()
        if name not in kept
    }
    return Result(
        names=kept,
        values=[encoder.item(names[name], name) for name in kept],
        proxies=proxies,
        deleted=gone,
        raised=_encode_raised(run.raised, encoder, []),
        changes=changes.find(decoder, encoder),
        graph=encoder.graph(),
    )


def _encode_raised(
    error: BaseException | None, encoder: Encoder, seen: list[BaseException]
) -> Raised | None:
    if error is None or any(error is each for each in seen):
        return None
    seen.append(error)
    return Raised(
        encoder.item(error, "the exception"),
        _frames(error.__traceback__),
        _encode_raised(error.__cause__, encoder, seen),
        _encode_raised(error.__context__, encoder, seen),
        error.__suppress_context__,
    )


def _frames(entry: TracebackType | None) -> list[Frame]:
    frames = []
    while entry is not None:
        code = entry.tb_frame.f_code
        position = list(code.co_positions())[entry.tb_lasti // 2]
        line, end_line, column, end_column = position
        known = None not in position and line == entry.tb_lineno
        extent = (end_line, column, end_column) if known else (-1, -1, -1)
        frames.append(Frame(code.co_filename, entry.tb_lineno, code.co_name, *extent))  # type: ignore[arg-type]
        entry = entry.tb_next
    return frames


def _without_engine(entry: TracebackType | None) -> TracebackType | None:
    while entry is not None and entry.tb_frame.f_code.co_filename == __file__:
        entry = entry.tb_next
    return entry
