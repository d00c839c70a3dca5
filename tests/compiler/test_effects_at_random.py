"""What the proof calls pure must not change anything, whatever the program."""

import textwrap
from types import FunctionType, ModuleType
from typing import Any

import pytest

import random_bodies
from judging import Program
from ufora_core.compiler.effects.judgement import BROKEN

#: Random programs that a run of the tests looks at; ``PYTHONPATH`` changes nothing about them.
PROGRAMS = 1500
BATCH = 100


def _program(seed: int) -> Program:
    body = textwrap.indent(random_bodies.body(seed), "    ")
    return Program(f"{random_bodies.OUTSIDE}\ndef f(x):\n{body}\n[f(x) for x in range(3)]\n")


def _outside(program: Program) -> str:
    """Everything that exists outside of ``f``, as text."""
    return _text({k: v for k, v in program.namespace.items() if not k.startswith("__")}, {})


def _text(value: object, seen: dict[int, int]) -> str:
    if value is None or isinstance(value, int | str | float | range | ModuleType):
        return repr(value)
    if id(value) in seen:
        return f"#{seen[id(value)]}"
    seen[id(value)] = len(seen)
    return f"{type(value).__name__}({', '.join(_text(each, seen) for each in _parts(value))})"


def _parts(value: Any) -> list[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, FunctionType):
        return [value.__defaults__, value.__dict__]
    if isinstance(value, type):
        names = [name for name in vars(value) if not name.startswith("__")]
        return [vars(value)[name] for name in names]
    return [vars(value)] if hasattr(value, "__dict__") else []


def _results(program: Program, order: list[int]) -> dict[int, str]:
    """What each item gives, when the items run in this order."""
    found = {}
    for x in order:
        try:
            found[x] = _text(program.namespace["f"](x), {})
        except Exception as error:
            found[x] = type(error).__name__
    return found


@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_what_is_called_pure_changes_nothing(first: int) -> None:
    pure = 0
    for seed in range(first, first + BATCH):
        program = _program(seed)
        verdict = program.judge()
        assert BROKEN not in str(verdict.reason), random_bodies.body(seed)
        if not verdict.pure:
            continue
        pure += 1
        before = _outside(program)
        in_order = _results(program, [0, 1, 2, 0])
        story = f"seed {seed}:\n{random_bodies.body(seed)}"
        assert _outside(program) == before, f"changes what exists outside; {story}"
        alone = {x: _results(_program(seed), [x])[x] for x in range(3)}
        assert in_order == alone, f"depends on the order of the items; {story}"
        reverse = _results(_program(seed), [2, 1, 0])
        assert reverse == alone, f"depends on the order of the items; {story}"
    assert pure >= BATCH // 20, "the proof refuses nearly everything, so this shows nothing"


def test_random_programs_do_change_what_exists_outside() -> None:
    changed = 0
    for seed in range(BATCH):
        program = _program(seed)
        before = _outside(program)
        _results(program, [0, 1, 2])
        changed += _outside(program) != before
    assert changed >= BATCH // 5
