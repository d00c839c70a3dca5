"""Functions that are made of code: they are what a ``def`` statement makes."""

from types import CellType, FunctionType
from typing import Any

from ufora_core.values.minting import function_of


def outer() -> tuple[FunctionType, FunctionType]:
    step, count = 2, 0

    def forward(*more: int, scale: int = 1) -> int:
        nonlocal count
        count += step * scale + sum(more)
        return count

    def backward() -> int:
        return count

    return forward, backward  # type: ignore[return-value]


def test_a_minted_function_shares_the_cells_that_it_is_given() -> None:
    forward, backward = outer()
    cells = dict(zip(forward.__code__.co_freevars, forward.__closure__ or (), strict=True))
    again: Any = function_of(forward.__code__, forward.__globals__, "again", cells)
    again.__kwdefaults__ = forward.__kwdefaults__
    assert again(5) == 7 and backward() == 7
    assert forward(scale=3) == 13 and again() == 15
    assert again.__name__ == "again" and again.__globals__ is forward.__globals__
    assert again.__code__ is forward.__code__


def test_code_may_have_no_variables_around_it_or_names_in_any_order() -> None:
    plain: Any = function_of(compile("1", "f", "eval"), {}, "plain", {})
    assert plain() == 1 and plain.__closure__ is None

    namespace: dict[str, Any] = {}
    exec("def f(z, a):\n def g(): return z - a\n return g", namespace)
    code = namespace["f"](0, 0).__code__
    minted = function_of(code, {}, "g", {"z": CellType(5), "a": CellType(3)})
    assert minted() == 2
