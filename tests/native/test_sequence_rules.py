"""Sequences and strings: elements, slices, searches and loops over them, as CPython has them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression_cases import judge
from translating import SiteCase
from ufora_core.compiler.sites.views import Enumerated, Picked, Reversed, Zipped
from ufora_worker.native.ir.printer import text

_INDICES = (0, 1, -1, 2, -3, 100, -100)
_TEXTS = ("", "b", "é", "ab", "abc", "abd", "hello, world and more than sixteen", "héé", "日本7語x")
_SEQUENCES: tuple[object, ...] = (
    *([], [1], [1, 2, 3], [5, -(2**63), 2**63 - 1, 0, 7], [1.5, 2.5, -0.0], [True, False]),
    *([float("nan"), 1.0], (1, 2, 3, 4, 5, 6), (1.0, 2), (True, 1, 2.5), [1j, 2j], b"", b"abc\xff"),
    *(np.arange(5), np.arange(10)[::-2], np.array([1.5, -2.5, np.inf]), np.array([True, False])),
    *(np.array([1, 2, 200], dtype="u1"), np.array([-1, 2], dtype="i2"), np.array([], dtype=float)),
    *(np.array([0.5, 0.1], dtype="f4"), np.array([1j, 2]), range(3), range(10, 0, -3)),
)
_MATRICES: tuple[object, ...] = (
    *([[1, 2], [3, 4], [5, 6]], [[1.5], [2.5]], ((1, 0), (0, 1), (-1, 0)), [[], []], [(1, 2.0)]),
    *(np.arange(6).reshape(2, 3), np.arange(12.0).reshape(3, 4)[::2, ::-1], np.eye(2, dtype="f4")),
)
_OF_SEQUENCES = [
    *("a[i]", "a[i] + 1", "a[i] * 2.5", "a[i] == 1", "a[i] < 200", "a[i] > 0.5", "int(a[i])"),
    *("float(a[i])", "complex(a[i])", "-a[i]", "a[i] + a[0]", "a[i] ** 2", "a[i] // 2", "a[i] & 1"),
    *("len(a)", "len(a[i:])", "a[i:][0]", "a[::-1][i]", "a[i:i + 2][0]", "a[i::2][0]", "a[True]"),
    *("a[i:0:-1][0]", "a[-2:i:3][0]", "a[:i:-2][0]", "a[a[i]]", "a[int(a[i])]", "range(5)[i]"),
    *("i in a", "1.5 in a", "True in a", "None in a", "a[i] in (1, 2)", "bool(a)", "a == a"),
    *("sum(a)", "sum(a[i:])", "sum(a, 0.5)", "max(a)", "min(a, default=0)", "any(a)", "all(a)"),
    *("sum(x * 2 for x in reversed(a))", "sum(k for k, x in enumerate(a, 5) if x)"),
    *("sum(x * y for x, y in zip(a, a[1:]))", "math.prod(a)", "(a[i], i)", "a[i].item()"),
    *("a[i] if a[i] else a[0]", "not a[i]", "max(a[i], a[0])", "divmod(a[i], 3)", "abs(a[i])"),
]
_OF_MATRICES = [
    *("m[i][0]", "m[0][i]", "m[i, 0]", "m[1, i]", "m[i][0] + m[0][i]", "len(m)", "len(m[0])"),
    *("sum(sum(r) for r in m)", "sum(x * y for x, y in m)", "m[i:][0][0]", "sum(m[i])"),
    *("m[i, 1:][0]", "m[:, 0][0]", "sum(r[-1] for r in m[::-1])", "max(max(r) for r in m)"),
    *("any(x for r in m for x in r)", "[1, 2] in m", "m.shape"),
]
_OF_TEXTS = [
    *("s[i]", "s[i:] == 'bc'", "s[:i] == 'ab'", "s[1:i] < 'b'", "len(s[::-1])", "s[::-1] == 'cba'"),
    *("s[i] == 'a'", "'a' <= s[i] <= 'm'", "s[i] in 'aeiou'", "s[i] not in s[1:]", "'l' in s"),
    *("'' in s", "s == 'abc'", "s != 'abc'", "s < 'abd'", "s >= 'ab'", "'b' < s", "s > 'hello'"),
    *("s[i] < 'ab'", "s[i] <= 'ab'", "'ab' >= s[i]", "'he' < s[i]", "s[i] < ''", "s[i] == 'ab'"),
    *("bool(s)", "ord(s)", "ord(s[i])", "s[i].isdigit()", "s[i].isalpha()", "s[i].isspace()"),
    *("s[i].upper()", "s[i].lower() == 'h'", "int(s[i])", "float('inf')", "max(s)", "s[i] == 5"),
    *("min(s, default='z')", "sum(ord(c) for c in s[i::-2])", "any(c == 'é' for c in s)"),
    *("sum(a == b for a, b in zip(s, s[1:]))", "sum(ord(c) * k for k, c in enumerate(s))"),
    *("s == s[:i]", "s < s[i:]", "s > s[i:i + 2]", "s[i:i + 1] == s[0]", "s[0] < s[i:]", "len(s)"),
]


@pytest.mark.parametrize("expression", _OF_SEQUENCES)
def test_a_sequence_gives_the_same_or_bails(expression: str) -> None:
    judge(expression, a=_SEQUENCES, i=_INDICES)


@pytest.mark.parametrize("expression", _OF_MATRICES)
def test_rows_give_the_same_or_bail(expression: str) -> None:
    judge(expression, m=_MATRICES, i=_INDICES)


@pytest.mark.parametrize("expression", _OF_TEXTS)
def test_a_string_gives_the_same_or_bails(expression: str) -> None:
    assert judge(expression, s=_TEXTS, i=_INDICES).equal > 0


@pytest.mark.parametrize(
    "expression",
    [
        *("sum(range(a, b, c))", "len(range(a, b, c))", "c in range(a, b)", "b in range(a, 10, c)"),
        *("c in range(a, b, -3)", "range(a, b)[c]", "range(a, b, 2)[c]", "sum(range(b)[a:c])"),
        *("sum(reversed(range(a, b, c)))", "max(range(a, b, c), default=5)"),
        *("sum(k * x for k, x in enumerate(range(a, b, c), c))",),
        *("sum(x - y for x, y in zip(range(a), range(b, 50, 2)))",),
    ],
)
def test_a_range_gives_the_same_or_bails(expression: str) -> None:
    judge(expression, a=(0, 1, -5, 7), b=(0, 3, -9, 20), c=(1, 2, -1, -4, 0, 5))


@given(
    st.integers(0, 12),
    st.one_of(st.none(), st.integers(-15, 15)),
    st.one_of(st.none(), st.integers(-15, 15)),
    st.integers(-5, 5).filter(bool),
)
def test_any_slice_has_the_elements_that_it_has_in_cpython(
    length: int, start: int | None, stop: int | None, step: int
) -> None:
    cut = f"{'' if start is None else 'p'}:{'' if stop is None else 'q'}:{step}"
    text = f"(len(a[{cut}]), sum(x * k for k, x in enumerate(a[{cut}], 1)))"
    verdict = judge(text, a=[list(range(3, 3 + length))], p=[start or 0], q=[stop or 0])
    assert (verdict.equal, len(verdict.refused)) == (1, 0)


def test_elements_of_lists_and_strings_do_not_bail() -> None:
    verdict = judge("a[i] * 2", a=[[1, 2, 3], [1.5, 2.5, 3.5], np.arange(3)], i=[0, 2, -3])
    assert (verdict.equal, verdict.bailed, len(verdict.refused)) == (9, 0, 0)


@pytest.mark.parametrize("items", [[1.5, 2.5], np.arange(3), "xyz", range(4)])
def test_views_are_iterated_over(items: "list[float] | str | range") -> None:
    views = [Enumerated(items, 3), Zipped((items, range(9))), Zipped((items, Reversed(items)))]
    for view in views:
        verdict = judge("sum(1 for x, y in v if x == y)", v=[view])
        assert (verdict.equal, verdict.bailed) == (1, 0)


@pytest.mark.parametrize("indices", [range(3, 9), range(1, 15, 4), range(0), range(14, -1, -1)])
@pytest.mark.parametrize(
    ("items", "least"), [([1.5, 2.5, 0.5] * 5, 1.0), (list(range(15)), 5), ("xyz" * 5, "x")]
)
def test_picked_items_are_iterated_over(
    items: "list[float] | str", least: object, indices: range
) -> None:
    written = "sum(k * (x > least) for k, x in enumerate(v, 1))"
    verdict = judge(written, v=[Picked(items, indices)], least=[least])
    assert (verdict.equal, verdict.bailed) == (1, 0)


def test_whatever_part_is_picked_has_the_same_code() -> None:
    program = "from itertools import islice\nxs = [0.5, 1.5, 2.5]\n[x + 1 for x in islice(xs, {})]"
    cases = [SiteCase(program.format(bounds), {}) for bounds in ("2", "1, 3", "2, 3")]
    codes = {text(replace(case.translation().unit, bounds={})) for case in cases}
    assert len(codes) == 1


def test_constant_collections_are_searched() -> None:
    collections = ({1, 2, 3}, frozenset({2.5}), {4: "x"}, [1, "a"], (None, 2))
    verdict = judge("x in c", x=[1, 2.5, 4, "a"], c=collections)
    assert (verdict.equal, verdict.bailed) == (20, 0)


@pytest.mark.parametrize(
    ("expression", "message", "edit"),
    [
        ("a[0] + 1", "`+` has no native form for a np.narrow_int and an int", "int(...)"),
        ("a[0.5]", "`0.5` is a float, and is used as an index", ""),
        ("a[a > 1]", "", ""),
        ("bool(a)", "whether an array is true has no native form", "compare its length"),
        ("a[0:2:i]", "the step of a slice is not a constant", "write a number"),
        ("s[i:i + 2] in s", "`in` has a native form for single characters only", "slice"),
        ("s + 'x'", "", ""),
        ("1 in s", "`in` looks for an int in a string", ""),
    ],
)
def test_what_has_no_native_form_is_refused(expression: str, message: str, edit: str) -> None:
    text = "a string that is longer than sixteen characters"
    verdict = judge(expression, a=[np.array([1, 2], dtype="i4")], s=[text], i=[1])
    (refusal,) = verdict.refused.values()
    assert refusal.message.startswith(message)
    assert edit in refusal.edit
