import ast
import textwrap

import pytest

from local_engine import LocalEngine
from pyfora._errors import BadWithBlockError
from pyfora._names import Names, names_of
from pyfora._rules import check
from registered import run
from ufora_core.program import Block


def names(text: str, mangle: str = "") -> Names:
    return names_of(ast.parse(textwrap.dedent(text)).body, mangle)


# --------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "assigned"),
    [
        ("x = 1", "x"),
        ("x, (y, *z) = a", "x y z"),
        ("x += 1", "x"),
        ("x: int = 1", "x"),
        ("a[i] = o.b = 1", ""),
        ("for x in y: pass", "x"),
        ("with f() as (x, y): pass", "x y"),
        ("import a.b, c.d as e", "a e"),
        ("from a import b, c as d", "b d"),
        ("def f(x): y = 1", "f"),
        ("async def f(): pass", "f"),
        ("class C:\n x = 1\n def m(self): y = 2", "C"),
        ("(x := 1)", "x"),
        ("[y := x for x in z]", "y"),
        ("[[y := x for x in z] for z in q]", "y"),
        ("f = lambda: (y := 1)", "f"),
        ("def f():\n  return [(y := x) for x in z]", "f"),
        ("del x, y.z", "x"),
        ("try: pass\nexcept E as x: pass", "x"),
        (
            "match q:\n case [x, *y]: pass\n case {'k': z, **r}: pass\n case C(a=b) as t: pass",
            "b r t x y z",
        ),
        ("def f():\n nonlocal x\n x = 1", "f x"),
        ("def f():\n x = 0\n def g():\n  nonlocal x\n  x = 1", "f"),
        ("def f():\n global x\n x = 1", "f"),
    ],
)
def test_assigned_names_follow_the_rules_of_scope(text: str, assigned: str) -> None:
    assert " ".join(names(text).assigned) == assigned


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("x + y", "x y"),
        ("x += 1", "x"),
        ("[x for x in y]", "y"),
        ("[x for x in x]", "x"),
        ("[x + z for y in q for x in y]", "q z"),
        ("lambda x, y=z: x + y + w", "w z"),
        ("def f(a: A = b) -> C:\n  return a + g", "A C b f g"),
        ("def f():\n x = 1\n return lambda: x + y", "f y"),
        ("class C(B, metaclass=M):\n a = b\n def m(self): return a", "B C M a b"),
        ("@d\ndef f(): pass", "d f"),
        ("f'{x:{y}}'", "x y"),
        ("def f():\n nonlocal x\n x = 1", "f x"),
        ("def f():\n global x\n return x", "f"),
    ],
)
def test_read_names_are_those_that_come_from_outside(text: str, outside: str) -> None:
    assert " ".join(names(text).read) == outside


def test_private_names_in_a_class_are_mangled() -> None:
    found = names("__x = __y + __z__ + _w", mangle="_Tree")
    assert found.assigned == ("_Tree__x",)
    assert found.read == ("_Tree__x", "_Tree__y", "__z__", "_w")


def test_a_class_inside_of_the_block_mangles_by_its_own_name() -> None:
    assert names("class D:\n def m(self): return __y", mangle="C").read == ("D", "_D__y")


# --------------------------------------------------------------------- rules

