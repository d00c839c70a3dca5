"""A function as native code that is called again and again, each time with other numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ufora_worker.native.attention import Attention
from ufora_worker.native.history import History
from ufora_worker.native.refusal import Refusal, UserFunction
from ufora_worker.native.runs import Status
from ufora_worker.native.segments import objects
from ufora_worker.native.service import Compiler, Location, NativeCode, Request, Translate

if TYPE_CHECKING:
    from ufora_worker.native.translate.unit import Translation


def call_translation(
    function: FunctionType,
    arguments: Sequence[object],
    varying: Sequence[int],
    *,
    source_of: Callable[..., Any],
    python: tuple[int, int],
) -> "Translation":
    """What the compiler makes the function's code of; the arguments at the positions ``varying``
    are numbers, and may be any others of their classes in later calls.

    Raises:
        Refused: it is to run in CPython.
    """
    from ufora_worker.native.translate.site import translate_call

    made = translate_call(function, arguments, source_of=source_of, python=python)
    # The numbers of the first call say nothing about those of the others.
    unknown = set(map(_parameter, varying))
    bounds = {name: each for name, each in made.unit.bounds.items() if name not in unknown}
    return replace(made, unit=replace(made.unit, bounds=bounds))


@dataclass(slots=True)
class RepeatedCall:
    """The native code of one function, as soon as there is some."""

    location: Location
    history: History
    compiler: Compiler
    attention: Attention
    _request: Request | None = field(default=None, init=False)

    def prepare(self, translate: Translate) -> None:
        """Have code made; does not wait, unless it was made before."""
        request = self._request = Request(translate, self.location, self.history)
        self.history.refusal = None
        if self.history.was_made:
            self.compiler.recall(request)
        if request.code is None:
            self.compiler.submit(request)

    @property
    def ready(self) -> bool:
        """Whether there is code."""
        return self._request is not None and self._request.code is not None

    @property
    def refusal(self) -> Refusal | None:
        """Why there is none, once that is known."""
        return None if self.ready else self.history.refusal

    @property
    def functions(self) -> Sequence[UserFunction]:
        """The user's functions in the code."""
        return self._code.functions

    @property
    def _code(self) -> NativeCode:
        assert self._request is not None and self._request.code is not None
        return self._request.code

    def run(self, numbers: Mapping[int, Any]) -> tuple[Any, ...] | None:
        """What the function returns if the arguments at these positions are ``numbers``; None
        where it has to run in CPython."""
        from ufora_worker.native.llvm.columns import Columns

        code = self._code
        words = list(code.words)
        for position, number in numbers.items():
            _put(code, words, _parameter(position), number)
        columns = Columns.for_unit(code.unit, 1)
        with self.attention.native_code():
            run = code.entry.run(0, 1, words, columns, self.attention)
        if run.status is not Status.DONE:
            return None
        (values,) = objects(code.unit.emits, run.columns)
        return tuple(values)

    def keeps_classes(self, numbers: Sequence[Any]) -> bool:
        """Whether what the function returns first are numbers of the same classes."""
        from ufora_worker.native.ir.types import Tuple
        from ufora_worker.native.translate.capture import type_of

        emits = self._code.unit.emits
        return isinstance(emits, Tuple) and emits.items[: len(numbers)] == tuple(
            map(type_of, numbers)
        )


def _parameter(position: int) -> str:
    """The name that ``translate_call`` gives an argument."""
    return f"<item.{position}>"


def _put(code: NativeCode, words: list[int], name: str, number: Any) -> None:
    """Put a number in its place, if the code reads it at all."""
    from ufora_worker.native.llvm.slots import slots
    from ufora_worker.native.translate.capture import pack

    offset = 0
    for parameter in code.unit.functions[0].parameters[1:]:
        width = len(slots(parameter.type))
        if parameter.name == name:
            words[offset : offset + width] = pack(parameter.type, number).words
            return
        offset += width
