import asyncio
import contextlib
import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_engine import LocalEngine
from pyfora._block import RemoteBlock
from pyfora._errors import (
    BadWithBlockError,
    CantGetSourceTextError,
    JobFailedError,
    UnconvertibleValueError,
)
from registered import run

TOUCHED: list[int] = []
OFFSET = 100


@pytest.fixture
def cluster() -> LocalEngine:
    TOUCHED.clear()
    return LocalEngine()


def test_the_body_never_runs_here(cluster: LocalEngine) -> None:
    cluster.failure = JobFailedError("no worker")
    ran = []
    with pytest.raises(JobFailedError), cluster.remotely:
        ran.append(1)
    with pytest.raises(JobFailedError):
        with cluster.remotely: ran.append(2)  # fmt: skip # noqa: E701
    with pytest.raises(JobFailedError), cluster.remotely:
        try:
            ran.append(3)
        finally:
            ran.append(4)
    with pytest.raises(JobFailedError), cluster.remotely:
        ran.append(5)  # fmt: skip
    with pytest.raises(JobFailedError), cluster.remotely:
        while True:
            ran.append(6)
    assert ran == []


def test_an_empty_body_goes_to_the_cluster_as_well(cluster: LocalEngine) -> None:
    with cluster.remotely:
        pass
    with cluster.remotely: pass  # fmt: skip # noqa: E701
    with cluster.remotely:
        ...
    assert len(cluster.blocks) == 3


def test_names_of_the_block_are_variables_afterwards(cluster: LocalEngine) -> None:
    base = 20
    with cluster.remotely.downloadAll():
        total = base + OFFSET
        doubled = [total * 2, base]
    assert (total, doubled) == (120, [240, 20])


def test_a_block_in_a_loop_runs_every_time(cluster: LocalEngine) -> None:
    total = 0
    for number in range(5):
        with cluster.remotely.downloadAll():
            total += number
    assert total == 10
    assert len(cluster.blocks) == 5


def test_a_statement_may_be_remote_now_and_local_then(cluster: LocalEngine) -> None:
    total = 0
    for manager in (cluster.remotely.downloadAll(), contextlib.nullcontext()) * 3:
        with manager:
            total += 1
    assert total == 6
    assert len(cluster.blocks) == 3


def test_one_line_blocks_work_in_a_loop(cluster: LocalEngine) -> None:
    total = 0
    for number in range(5):
        with cluster.remotely.downloadAll(): total += number  # fmt: skip # noqa: E701
    assert total == 10


def test_several_blocks_in_a_function_use_each_other_s_names(cluster: LocalEngine) -> None:
    with cluster.remotely.downloadAll():
        first = 1
    with cluster.remotely.downloadAll():
        second = first + 1
        first = 5
    with cluster.remotely.downloadAll():
        third = first + second
    assert (first, second, third) == (5, 2, 7)


def test_the_same_block_object_may_be_used_again(cluster: LocalEngine) -> None:
    remotely = cluster.remotely.downloadAll()
    with remotely:
        x = 1
    with remotely:
        x += 1
    assert x == 2


def test_a_block_in_a_nested_function_and_in_a_method(cluster: LocalEngine) -> None:
    class Counter:
        start = 3

        def count(self, by: int) -> int:
            def inner() -> int:
                with cluster.remotely.downloadAll():
                    result: int = self.start + by
                return result

            return inner()

    assert Counter().count(4) == 7


def test_a_block_in_a_class_body(cluster: LocalEngine) -> None:
    outer = 2

    class Settings:
        size = 5
        with cluster.remotely.downloadAll():
            area = size * size + outer + OFFSET

    assert Settings.area == 127
    assert "area" not in globals()


def test_a_block_in_a_generator(cluster: LocalEngine) -> None:
    def squares(numbers: list[int]) -> Iterator[int]:
        for number in numbers:
            with cluster.remotely.downloadAll():
                square: int = number**2
            yield square

    assert list(squares([1, 2, 3])) == [1, 4, 9]


def test_a_block_in_a_coroutine(cluster: LocalEngine) -> None:
    async def main() -> int:
        await asyncio.sleep(0)
        with cluster.remotely.downloadAll():
            x: int = OFFSET + 1
        await asyncio.sleep(0)
        return x

    assert asyncio.run(main()) == 101


def test_blocks_in_threads_do_not_meet(cluster: LocalEngine) -> None:
    remotely = cluster.remotely.downloadAll()
    together = threading.Barrier(4, timeout=30)

    def work(number: int) -> int:
        total = 0
        for _ in range(20):
            together.wait()
            with remotely:
                total += number
        return total

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [0, 20, 40, 60]


def test_headers_may_take_several_lines_and_items(cluster: LocalEngine) -> None:
    with (
        contextlib.nullcontext(3) as three,
        contextlib.nullcontext(4) as four,
        cluster.remotely
        .downloadAll(),
    ):  # fmt: skip
        product = three * four
    assert product == 12


