"""Words about loops that are not waited for just now."""

from collections import defaultdict, deque

from ufora_core.protocol.executor import LoopLost, TakePiece

Word = TakePiece | LoopLost


class Mailbox:
    """Keeps what comes for an outer loop while an inner one waits."""

    def __init__(self) -> None:
        self._words: defaultdict[tuple[str, int], deque[Word]] = defaultdict(deque)

    def put(self, word: Word) -> None:
        """Keep a word until its loop asks for it."""
        self._words[word.job, word.loop].append(word)

    def take(self, job: str, loop: int) -> Word | None:
        """The oldest word about a loop."""
        words = self._words.get((job, loop))
        return words.popleft() if words else None

    def forget(self, job: str, loop: int) -> None:
        """The loop is over."""
        self._words.pop((job, loop), None)

    def clear(self) -> None:
        """All loops are over."""
        self._words.clear()
