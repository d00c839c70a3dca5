"""Random blocks: sites and ``for`` statements that the engine takes apart.

Each block runs in plain CPython and through the engine: with native code and without, whole and
split, on one client version. Whatever it leaves behind has to be the same.
"""

import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from differential import Case, Here, Scope, differences, run
from fuzzing.brisk import THOROUGH, compiled_by
from fuzzing.comparison import Different, Outcome
from fuzzing.functions import Functions
from fuzzing.patience import TooLong, time_limit
from fuzzing.programs import SOURCES, head, is_program, scope, site
from generous import give_everything
from inline_cluster import InlineCluster, QuietInterrupts
from prompt_native import PromptCompiler, PromptEngine
from ufora_worker.native.attention import Attention

#: Between what a block finds and the block itself.
MARK = "'block'\n"
#: Processor seconds that a block gets, each time.
_SECONDS = 3.0

#: Where a traceback points at, as ``canonical`` writes it: line, last line, and two columns.
_PLACES = re.compile(r"(raised[\w.]* at\[\d+\])\[3\]")
#: What a recursion without end says depends on what it does when there is no more room.
_NO_ROOM = re.compile(r"(maximum recursion depth exceeded)[ \w]*")
#: A NaN as ``canonical`` writes it: processors do not agree on the sign of those that arithmetic
#: makes (of all others ``operators`` looks at it).
_NAN = re.compile(r"\b[7f]ff8[0-9a-f]{12}\b")