def test_remotely_must_be_the_last_item(cluster: LocalEngine) -> None:
    ran = []
    with pytest.raises(BadWithBlockError, match="not the last item"):
        with cluster.remotely, contextlib.nullcontext(1):
            ran.append(1)
    with pytest.raises(BadWithBlockError, match="not the last item"):
        with contextlib.nullcontext(1), cluster.remotely, cluster.remotely:
            ran.append(1)
    with (
        pytest.raises(BadWithBlockError, match="not the last item"),
        cluster.remotely,
        contextlib.nullcontext(1),
    ):
        ran.append(1)
    assert ran == []


def test_the_last_item_is_found_in_a_finally_clause(cluster: LocalEngine) -> None:
    x = 0
    try:
        x += 1
    finally:
        with contextlib.nullcontext(1), cluster.remotely.downloadAll():
            x += 1
    assert x == 2


def test_remotely_needs_a_with_statement_of_its_own(cluster: LocalEngine) -> None:
    with contextlib.ExitStack() as stack:
        with pytest.raises(BadWithBlockError, match="something else than a 'with' statement"):
            stack.enter_context(cluster.remotely)
    with pytest.raises(BadWithBlockError, match="something else"):
        cluster.remotely.__enter__()


def test_the_as_name_is_the_block(cluster: LocalEngine) -> None:
    with cluster.remotely.downloadAll() as block:
        x = 1
    assert repr(block) == "<remote block, downloads all values>"
    with cluster.remotely.downloadAll() as block: x = 2  # fmt: skip # noqa: E701
    assert x == 2
    with cluster.remotely.downloadAll() as y:
        y = 3  # type: ignore[assignment]
    assert y == 3  # type: ignore[comparison-overlap]


def test_the_as_name_must_be_a_plain_variable(cluster: LocalEngine) -> None:
    holder: dict[str, object] = {}
    with pytest.raises(BadWithBlockError, match="plain variable"):
        with cluster.remotely as holder["block"]:
            pass


def test_the_block_s_own_object_stays_here(cluster: LocalEngine) -> None:
    with pytest.raises(UnconvertibleValueError, match="block"):
        with cluster.remotely.downloadAll() as block:
            repr(block)


def test_a_block_inside_of_a_block_is_refused_when_it_is_reached(cluster: LocalEngine) -> None:
    with pytest.raises(UnconvertibleValueError, match="cluster"):
        with cluster.remotely.downloadAll():
            x = 1
            with cluster.remotely:
                x = 2
    assert x == 1


def test_a_bad_block_is_refused_before_anything_runs(cluster: LocalEngine) -> None:
    def main() -> int:
        with cluster.remotely:
            TOUCHED.append(1)
            return 1
        return 2

    with pytest.raises(BadWithBlockError) as refused:
        main()
    assert refused.value.filename == __file__
    assert TOUCHED == []
    assert cluster.blocks == []


def test_text_without_a_source_cannot_be_sent(cluster: LocalEngine) -> None:
    with pytest.raises(CantGetSourceTextError, match="linecache"):
        exec(compile("with c.remotely: x = 1", "<nowhere>", "exec"), {"c": cluster})


def test_a_block_works_with_a_decorator_around_its_function(cluster: LocalEngine) -> None:
    @contextlib.contextmanager
    def around() -> Iterator[None]:
        yield

    @around()
    def main() -> int:
        with cluster.remotely.downloadAll():

            @contextlib.contextmanager
            def inside() -> Iterator[int]:
                yield 4

            with inside() as four:
                x: int = four
        return x

    assert main() == 4


def test_classes_and_functions_of_a_block_come_back(cluster: LocalEngine) -> None:
    with cluster.remotely.downloadAll():

        class Point:
            def __init__(self, x: int) -> None:
                self.x = x

        def make(x: int) -> Point:
            return Point(x)

        point = make(3)
    assert (point.x, make(4).x, type(point)) == (3, 4, Point)


def test_module_level_text_runs_with_its_globals(cluster: LocalEngine) -> None:
    found = run(
        """
        def helper(x):
            return x + offset
        offset = 5
        with c.remotely.downloadAll():
            values = [helper(x) for x in range(3)]
            import math
            root = math.sqrt(16)
        """,
        c=cluster,
    )
    assert found["values"] == [5, 6, 7]
    assert found["root"] == 4.0
    assert found["math"].__name__ == "math"


def test_a_block_keeps_nothing_of_its_frame_alive(cluster: LocalEngine) -> None:
    class Thing:
        pass

    def main(block: RemoteBlock) -> weakref.ref[Thing]:
        thing = Thing()
        with block:
            pass
        return weakref.ref(thing)

    block = cluster.remotely
    gc.disable()
    try:
        assert main(block)() is None
    finally:
        gc.enable()
    assert block._entries == {}
