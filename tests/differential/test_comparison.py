"""The comparison of two runs sees what a program could see."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from canonical import canonical
from differential import Case, Here, Scope, cases, differences, parse, run

NAMESPACE: dict[str, object] = {"__name__": __name__}
QUIET_NAN = struct.unpack(">d", bytes.fromhex("7ff8000000000000"))[0]
OTHER_NAN = struct.unpack(">d", bytes.fromhex("7ff8000000000001"))[0]


class Place:
    """A class of the module whose values are compared."""

    def __init__(self, value: object) -> None:
        self.value = value


class OwnList(list[int]):
    """A list that is not exactly a list."""


def form(**values: object) -> dict[str, str]:
    return canonical(values, NAMESPACE)


def error(cause: BaseException | None = None, *args: object) -> ValueError:
    made = ValueError(*args)
    made.__cause__ = cause
    return made


def noted(note: str) -> ValueError:
    made = ValueError("text")
    made.add_note(note)
    return made


def adder(n: int) -> object:
    return lambda value: value + n


def fixed(array: np.ndarray[tuple[int], np.dtype[np.int64]]) -> object:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (0.1 + 0.2, 0.3),
        (QUIET_NAN, OTHER_NAN),
        (complex(0.0, 0.0), complex(0.0, -0.0)),
        ("1", b"1"),
        (b"1", bytearray(b"1")),
        ([1, 2], (1, 2)),
        ([1, 2], [2, 1]),
        ([1], OwnList([1])),
        (list(range(1000)), [*range(999), 999.0]),
        ([(n, -n) for n in range(1000)], [(n, -n if n != 500 else 0.5) for n in range(1000)]),
        ({1}, frozenset({1})),
        ({1, 2}, {1, 2.5}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1: "x"}, {True: "x"}),
        (range(3), [0, 1, 2]),
        (None, "None"),
        (np.zeros(2), np.zeros(2, "f4")),
        (np.zeros((2, 1)), np.zeros((1, 2))),
        (np.zeros(1), -np.zeros(1)),
        (np.arange(2), fixed(np.arange(2))),
        (np.float64(1), 1.0),
        (np.array([1, "a"], object), np.array([1.0, "a"], object)),
        (Place(1), Place(2)),
        (Place, Place(1)),
        (adder(1), adder(2)),
        (adder(1), lambda value: value + 1),
        (len, max),
        (ValueError("a"), ValueError("b")),
        (ValueError("a"), TypeError("a")),
        (ValueError("a"), ValueError("a", "b")),
        (error(None), error(KeyError("k"))),
        (error(KeyError("k")), error(KeyError("other"))),
        (noted("one"), noted("two")),
    ],
    ids=repr,
)
def test_values_that_differ_have_different_forms(left: object, right: object) -> None:
    assert form(value=left) != form(value=right)
    assert form(value=[{"deep": left}]) != form(value=[{"deep": right}])


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"a": [1, 2.5, None], "b": ("x", {1, 2}, {"k": b""})},
        lambda: [float("nan"), -0.0, 2**100, 1j],
        lambda: Place([Place(1)]),
        lambda: [np.arange(3), np.float32(0.5), np.dtype("f4")],
        lambda: error(KeyError("k"), "text", 1),
        lambda: [list(range(500)), {n: str(n) for n in range(500)}],
        lambda: adder(3),
    ],
)
def test_values_made_twice_have_one_form(make: object) -> None:
    assert callable(make)
    assert form(value=make()) == form(value=make())


def test_a_form_shows_which_names_are_one_object() -> None:
    shared, apart = [1], [1]

    assert form(a=shared, b=shared) != form(a=shared, b=apart)
    assert form(a=shared, b=apart) == form(a=[1], b=[1])


def test_a_form_shows_sharing_deep_inside() -> None:
    shared = Place([])

    assert form(a=[shared], b=(0, shared)) != form(a=[shared], b=(0, Place([])))


def test_a_form_of_a_cycle_ends() -> None:
    loop: list[object] = [1]
    loop.append(loop)

    assert form(loop=loop) == {
        "loop": "list",
        "loop[0]": "int 0x1",
        "loop[1]": "the same as loop",
    }


def test_a_form_of_a_deep_structure_ends() -> None:
    chain = Place(None)
    for _ in range(5000):
        chain = Place(chain)

    assert len(form(chain=chain)) > 5000


def test_what_nothing_is_known_of_is_refused() -> None:
    with pytest.raises(TypeError, match="nothing is known of <generator"):
        form(value=(n for n in range(3)))


# ------------------------------------------------------------------------------ runs


def block(text: str) -> Case:
    (case,) = parse("topic", f"[name]\nvalues = []\n--- block\n{text}\n")
    return case


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("n = 1", "n = True"),
        ("n = 1", "m = 1"),
        ("values.append(1)", "values.append(2)"),
        ("other = values", "other = []"),
        ("print(1)", "print(2)"),
        ("print(1)", "pass"),
        ("[][0]", "[][1.0]"),
        ("[][0]", "{}[0]"),
        ("{}[0]", "{}[1]"),
        ("{}[0]", "pass;{}[0]"),
        ("{}[0]", "# a line more\n{}[0]"),
        ("n = 1", "n = 1\nraise KeyError"),
    ],
)
def test_runs_that_differ_are_told_apart(left: str, right: str) -> None:
    first, second = run(block(left), Scope.MODULE, Here()), run(block(right), Scope.MODULE, Here())

    assert differences(first, first) == []
    assert differences(first, second)


@pytest.mark.parametrize("scope", Scope)
def test_a_run_sees_names_changes_output_and_the_exception(scope: Scope) -> None:
    left = run(block("values.append(len(values))\nprint('out')\nn = 2.5\nn()"), scope, Here())

    texts = set(left.values())
    assert {"int 0x0", "str 'out\\n'", "float 0x1.4000000000000p+1"} <= texts
    assert "str \"'float' object is not callable\"" in texts


def test_code_after_the_block_runs_after_it() -> None:
    (case,) = parse("topic", "[name]\n--- block\nn = 1\n--- after\nm = n + 1\n")

    assert run(case, Scope.FUNCTION, Here())["m in around"] == "int 0x2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n = 1\n[name]\n--- block\n", "'n = 1' stands before the first case"),
        ("[name]\nn = 1\n", "'name' needs one line '--- block'"),
        ("[name]\n--- block\n--- block\n", "'name' needs one line '--- block'"),
        ("[name]\n--- block\n[name]\n--- block\n", "two cases are called 'name'"),
    ],
)
def test_a_file_of_cases_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse("topic", text)


def test_there_are_enough_cases() -> None:
    assert len(cases(Path(__file__).parent / "cases")) >= 300
