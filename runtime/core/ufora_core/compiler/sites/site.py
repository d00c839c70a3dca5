"""What is known of one place where a program may be split."""

import ast
import inspect
from dataclasses import dataclass
from types import CodeType

from ufora_core.compiler.for_loops.statement import ForLoop
from ufora_core.compiler.sites.calls import Calls
from ufora_core.compiler.sites.iterables import KEY, function_names
from ufora_core.compiler.sites.names import Comprehension
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