_STEPS = (
    *("total += {int}", "total += {float}", "total -= y", "out.append(y)", "out.append((x, y))"),
    *(
        "count += 1",
        "table[{int}] = y",
        "table[y] = table.get(y, 0) + 1",
        "best = max(best, {int})",
    ),
    *("if {bool}:\n    continue", "if {bool} and {bool}:\n    break", "if {bool}:\n    count += 1"),
    *("z = {int}\nout.append(z)", "product *= {small}", "bits |= {int}", "bits ^= {int}"),
    *(
        "if {bool}:\n    out.append({int})\nelse:\n    total += {float}",
        "last = y",
        "out += [{int}]",
    ),
    *("for i in range({small}):\n    y += i", "y = {float}", "out.extend([{int}, {float}])"),
)
_STARTS = "total, out, table, count, best, product, bits, last = {}, [], {{}}, 0, 0, 1, 0, None\n"


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a block is run."""

    hungry: int
    native: bool
    #: Native code is there before the first item, rather than behind it.
    before_first: bool = False
    #: Every slice is one item, and everything is worth giving away.
    eager: bool = True


#: A block runs by one pattern of an even index and one of an odd index.
PATTERNS = (
    Pattern(hungry=1, native=True),
    Pattern(hungry=0, native=True, before_first=True, eager=False),
    Pattern(hungry=1, native=True, before_first=True),
    Pattern(hungry=1, native=False),
)


def block(seed: int) -> str:
    """The block of this number, behind what it finds and the mark."""
    chance = Random(seed)
    while True:
        functions = Functions(chance)
        parts = [f"{name} = {_literal(value)}\n" for name, value in scope(chance).items()]
        parts += [functions.write(f"f{index}") for index in range(chance.randint(1, 3))]
        parts.append(MARK)
        parts += [_statement(functions, index) for index in range(chance.randint(1, 3))]
        text = "".join(parts)
        text = f"{head(chance, text)}{text}"
        if is_program(text):
            return text


def _literal(value: object) -> str:
    return f"math.{value}" if repr(value) in ("inf", "nan") else repr(value)


def _statement(functions: Functions, index: int) -> str:
    chance = functions.chance
    text = _loop(functions) if chance.random() < 0.4 else f"r{index} = {site(functions)}\n"
    if chance.random() < 0.6:
        kept = f"r{index} = type(error).__name__, type(error) is RecursionError or error.args"
        text = f"try:\n{_indented(text)}except Exception as error:\n    {kept}\n"
    return text


def _loop(functions: Functions) -> str:
    """A ``for`` statement that gathers things."""
    chance, expressions = functions.chance, functions.expressions
    source, names = chance.choice(SOURCES)
    source = source.replace("{edge}", "5")
    wanted = chance.choice(list(expressions.functions))
    with expressions.over(names), expressions.also(wanted, "y"):
        body = f"y = {expressions.call(wanted, 2)}\n"
        expressions.calls = 1
        steps = [expressions.fill(chance.choice(_STEPS)) for _ in range(chance.randint(1, 3))]
    text = f"for {source}:\n{_indented(body + chr(10).join(steps) + chr(10))}"
    if chance.random() < 0.15:
        text += "else:\n    count += 100\n"
    return _STARTS.format(chance.choice(("0", "0", "0.5", "7"))) + text


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


# ------------------------------------------------------------------ running


class Rig:
    """Clusters of one process that run blocks."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._chance = Random()
        self._count = 0
        self._compiler = PromptCompiler()
        self._attention = Attention(QuietInterrupts())
        #: Ranges that thieves have run.
        self.ranges = 0

    def close(self) -> None:
        """Remove what is on the disk, and end the thread of native code."""
        self._folder.cleanup()
        self._attention.close()

    def check(self, text: str, number: int) -> Outcome:
        """Run one block as written, and in two ways on the engine.

        Raises:
            Different: they do not leave the same behind.
        """
        before, mark, after = text.partition(MARK)
        if not mark:
            return Outcome()
        case = Case("fuzz", "a block", before, after)
        where = (Scope.MODULE, Scope.CLOSURE, Scope.FUNCTION)[number % 3]
        made = self._compiler.made
        try:
            with warnings.catch_warnings(), compiled_by(thorough=number % THOROUGH == 0):
                warnings.simplefilter("ignore")
                with time_limit(_SECONDS):
                    here = _plain(run(case, where, Here()))
                for index in (2 * (number % 2), 1 + 2 * (number // 2 % 2)):
                    self._compare(case, where, here, PATTERNS[index], number)
        except (TooLong, MemoryError):
            return Outcome(abandoned=True)
        return Outcome(accepted=self._compiler.made > made)

    def _compare(
        self, case: Case, where: Scope, here: dict[str, str], pattern: Pattern, number: int
    ) -> None:
        self._chance.seed(number)
        with self._cluster(pattern) as cluster, time_limit(4 * _SECONDS):
            there = _plain(run(case, where, cluster))
        found = differences(here, pointing_at(here, there))
        if found:
            raise Different(f"{pattern}, {where.value}: " + "\n  ".join(found[:5]))

    @contextmanager
    def _cluster(self, pattern: Pattern) -> Iterator[InlineCluster]:
        self._count += 1
        self._compiler.failures.clear()
        native = PromptEngine(self._compiler, self._attention, before_first=pattern.before_first)
        folder = Path(self._folder.name, str(self._count))
        cluster = InlineCluster(folder, self._chance.randrange, native if pattern.native else None)
        cluster.words.set_hungry(pattern.hungry)
        try:
            with eager() if pattern.eager else nullcontext():
                yield cluster
        finally:
            cluster.close()
            shutil.rmtree(folder)
        self.ranges += cluster.ranges_run
        if self._compiler.failures:
            raise Different(f"the compiler fails: {self._compiler.failures.pop()!r}")


def _plain(form: dict[str, str]) -> dict[str, str]:
    """What a block leaves behind, all NaNs alike, and all recursions without end."""
    return {path: _NO_ROOM.sub(r"\1", _NAN.sub("nan", text)) for path, text in form.items()}


def pointing_at(here: dict[str, str], there: dict[str, str]) -> dict[str, str]:
    """The form of ``there`` as if its traceback pointed at the list in ``sum([...])``, as CPython
    does, where it points at the whole call in the same lines."""
    pointing = dict(there)
    for match in filter(None, map(_PLACES.fullmatch, here)):
        columns = [f"{match[1]}[{index}]" for index in (3, 4)]
        (first, last), (whole_first, whole_last) = (
            [int(form.get(each, "int 0").split()[1], 0) for each in columns]
            for form in (here, there)
        )
        if whole_first < first and last < whole_last:
            pointing.update((each, here[each]) for each in columns)
    return pointing


@contextmanager
def eager() -> Iterator[None]:
    """Within it slices have one item, and everything seems worth giving away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ufora_worker.loops.loop.SLICE_NS", 1)
        give_everything(patch)
        yield