REFUSED = [
    "return",
    "return x",
    "yield x",
    "y = yield",
    "yield from x",
    "await x",
    "async with x: pass",
    "async for y in x: pass",
    "y = [z async for z in x]",
    "y = [await z for z in x]",
    "if x:\n  return",
    "try: pass\nfinally:\n  return",
    "break",
    "continue",
    "for y in x: pass\nelse: break",
    "while x:\n  pass\nelse:\n  continue",
    "global x",
    "nonlocal x",
    "from x import *",
    "f = lambda y=(yield): y",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_leaves_or_reaches_past_the_block_is_refused(text: str) -> None:
    with pytest.raises(BadWithBlockError):
        check(ast.parse(text).body, "file.py")


@pytest.mark.parametrize(
    "text",
    [
        "for y in x:\n  if y: break\n  else: continue",
        "while x:\n  break",
        "def f():\n  global g\n  yield 1\n  return 2",
        "async def f():\n  async for y in x: await y",
        "f = lambda: (yield)",
        "class C:\n  def m(self): return 1",
        "[y for y in x]",
        "try: pass\nexcept* E: pass",
        "from x import y",
    ],
)
def test_what_stays_inside_of_the_block_is_allowed(text: str) -> None:
    check(ast.parse(text).body, "file.py")


def test_a_refusal_says_where_and_what_to_do() -> None:
    with pytest.raises(BadWithBlockError) as refused:
        check(ast.parse("x = 1\n\nreturn x").body, "demo.py")
    error = refused.value
    assert (error.filename, error.lineno) == ("demo.py", 3)
    assert str(error) == (
        "'return' in a block that runs on the cluster (demo.py, line 3). "
        "Assign the value to a name in the block, and return it after the block."
    )


# --------------------------------------------------------------------- the captured block


def captured(text: str) -> Block:
    """The block in ``text``, which calls the cluster ``c``."""
    engine = LocalEngine()
    run(text, c=engine)
    (block,) = engine.blocks
    return block


def test_a_block_has_its_text_and_its_place() -> None:
    block = captured("""
        if True:
            with c.remotely:  # a comment

                # another
                x = 1
                y = '''long
            string'''
                if x:
                    y = 2

    """)
    assert block.source == "x = 1\ny = '''long\n    string'''\nif x:\n    y = 2\n"
    assert (block.filename, block.line, block.column) == ("<cell>", 6, 8)
    assert (block.function, block.optimized, block.assigned) == ("<module>", False, ["x", "y"])


@pytest.mark.parametrize(
    ("text", "source", "column"),
    [
        ("with c.remotely: x = 1; y = 2", "x = 1; y = 2\n", 17),
        ("with c.remotely as é: x = 1", "x = 1\n", 22),
        ("with (\n  c.remotely\n): x = (1,\n 2)", "x = (1,\n2)\n", 3),
        ("with c.remotely:\n\tx = 1\n\tif x:\n\t\ty = 2", "x = 1\nif x:\n\ty = 2\n", 1),
        ("with c.remotely:\n  @staticmethod\n  def f(): pass", "@staticmethod\ndef f(): pass\n", 2),
        ("with c.remotely:\n  x = [1,\n2]", "x = [1,\n2]\n", 2),
        ("with c.remotely:\n  x = f'''{1}\n  a'''", "x = f'''{1}\n  a'''\n", 2),
        ("with c.remotely:\n  x = 1 ; # end", "x = 1 ; # end\n", 2),
    ],
)
def test_the_text_of_a_block_parses_by_itself(text: str, source: str, column: int) -> None:
    block = captured(text)
    assert (block.source, block.column) == (source, column)
    ast.parse(block.source)


def test_locals_are_sent_if_they_are_reached() -> None:
    block = captured("""
        def main(used, unused, old):
            if False:
                later = 1
            with c.remotely:
                old = [used for _ in range(2)]
                later = 2
                fresh = len(old)
        main(1, 2, 3)
    """)
    assert dict(zip(block.local_names, block.local_values, strict=True)) == {"used": 1, "old": 3}
    assert block.unbound == ["fresh", "later"]
    assert block.assigned == ["fresh", "later", "old"]
    assert (block.function, block.optimized) == ("main", True)


def test_a_block_that_asks_for_locals_gets_all_of_them() -> None:
    block = captured("""
        def main(a, b):
            with c.remotely.downloadAll():
                found = sorted(locals())
            return found
        assert main(1, 2) == ["a", "b"]
    """)
    assert block.local_names == ["a", "b"]


def test_a_method_s_block_knows_its_class() -> None:
    block = captured("""
        class Base:
            def m(self): return 1
        class _Derived(Base):
            def m(self):
                __x = 2
                with c.remotely.downloadAll():
                    __x += super().m()
                return __x
        assert _Derived().m() == 3
    """)
    assert (block.mangle, block.first_argument) == ("_Derived", "self")
    assert block.local_names == ["_Derived__x", "__class__", "self"]


def test_a_global_that_the_function_declared_is_told_apart() -> None:
    block = captured("""
        def main():
            global total
            with c.remotely.downloadAll():
                total = 3
                local = 4
        main()
        assert total == 3
    """)
    assert block.global_names == ["total"]
    assert block.unbound == ["local"]


def test_the_block_is_compiled_as_the_file_was() -> None:
    block = captured("""
        from __future__ import annotations
        with c.remotely.downloadAll():
            def f(x: Missing): pass
        assert f.__annotations__ == {"x": "Missing"}
    """)
    assert block.flags


def test_xrange_is_understood_unless_something_else_has_the_name() -> None:
    captured("""
        with c.remotely.downloadAll():
            found = list(xrange(3))
        assert found == [0, 1, 2]
    """)
    captured("""
        def xrange(n): return n
        with c.remotely.downloadAll():
            found = xrange(3)
        assert found == 3
    """)


def test_variables_shared_with_a_function_stay_shared() -> None:
    block = captured("""
        def main():
            count = 0
            def bump():
                nonlocal count
                count += 1
                return count
            with c.remotely.downloadAll():
                count = 10
                first = bump()
                second = count
            return first, second, count, bump()
        assert main() == (11, 11, 11, 12)
    """)
    assert list(block.cells) == ["count"]


def test_a_variable_of_another_call_is_not_mistaken_for_a_shared_one() -> None:
    captured("""
        def main(x, other):
            def get():
                return x
            if other is None:
                return get
            with c.remotely.downloadAll():
                x = 2
                seen = other(), get()
            return seen
        assert main(1, main(1, None)) == (1, 2)
    """)


def test_an_empty_shared_variable_is_filled_by_the_block() -> None:
    block = captured("""
        def main():
            def get():
                return late
            with c.remotely.downloadAll():
                late = 5
                seen = get()
            return seen, get()
            late = None
        assert main() == (5, 5)
    """)
    assert list(block.cells) == ["late"]
