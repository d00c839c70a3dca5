"""Programs about text."""

from __future__ import annotations

import re
import string
import textwrap

from benchmarks.native.corpus.registry import program, words


@program
def word_counts() -> object:
    """Counts in a dict, by ``get``."""
    counts: dict[str, int] = {}
    for word in words(300_000):
        counts[word] = counts.get(word, 0) + 1
    return len(counts), max(counts.values())


@program
def palindromes() -> object:
    """Text turned round."""
    found = 0
    for number in range(3_000_000):
        text = str(number)
        if text == text[::-1]:
            found += 1
    return found


@program
def caesar() -> object:
    """A message shifted letter by letter, again and again."""
    message = "the quick brown fox jumps over the lazy dog"
    for shift in range(180_000):
        table = str.maketrans(
            string.ascii_lowercase,
            string.ascii_lowercase[shift % 26 :] + string.ascii_lowercase[: shift % 26],
        )
        message = message.translate(table).strip().replace("  ", " ")
    return message


@program
def log_lines() -> object:
    """Lines taken apart by a regular expression."""
    pattern = re.compile(r"(\d+)-(\w+): (.*)")
    total, names = 0, set()
    for number, word in enumerate(words(180_000)):
        match = pattern.match(f"{number}-{word}: some text of {word}")
        if match is not None:
            total += int(match.group(1))
            names.add(match.group(2))
    return total, len(names)


@program
def templates() -> object:
    """Text put together from parts."""
    lines = []
    for number in range(500_000):
        lines.append(f"{number:>8} | {number * 3.5:.2f} | {number % 7:^5}")
    return len("\n".join(lines))


@program
def wrapped() -> object:
    """The library's own Python."""
    text = " ".join(words(6_000))
    return sum(len(textwrap.wrap(text, width)) for width in range(20, 90))


@program
def tokens() -> object:
    """A scanner, character by character, with a state."""
    source = "let x1 = (3 + 42) * foo; " * 200_000
    found, word = [], ""
    for character in source:
        if character.isalnum():
            word += character
            continue
        if word:
            found.append(word)
            word = ""
        if not character.isspace():
            found.append(character)
    return len(found)


@program
def indexed() -> object:
    """Dicts and sets made of words, which no native code makes."""
    found = words(200_000)
    places = {word: index for index, word in enumerate(found)}
    lengths = {word: len(word) for word in found}
    return len(places), sum(lengths.values()), len({word[0] for word in found})


@program
def ranked() -> object:
    """Words in the order of what a function makes of each, and the least and greatest of these."""
    found = words(160_000)
    ordered = sorted(found, key=lambda word: word[::-1])
    return ordered[:3], min(word[1:] for word in found), max(len(word) for word in found)
