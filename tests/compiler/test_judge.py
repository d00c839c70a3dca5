"""What ``judge`` takes into account besides the program's text."""

import ast
import sys
import textwrap
from collections.abc import Mapping
from types import CodeType
from typing import Any

import pytest

from judging import Program
from ufora_core.compiler.effects.closed_world import World, description
from ufora_core.compiler.effects.instances import Layout, instance_attributes
from ufora_core.compiler.effects.judgement import BROKEN, Verdict, judge, judge_function
from ufora_core.compiler.effects.kinds import ANYTHING, INT, Value
from ufora_core.compiler.sites.rewriting import rewrite


def _judge(
    expression: str, scope: Mapping[str, object], items: object = range(3), **more: Any
) -> Verdict:
    site = rewrite(ast.parse(expression))[0]
    return judge(site, {}, scope, items, source_of=lambda code: None, **more)


def _function(text: str) -> tuple[Program, Any]:
    program = Program(f"{textwrap.dedent(text)}\n[f(x) for x in range(3)]")
    return program, program.namespace["f"]


def test_values_of_local_variables_count() -> None:
    assert _judge("[x + k for x in xs]", {"k": 1}).pure
    verdict = _judge("[k.append(x) for x in xs]", {"k": []}, filename="main.py")
    assert str(verdict.reason).startswith("main.py:1: `k.append(x)` changes `k`")


def test_items_are_what_they_are() -> None:
    assert _judge("[x.upper() for x in xs]", {}, ["a", "b"]).pure
    assert not _judge("[x.pop() for x in xs]", {}, [["a"], ["b"]]).pure


def test_an_index_is_looked_at_once_however_deep_it_stands() -> None:
    depth = 20
    links = f"{'links[' * depth}x{']' * depth}"
    assert _judge(f"[{links} for x in xs]", {"links": (1, 2, 0)}).pure
    assert _judge(f"[grid[{links}, 0:x] for x in xs]", {"links": (1, 2, 0), "grid": {}}).pure


def test_items_that_cannot_be_read_twice_are_refused() -> None:
    verdict = _judge("[x for x in xs]", {}, iter([1, 2]))
    assert "make a list of it before the loop" in str(verdict.reason)


def test_a_local_variable_that_results_hold_on_to_is_named() -> None:
    assert _judge("[lambda: k for x in xs]", {}).pure
    verdict = _judge("[lambda: k for x in xs]", {"k": 1})
    assert verdict.reason is not None
    assert verdict.reason.message.startswith("`k` is a variable around the loop")


def test_the_start_of_a_sum_is_part_of_the_world() -> None:
    program = Program(
        textwrap.dedent("""
        log = []
        class Loud:
            def __radd__(self, other):
                log.append(1)
                return self
        [x for x in range(3)]
        """)
    )
    site = rewrite(ast.parse("sum((x for x in xs), start)"))[0]
    loud = program.namespace["Loud"]()
    for operand, pure in (((0,), True), ((loud,), False)):
        verdict = judge(
            site,
            program.namespace,
            {},
            [loud, loud] if not pure else [1, 2],
            source_of=program.source_of,
            operand=operand,
        )
        assert verdict.pure is pure


@pytest.mark.parametrize(
    ("arguments", "pure"), [([INT], True), ([ANYTHING], False)], ids=["an int", "anything"]
)
def test_functions_are_judged_by_what_they_are_given(arguments: list[Value], pure: bool) -> None:
    program, function = _function("""
        def f(n):
            n += n
            return n
        """)
    assert judge_function(function, arguments, source_of=program.source_of).pure is pure


def test_long_chains_of_calls_are_given_up() -> None:
    chain = "\n".join(f"def f{i}(x): return f{i + 1}(x)" for i in range(100))
    program, function = _function(f"def f(x): return f0(x)\n{chain}\ndef f100(x): return x")
    verdict = judge_function(function, [INT], source_of=program.source_of)
    assert "too deeply" in str(verdict.reason)


def test_endless_towers_of_functions_are_given_up() -> None:
    program, function = _function("""
        def f(n, k=abs):
            return k(1) if n == 0 else f(n - 1, lambda v: k(n * v))
        """)
    assert not judge_function(function, [INT], source_of=program.source_of).pure


def test_functions_that_nest_too_deeply_are_given_up() -> None:
    depth = sys.getrecursionlimit() // 2
    program, function = _function(f"def f(x): return {' + '.join(['x'] * depth)}")
    verdict = judge_function(function, [INT], source_of=program.source_of)
    assert str(verdict.reason) == "program.py:1: `f` is too deeply nested"


def test_too_many_objects_are_given_up() -> None:
    class Point:
        pass

    points = [Point() for _ in range(20_000)]
    verdict = _judge("[x for x in xs]", {}, points)
    assert "more than" in str(verdict.reason)


def test_many_plain_values_are_no_trouble() -> None:
    numbers = [(float(i), [i, str(i)]) for i in range(50_000)]
    assert _judge("[b for a, b in xs]", {}, numbers).pure


def test_a_list_that_contains_itself_is_given_up() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert "contains itself" in str(_judge("[len(x) for x in xs]", {}, ring).reason)


