"""What an executor knows of the native code of one place in a program, from earlier loops."""

from dataclasses import dataclass

from ufora_worker.native.refusal import Refusal

#: Loops that end sooner are not worth a compiler's while.
WORTH_COMPILING_NS = 5_000_000
#: After a refusal the next request has to be worth so many times more: the values decide what can
#: be compiled, and they seldom change that much.
_HESITATION = 8


@dataclass(slots=True)
class History:
    """One place; it is used by the compiler's thread, too, one field at a time."""

    #: What loops there have to take together before the next request.
    worth_ns: int = WORTH_COMPILING_NS
    #: What they took in CPython and native code since the last one.
    spent_ns: int = 0
    #: There was code the last time, so it may be there again at once.
    was_made: bool = False
    refusal: Refusal | None = None
    #: A request is on its way, which also serves other loops of this place, most likely.
    asked: bool = False

    @property
    def is_due(self) -> bool:
        """Whether it is time for a request."""
        return self.spent_ns >= self.worth_ns and not self.asked

    def made(self) -> None:
        """A request was served."""
        self.was_made, self.refusal, self.worth_ns = True, None, WORTH_COMPILING_NS
        self.asked = False

    def refused(self, refusal: Refusal) -> None:
        """A request was refused."""
        self.was_made, self.refusal, self.asked = False, refusal, False
        self.worth_ns, self.spent_ns = _HESITATION * self.worth_ns, 0
