import ast
import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ufora_core.syntax import parse

TEXT = "def f(x):\n" + "    x = [x, (x, {x: x + 1})]\n" * 20


@pytest.fixture
def _others_run_while_garbage_is_collected() -> Iterator[None]:
    def let_others_run(*_: object) -> None:
        time.sleep(0)

    threshold = gc.get_threshold()
    gc.callbacks.append(let_others_run)
    gc.set_threshold(50)
    yield
    gc.set_threshold(*threshold)
    gc.callbacks.remove(let_others_run)


@pytest.mark.usefixtures("_others_run_while_garbage_is_collected")
def test_threads_may_parse_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(parse, [TEXT] * 40))
    assert {ast.dump(tree) for tree in trees} == {ast.dump(ast.parse(TEXT))}
