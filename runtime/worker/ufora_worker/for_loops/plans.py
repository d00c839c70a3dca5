"""The turns of a loop as a function, proved to be nothing but work on its arguments."""

import ast
import logging
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ufora_core.compiler.effects.judgement import judge
from ufora_core.compiler.for_loops.flow import stores
from ufora_core.compiler.for_loops.item import ITEM, comprehension_of
from ufora_core.compiler.for_loops.turns import AT, END, Turns
from ufora_core.compiler.sites.names import mangled
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_core.compiler.trees import placed
from ufora_worker.executor.program_code import definition_of
from ufora_worker.for_loops.changes import changes_of_assigning
from ufora_worker.for_loops.elements import element
from ufora_worker.for_loops.items import ItemFunctions
from ufora_worker.for_loops.runs import Run, local_names
from ufora_worker.loops.moments import Declined
from ufora_worker.native.repeated import RepeatedCall, call_translation

if TYPE_CHECKING:
    from ufora_worker.native.translate.unit import Translation

log = logging.getLogger(__name__)

_NUMBERS = {bool, int, float, complex}


@dataclass(slots=True)
class Plan:
    """The turns of one loop as a function, and how it is called."""

    turns: Turns
    function: FunctionType
    #: Names and values of the parameters: the variables, what else is read, the limits, and what
    #: items are taken from.
    names: tuple[str, ...]
    values: list[Any]
    native: RepeatedCall

    @property
    def varying(self) -> list[int]:
        """Positions of what is another number in each call."""
        limits = map(self.names.index, (AT, END))
        return [*range(len(self.turns.state)), *limits]

    def prepare(self, python: tuple[int, int]) -> None:
        """Have native code made."""

        def translated() -> "Translation":
            return call_translation(
                self.function, self.values, self.varying, source_of=definition_of, python=python
            )

        self.native.prepare(translated)


@dataclass(slots=True)
class Plans:
    """Makes the plans of one job's loops."""

    _functions: ItemFunctions = field(default_factory=ItemFunctions)

    def plan(self, run: Run, native: RepeatedCall) -> Plan | None:
        """The plan for what is left of a loop, with the values that its variables have now; None
        if there can be none."""
        try:
            plan = self._plan(run, native)
            return plan if plan is not None and _is_proved(run, plan) else None
        except Declined:
            return None
        except Exception:
            log.exception("the loop at line %d runs as written", run.site.line)
            return None

    def _plan(self, run: Run, native: RepeatedCall) -> Plan | None:
        turns, items = run.loop.turns, run.items
        given: dict[str, Any] = {}
        item = element(items, given)
        if turns is None or items is None or item is None:
            return None
        numbers = numbers_of(run, turns)
        if numbers is None:
            return None
        around = local_names(run.frame.f_code)
        free = [name for name in turns.free if mangled(name, run.site.mangle) in around]
        values = dict(zip(turns.state, numbers, strict=True))
        values |= {name: run.look_up(name) for name in free}
        values |= {AT: 0, END: len(items), **given}
        names = tuple(values)
        # Their site keeps the turns, and so their identity.
        key, body = (id(turns), names, ast.dump(item)), lambda: turns.function(item)
        function = self._functions.of(run, key, _no_item(turns), names, body)
        return Plan(turns, function, names, list(values.values()), native)


def numbers_of(run: Run, turns: Turns) -> list[Any] | None:
    """The variables as numbers, where what is only assigned by the turn that ends the loop may be
    any; None where one is no number, or has no value."""
    found: list[Any] = []
    for name in turns.state:
        try:
            value = run.look_up(name)
        except Declined:
            return None
        if type(value) not in _NUMBERS:
            if name not in turns.found:
                return None
            value = 0
        found.append(value)
    return found


def _is_proved(run: Run, plan: Plan) -> bool:
    turns, mangle = plan.turns, run.site.mangle
    comprehension = comprehension_of(_no_item(turns), plan.names, many=False)
    names = [mangled(name, mangle) for name in plan.names]
    scope = {**dict(zip(names, plan.values, strict=True)), ITEM: plan.function}
    verdict = judge(
        replace(run.site, kind=SiteKind.LIST, comprehension=comprehension, free=tuple(scope)),
        run.frame.f_globals,
        scope,
        [()],
        source_of=definition_of,
        filename=run.filename,
        changes=changes_of_assigning(run, stores(turns.target) | set(turns.state)),
    )
    return verdict.pure


def _no_item(turns: Turns) -> ast.expr:
    """The target of a loop whose items are empty."""
    return placed(ast.Tuple([], ast.Store()), turns.target)
