"""Find the longest words of many lines: ``python examples/words.py``.

The lines are a list of this program; the block reads it, and what it assigns is a list here again.
"""

import pyfora

TEXT = """
a line of this text has several words
and the longest of them is what we want
some lines have two that are equally long
then the first one stands for both of them
"""


def longest(line: str) -> str:
    """The line's longest word, the first of them if there are several."""
    return max(line.split(), key=len)


lines = TEXT.strip().splitlines() * 50_000
cluster = pyfora.connect()
with cluster.remotely.downloadAll():
    words = [longest(line) for line in lines]
    letters = sum(len(word) for word in words)
print(f"{len(words):,} words of {letters:,} letters, first of all {', '.join(words[:3])}")
