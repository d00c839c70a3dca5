"""Functions of the user's arrive by source, with all that they reach."""

from __future__ import annotations

import asyncio
import functools
import inspect
import linecache
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ufora_core.values import nodes
from ufora_core.values.encode import Encoder
from ufora_core.values.functions import source_of
from ufora_core.values.reach import reach_of

Copy = Callable[[object], Any]

factor = 3
table = {"a": 1}


def triple(x: int) -> int:
    """Times three."""
    return x * factor


def calls_another(x: int) -> int:
    return triple(x) + len(table)


def recursive(n: int) -> int:
    return 1 if n < 2 else n * recursive(n - 1)


def is_even(n: int) -> bool:
    return n == 0 or is_odd(n - 1)


def is_odd(n: int) -> bool:
    return n != 0 and is_even(n - 1)


def with_all_parameters(a, /, b, c=factor, *rest, d, e=table, **more):  # type: ignore[no-untyped-def]
    return a, b, c, rest, d, e, more


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> Any:
        return "logged", function(*arguments)

    return wrapper


@logged
@logged
def decorated(x: int) -> int:
    return x + 1


def makes_counter() -> tuple[Callable[[], int], Callable[[], int]]:
    count = 0

    def up() -> int:
        nonlocal count
        count += 1
        return count

    def now() -> int:
        return count

    return up, now


def uses_math(x: float) -> float:
    return math.sqrt(x) + math.pi


def counts_to(n: int) -> Iterator[int]:
    yield from range(n)


async def waits(x: int) -> int:
    await asyncio.sleep(0)
    return x


def has_class_inside() -> str:
    class Inner:
        def method(self) -> str:
            return type(self).__qualname__

    return Inner().method()


def shadows_its_name(x: int) -> str:
    shadows_its_name = str(x)
    return shadows_its_name


pair = (lambda x: x + 1, lambda x: x + 2), [lambda x: x + 1]
[long_lambda] = [
    lambda x, y=10: (
        x
        + y
        + factor
    )
]  # fmt: skip


