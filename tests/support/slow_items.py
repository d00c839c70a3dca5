"""Items that take their time on any machine: text is made, so that no native code shortens them."""

#: What ``count_slowly`` gives for any item.
COUNTED = 5_000


def count_slowly(item: int) -> int:
    """Some milliseconds of work in CPython."""
    total = 0
    for number in range(2 * COUNTED):
        total += int(str(number ^ item)[-1]) & 1
    return total
