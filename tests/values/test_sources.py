"""A function's source is found, checked against its code, and found again where it arrived."""

from __future__ import annotations

import linecache
import math
import types
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.functions import remember, remember_text, source_of, tree_of
from ufora_core.values.nodes import Function
from ufora_core.values.recompile import compile_source, same_code

Copy = Callable[[object], Any]

factor = 3


def triple(x: int) -> int:
    return x * factor


def decorated_by(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


@decorated_by
@decorated_by
def decorated(x: int) -> int:
    return x + 1


def uses_math(x: float) -> float:
    return math.sqrt(x) + math.pi


def counts_to(n: int) -> Iterator[int]:
    yield from range(n)


async def waits(x: int) -> int:
    return x


def has_class_inside() -> str:
    class Inner:
        def method(self) -> str:
            return type(self).__qualname__

    return Inner().method()


def makes_counter() -> tuple[Callable[[], int], Callable[[], int]]:
    count = 0

    def up() -> int:
        nonlocal count
        count += 1
        return count

    def now() -> int:
        return count

    return up, now


pair = (lambda x: x + 1, lambda x: x + 2), [lambda x: x + 1]
[long_lambda] = [
    lambda x, y=10: (
        x
        + y
        + factor
    )
]  # fmt: skip


def code_node(copy: Copy, function: object) -> Function:
    encoder = Encoder()
    encoder.item(function)
    node = encoder.graph().nodes[0]
    assert isinstance(node, Function)
    return node


@pytest.mark.parametrize(
    "function",
    [triple, decorated, uses_math, has_class_inside, counts_to, waits, long_lambda],
)
def test_functions_of_files_have_source(function: Any) -> None:
    # Python compiles ``math.sqrt(x)`` in another way where ``math`` is imported by the module.
    assert source_of(function.__code__) is not None


def test_the_source_of_a_function_knows_what_its_module_imports(project: Any) -> None:
    project(
        importing="import math, os.path as p\nprint(super)\n"
        "class A:\n    def f(self):\n        return super().__init__(), math.sqrt(4), p.sep\n"
    )
    import importing  # type: ignore[import-not-found]

    source = source_of(importing.A.f.__code__)
    assert source is not None and source.imports == ("math", "p", "super")


def test_functions_without_source_travel_as_byte_code(copy: Copy) -> None:
    scope: dict[str, Any] = {"offset": 5}
    exec("def f(x):\n    g = lambda y: y + offset\n    return g(x)", scope)
    node = code_node(copy, scope["f"])
    assert node.source is None and node.code
    assert copy(scope["f"])(1) == 6


def test_byte_code_of_another_version_is_refused_by_name(copy: Copy) -> None:
    scope: dict[str, Any] = {}
    exec("def mine(): pass", scope)
    encoder = Encoder()
    item = encoder.item(scope["mine"])
    graph = encoder.graph()
    changed = [
        msgspec.structs.replace(node, python="2.7") if isinstance(node, Function) else node
        for node in graph.nodes
    ]
    with pytest.raises(ValueGraphError, match=r"mine has no source.*Python 2\.7"):
        Decoder(nodes.Graph(changed), lambda _: b"").value(item)


def test_a_file_that_changed_since_is_not_believed(
    copy: Copy, project: Callable[..., None], tmp_path: Any
) -> None:
    project(changing="def f():\n    return 1\n")
    import changing  # type: ignore[import-not-found]

    project(changing="def f():\n    return 'other'\n")
    linecache.checkcache()
    assert source_of(changing.f.__code__) is None
    assert copy(changing.f)() == 1


def test_text_that_linecache_knows_is_source(copy: Copy) -> None:
    text = "def cell(x):\n    return x + 1\n"
    linecache.cache["<cell 1>"] = (len(text), None, text.splitlines(True), "<cell 1>")
    scope: dict[str, Any] = {}
    exec(compile(text, "<cell 1>", "exec"), scope)
    assert code_node(copy, scope["cell"]).source is not None


def test_a_decoded_function_travels_on_by_its_source(copy: Copy) -> None:
    def outer(n: int) -> Callable[[int], int]:
        return lambda x: x + n

    copied = copy(outer)
    assert source_of(copied.__code__) == source_of(outer.__code__)
    inner = copied(5)
    assert source_of(inner.__code__) == source_of(outer(5).__code__)
    assert copy(copy(inner))(1) == 6


def test_rewritten_code_counts_as_its_source(copy: Copy) -> None:
    source = source_of(makes_counter.__code__)
    assert source is not None
    tree = tree_of(source)
    assert tree.lineno == makes_counter.__code__.co_firstlineno
    code = compile_source(source).replace(co_name="rewritten")
    remember(code, source)
    assert source_of(code) is source
    nested = [each for each in code.co_consts if isinstance(each, types.CodeType)]
    assert [source_of(each) is not None for each in nested] == [True, True]


def test_functions_of_a_block_have_source_where_the_block_runs(copy: Copy) -> None:
    text = "def helper(x):\n    return x * k\nbig = lambda x: x > 1\n"
    code = compile("\n" * 9 + text, "user.py", "exec")
    remember_text(code, text, "user.py", 10, 4)
    scope: dict[str, Any] = {"k": 7}
    exec(code, scope)
    source = source_of(scope["helper"].__code__)
    assert source is not None
    assert (source.line, source.column, source.filename) == (10, 4, "user.py")
    assert copy(scope["helper"])(2) == 14
    assert copy(scope["big"])(2) is True


def test_decorated_functions_begin_where_they_did(copy: Copy) -> None:
    copied = copy(decorated)
    assert copied.__code__.co_firstlineno == decorated.__code__.co_firstlineno
    assert list(copied.__code__.co_positions()) == list(decorated.__code__.co_positions())


def test_trees_have_the_positions_of_the_file() -> None:
    for function in (triple, long_lambda, has_class_inside, pair[0][1]):
        source = source_of(function.__code__)
        assert source is not None
        lines = linecache.getlines(__file__)
        tree = tree_of(source)
        first = lines[tree.lineno - 1].encode()[tree.col_offset :].decode()
        assert first.startswith(("def ", "lambda"))
        assert same_code(compile_source(source), function.__code__)


def test_future_annotations_of_the_file_hold_inside_of_functions(copy: Copy) -> None:
    def has_annotated() -> dict[str, Any]:
        def inner(x: NotDefined) -> None: ...  # type: ignore[name-defined]  # noqa: F821

        return inner.__annotations__

    assert copy(has_annotated)() == has_annotated()