def test_a_function_arrives_with_its_globals_and_its_looks(copy: Copy) -> None:
    copied = copy(triple)
    assert copied is not triple
    assert copied(4) == 12
    for name in ("__name__", "__qualname__", "__doc__", "__module__", "__annotations__"):
        assert getattr(copied, name) == getattr(triple, name)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (calls_another, (5,)),
        (recursive, (20,)),
        (is_even, (11,)),
        (decorated, (1,)),
        (uses_math, (2.0,)),
        (has_class_inside, ()),
        (shadows_its_name, (7,)),
        (long_lambda, (1,)),
    ],
)
def test_functions_give_what_they_give_at_home(
    copy: Copy, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    assert copy(function)(*arguments) == function(*arguments)


def test_every_kind_of_parameter_arrives(copy: Copy) -> None:
    copied = copy(with_all_parameters)
    assert copied(1, 2, d=4) == (1, 2, 3, (), 4, {"a": 1}, {})
    assert inspect.signature(copied) == inspect.signature(with_all_parameters)
    assert copied.__defaults__ == (3,)


def test_generators_and_coroutines_arrive(copy: Copy) -> None:
    assert list(copy(counts_to)(3)) == [0, 1, 2]
    assert asyncio.run(copy(waits)(5)) == 5


def test_functions_that_share_a_variable_still_share_it(copy: Copy) -> None:
    up, now = copy(makes_counter())
    up()
    assert (up(), now()) == (2, 2)


def test_an_empty_cell_arrives_empty(copy: Copy) -> None:
    def reads() -> object:
        return later

    copied = copy(reads)
    with pytest.raises(NameError):
        copied()
    later = 1


def test_lambdas_in_one_line_are_told_apart(copy: Copy) -> None:
    (one, two), [three] = copy(pair)
    assert (one(1), two(1), three(1)) == (2, 3, 2)
    columns = [source_of(each.__code__) for each in (one, three)]
    assert columns[0] is not None and columns[1] is not None
    assert columns[0].column < columns[1].column


def test_local_functions_refer_to_themselves_and_each_other(copy: Copy) -> None:
    def fact(n: int) -> int:
        return 1 if n < 2 else n * other(n - 1)

    def other(n: int) -> int:
        return fact(n)

    copied = copy(fact)
    assert copied(10) == 3628800
    cells = dict(zip(copied.__code__.co_freevars, copied.__closure__, strict=True))
    assert cells["other"].cell_contents.__closure__[0].cell_contents is copied


def test_attributes_of_a_function_arrive(copy: Copy) -> None:
    def counted() -> int:
        return counted.calls  # type: ignore[attr-defined, no-any-return]

    counted.calls = 5  # type: ignore[attr-defined]
    assert copy(counted)() == 5


def test_private_names_and_super_mean_what_they_meant(copy: Copy) -> None:
    class Base:
        def greet(self) -> str:
            return "base"

    class Derived(Base):
        __secret = "secret"

        def greet(self) -> str:
            return super().greet() + self.__secret

        def __hidden(self) -> str:
            return "hidden"

        def reveal(self) -> str:
            return self.__hidden()

    copied = copy(Derived)()
    assert copied.greet() == "basesecret"
    assert copied.reveal() == "hidden"


def test_tracebacks_have_the_line_and_column_of_the_file(copy: Copy) -> None:
    def fails(x: int) -> float:
        return 1 + (
            x / 0
        )  # fmt: skip

    function, one_line = copy((fails, lambda: 1 / 0))
    for copied, line, text in (
        (function, "            x / 0\n", "x / 0"),
        (one_line, None, "1 / 0"),
    ):
        with pytest.raises(ZeroDivisionError) as raised:
            copied(*[1] * copied.__code__.co_argcount)
        entry = raised.value.__traceback__
        while entry is not None and entry.tb_next:
            entry = entry.tb_next
        assert entry is not None
        positions = list(entry.tb_frame.f_code.co_positions())[entry.tb_lasti // 2]
        shown = linecache.getline(__file__, entry.tb_lineno)
        assert line is None or shown == line
        assert shown.encode()[positions[2] : positions[3]].decode() == text


def test_builtins_are_not_shipped_and_unknown_names_stay_unknown(copy: Copy) -> None:
    def needs() -> object:
        return len(no_such_name)  # type: ignore[name-defined]  # noqa: F821

    encoder = Encoder()
    encoder.item(needs)
    names = [node.names for node in encoder.graph().nodes if isinstance(node, nodes.Namespace)]
    assert names == [[]]
    with pytest.raises(NameError, match="no_such_name"):
        copy(needs)()


def test_only_the_global_names_that_are_reached_travel(copy: Copy) -> None:
    variables = copy(triple).__globals__
    assert variables["factor"] == 3
    assert "table" not in variables


def test_functions_of_one_module_share_their_global_names(copy: Copy) -> None:
    one, two = copy((triple, calls_another))
    assert one.__globals__ is two.__globals__


def test_code_that_sees_globals_without_naming_them_gets_them_all(copy: Copy) -> None:
    assert copy(lambda: eval("factor"))() == 3
    assert copy(lambda: globals()["table"])() == {"a": 1}


def test_names_in_annotations_in_text_are_reached() -> None:
    def makes() -> type:
        class Inner:
            field: functools.partial[int] | None

        return Inner

    assert reach_of(makes.__code__).names["functools"] == {("partial",)}


def test_xrange_is_range_when_nothing_else_has_the_name(copy: Copy) -> None:
    assert copy(lambda: list(xrange(3)))() == [0, 1, 2]  # type: ignore[name-defined]  # noqa: F821
    scope: dict[str, Any] = {"xrange": "mine"}
    exec("def f(): return xrange", scope)
    assert copy(scope["f"])() == "mine"


def test_installed_functions_travel_by_name(copy: Copy) -> None:
    import json

    for value in (len, math.sqrt, json.dumps, functools.partial, str.upper, dict.fromkeys, print):
        assert copy(value) is value or copy(value) == value
    appended = [1]
    method = copy(appended.append)
    method(2)
    assert method.__self__ == [1, 2]


def test_bound_methods_keep_their_object(copy: Copy) -> None:
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def up(self) -> int:
            self.count += 1
            return self.count

    counter = Counter()
    method, owner = copy((counter.up, counter))
    method()
    assert owner.count == 1


@functools.lru_cache(maxsize=7)
def cached(x: int) -> int:
    return x * factor


def test_cached_functions_and_partials_arrive(copy: Copy) -> None:
    copied = copy(cached)
    assert copied(2) == 6
    assert copied.cache_info().maxsize == 7
    assert copy(functools.partial(triple, 5))() == 15
