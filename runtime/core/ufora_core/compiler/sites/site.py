"""What is known of one place where a program may be split."""

import ast
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from types import CodeType

from ufora_core.compiler.for_loops.statement import ForLoop
from ufora_core.compiler.sites.calls import Calls
from ufora_core.compiler.sites.forms import drained, form_of
from ufora_core.compiler.sites.iterables import KEY, function_names, functions_of, is_own_name
from ufora_core.compiler.sites.names import Comprehension, free_names, kept_names, mangled
from ufora_core.compiler.sites.reducers import Reducer, SiteKind


@dataclass(frozen=True, slots=True)
class Site:
    """One place where a program may be split."""

    index: int
    kind: SiteKind
    line: int
    column: int
    #: What is done with an item: the comprehension as written, or, where the iterable calls
    #: functions (``map(f, xs)``) or the reducer has a key, with these calls written out. Nobody may
    #: change it.
    comprehension: Comprehension
    #: Names, spelled as CPython spells them, that items read from the scopes around.
    free: tuple[str, ...]
    #: Those of ``free`` that an item's value may hold on to (``lambda: k``): if one is a local
    #: variable, the site cannot be split.
    kept: frozenset[str]
    #: Those of ``free`` that an enclosing comprehension binds.
    enclosing: frozenset[str]
    #: All items run before the fold looks at the first (``sum([f(x) for x in xs])``).
    eager: bool
    #: Whether the expression has a start or default.
    operand: bool
    #: Name of the class around the code, for ``__private`` names (or empty).
    mangle: str
    #: The expression as written; None for statements, and in executors that got a range.
    original: ast.expr | None = None
    #: None for a bare comprehension.
    reducer: Reducer | None = None
    #: The comprehension as written; None where a call such as ``map`` stands alone.
    written: Comprehension | None = None
    #: The functions that the iterable calls, as written.
    functions: tuple[str, ...] = ()
    #: The key function, as written (or empty).
    key: str = ""
    #: Set where ``accumulate`` stands between the items and the reducer: the keywords of what it is
    #: given besides them, empty for what is given by position.
    accumulates: tuple[str, ...] | None = None
    #: Set for a ``for`` statement; then the comprehension gives the records of its items.
    loop: ForLoop | None = None
    #: Set for calls that stand side by side; then the items are the calls.
    calls: Calls | None = None

    @property
    def given_names(self) -> tuple[str, ...]:
        """Names in ``comprehension`` of functions that are values at the site: those that the
        iterable calls, and the key."""
        return (*function_names(len(self.functions)), *([KEY] if self.key else []))

    @property
    def only_keys(self) -> bool:
        """Whether the values are the keys of the items, and not pairs of key and item."""
        outermost, *rest = self.comprehension.generators
        plain = not rest and not outermost.ifs and not self.functions
        return bool(self.key) and self.written is None and plain

    def local_names(self, code: CodeType) -> tuple[str, ...]:
        """Those of ``free`` that are variables of the frame that runs ``code``, its closure
        included; the others are globals. A variable that ``f_locals`` lacks is unbound, and then
        the original must run, so that it fails as written."""
        variables = set(self.enclosing)
        if code.co_flags & inspect.CO_OPTIMIZED:
            variables.update(code.co_varnames, code.co_cellvars, code.co_freevars)
        return tuple(name for name in self.free if name in variables)


def described(original: ast.expr, index: int, mangle: str, enclosing: frozenset[str]) -> Site:
    """The site that an expression is, with this number; ``mangle`` is the class around it (or
    empty), and ``enclosing`` are the names that comprehensions around it bind."""
    form = form_of(original) or drained(original)
    assert form is not None
    comprehension = form.comprehension()
    free = frozenset(name for name in free_names(comprehension) if not is_own_name(name))
    eager = isinstance(form.written, ast.ListComp)

    def spelled(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(mangled(name, mangle) for name in names)

    return Site(
        index=index,
        kind=form.kind,
        line=original.lineno,
        column=original.col_offset,
        comprehension=comprehension,
        free=spelled(sorted(free)),
        kept=frozenset(spelled(kept_names(comprehension))),
        enclosing=frozenset(spelled(free & enclosing)),
        eager=form.reducer is not None and (eager or form.reducer.gathers),
        operand=form.operand is not None,
        mangle=mangle,
        original=original,
        reducer=form.reducer,
        written=form.written,
        functions=tuple(map(ast.unparse, functions_of(form.source))),
        key="" if form.key is None else ast.unparse(form.key.value),
        accumulates=None if form.running is None else _keywords(form.running),
    )


def _keywords(call: ast.Call) -> tuple[str, ...]:
    """Of all operands but the first; empty for those by position."""
    return (*("" for _ in call.args[1:]), *(each.arg or "" for each in call.keywords))