def test_a_mistake_in_the_proof_is_no_mistake_of_the_program() -> None:
    program, function = _function("def f(x): return x")

    def broken(code: CodeType) -> ast.AST | None:
        raise KeyError("lost")

    verdict = judge_function(function, [INT], source_of=broken)
    assert program.judge().pure
    assert BROKEN in str(verdict.reason) and "KeyError: 'lost'" in str(verdict.reason)


def test_looking_at_objects_runs_no_code_of_theirs() -> None:
    class Trap:
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"{name} was read")

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __hash__(self) -> int:
            raise AssertionError("hashed")

        __class__ = property(lambda self: 1 // 0)

    traps = [Trap(), Trap()]
    assert _judge("[x for x in xs]", {"trap": traps[0]}, traps).pure
    assert not _judge("[x.a + trap.b for x in xs]", {"trap": traps[0]}, traps).pure


def test_reasons_do_not_depend_on_hashes() -> None:
    reasons = {
        str(_judge("[(x in k, f(x)) for x in xs]", {"k": {1, 2}, "f": print}).reason)
        for _ in range(3)
    }
    assert len(reasons) == 1


# ---------------------------------------------------------------------- many objects

_TREE = """
    class Node:
        __slots__ = ("value", "left", "right")
        def __init__(self, value, left, right):
            self.value, self.left, self.right = value, left, right

    def f(node):
        return 0 if node is None else f(node.left) + node.value + f(node.right)

    def grown(count):
        return grown_between(0, count)

    def grown_between(low, high):
        middle = (low + high) // 2
        if low == high:
            return None
        return Node(middle, grown_between(low, middle), grown_between(middle + 1, high))
"""


def test_a_walk_over_a_tree_is_looked_into_by_class_and_not_node_by_node() -> None:
    program, function = _function(_TREE)
    tree = program.namespace["grown"](5_000)
    verdict = _judge_call(program, function, tree)
    assert verdict == Verdict(True)


def test_a_walk_that_changes_some_node_is_refused_wherever_that_is() -> None:
    program, function = _function(
        _TREE.replace("return 0 if", "if node: node.value += 1\n        return 0 if")
    )
    verdict = _judge_call(program, function, program.namespace["grown"](100))
    assert verdict.reason is not None
    assert "changes" in verdict.reason.message


def test_a_method_of_a_class_deep_in_a_tree_is_looked_into() -> None:
    program, function = _function(
        _TREE
        + """
    class Loud(int):
        def __radd__(self, other):
            print(other)
            return 0
"""
    )
    nodes, cls = program.namespace["grown"](100), program.namespace["Node"]
    place = nodes
    while place.left is not None:
        place = place.left
    place.left = cls(program.namespace["Loud"](1), None, None)
    verdict = _judge_call(program, function, nodes)
    assert verdict.reason is not None and "print" in verdict.reason.message


def test_more_objects_than_are_looked_at_are_refused_soon() -> None:
    program, function = _function(_TREE)
    tree = program.namespace["grown"](30_000)
    verdict = _judge_call(program, function, tree)
    assert verdict.reason is not None
    assert "refers to more than 10,000 objects" in verdict.reason.message


def _judge_call(program: Program, function: Any, argument: object) -> Verdict:
    site = rewrite(ast.parse("[f(a) for x in xs]"))[0]
    scope = {"f": function, "a": argument}
    return judge(site, {}, scope, range(3), source_of=program.source_of)


# ---------------------------------------------------------------------- what proofs are kept by


def test_values_of_one_kind_have_one_description_and_others_another() -> None:
    def of(*values: object) -> object:
        return description(World(), values)

    assert of([1, 2], "a") == of([3], "b") != of([3.0], "b")
    assert of([[1], [2]]) == of([[3, 4]])
    assert of({1: 2.0}) != of({1: 2})
    assert of({1}) != of([1])
    assert of(len) != of(abs)
    assert of(Held()) is None and of([Held()]) is None and of([len]) is None


class Held:
    """What nothing is remembered by."""


def test_all_that_instances_hold_is_found_whatever_holds_it() -> None:
    class Base:
        __slots__ = ("a", "b")

    class Both(Base):
        pass

    full, partly = Both(), Both()
    full.a, full.b, full.c = 1, 2, 3  # type: ignore[attr-defined]
    partly.b, partly.d = 4, 5  # type: ignore[attr-defined]
    found = Layout(Both).attributes([full, partly])
    assert {name: sorted(values) for name, values in found.items()} == {  # type: ignore[type-var]
        "a": [1],
        "b": [2, 4],
        "c": [3],
        "d": [5],
    }
    assert Layout(ValueError).attributes([ValueError(6)])["args"] == [(6,)]


def test_of_two_slots_with_one_name_the_class_s_own_is_what_is_read() -> None:
    class Base:
        __slots__ = ("__dict__", "value")

    class Own(Base):
        __slots__ = ("value",)

    item = Own()
    item.value = 1  # type: ignore[attr-defined]
    Base.value.__set__(item, 2)  # type: ignore[attr-defined]
    item.__dict__["value"] = 3
    assert item.value == 1  # type: ignore[attr-defined]
    assert instance_attributes(item)["value"] == 1
