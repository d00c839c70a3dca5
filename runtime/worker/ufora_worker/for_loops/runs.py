"""One ``for`` statement while the engine runs it."""

import builtins
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from types import CodeType, FrameType
from typing import Any

from ufora_core.compiler.for_loops.statement import ForLoop
from ufora_core.compiler.sites.names import mangled
from ufora_core.compiler.sites.site import Site
from ufora_core.compiler.sites.stages import as_written
from ufora_worker.executor.chronicle import Tally
from ufora_worker.loops.moments import Declined


@dataclass(slots=True)
class Run:
    """One loop, between the calls of its code."""

    frame: FrameType
    site: Site
    #: As the program has it.
    iterable: Any
    #: None: it is to run as written.
    items: Sequence[Any] | None
    #: Items that are folded.
    done: int = 0
    #: The rest is to run as written.
    stopped: bool = False
    tally: Tally = field(default_factory=Tally)
    map_ns: int = 0
    #: How often it was asked whether the engine gains anything, as a power of two.
    tries: int = 1
    started: int = field(default_factory=perf_counter_ns)

    @property
    def loop(self) -> ForLoop:
        """What the compiler found."""
        assert self.site.loop is not None
        return self.site.loop

    def rest(self) -> Any:
        """What is left, for the body as written."""
        if self.items is None or self.done == 0:
            return as_written(self.iterable)
        return self.items[self.done :]

    def value(self, name: str) -> Any:
        """What a variable holds; None if it has no value."""
        try:
            return self.look_up(name)
        except Declined:
            return None

    def look_up(self, name: str) -> Any:
        """What a name means in the frame.

        Raises:
            Declined: nothing.
        """
        spelled, frame = mangled(name, self.site.mangle), self.frame
        places = (frame.f_locals, frame.f_globals, vars(builtins))
        for names in places[:1] if spelled in local_names(frame.f_code) else places:
            if spelled in names:
                return names[spelled]
        raise Declined(f"`{name}` has no value when the loop begins")


def local_names(code: CodeType) -> frozenset[str]:
    """The variables of a function; none for the code of a module."""
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return frozenset()
    return frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
