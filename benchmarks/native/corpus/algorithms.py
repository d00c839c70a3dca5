"""Algorithms over small loops, recursion, generators and closures."""

from __future__ import annotations

import collections
import functools
import heapq
from collections.abc import Callable, Iterator

from benchmarks.native.corpus.registry import numbers, program, words


@program
def memoised() -> object:
    """Recursion with a cache."""

    @functools.cache
    def ways(amount: int, largest: int) -> int:
        if amount == 0:
            return 1
        coins = (1, 2, 5, 10, 20, 50)
        return sum(ways(amount - coin, coin) for coin in coins if coin <= min(largest, amount))

    total = 0
    for amount in range(40_000):
        total = (total + ways(amount, 50)) % 1_000_003
    return total


@program
def permutations() -> object:
    """Recursion with a generator, which gives lists."""

    def arrange(items: list[int]) -> Iterator[list[int]]:
        if not items:
            yield []
        for index, item in enumerate(items):
            for others in arrange(items[:index] + items[index + 1 :]):
                yield [item, *others]

    return sum(order[0] < order[-1] for order in arrange(list(range(9))))


@program
def hanoi() -> object:
    """Recursion that changes lists."""
    pegs: list[list[int]] = [list(range(21, 0, -1)), [], []]

    def move(count: int, start: int, end: int) -> None:
        if count:
            other = 3 - start - end
            move(count - 1, start, other)
            pegs[end].append(pegs[start].pop())
            move(count - 1, other, end)

    move(21, 0, 2)
    return len(pegs[2])


@program
def sieve() -> object:
    """Slices of a byte array."""
    count, flags = 0, bytearray([1]) * 6_000_000
    for number in range(2, len(flags)):
        if flags[number]:
            count += 1
            flags[number * number :: number] = bytes(
                len(range(number * number, len(flags), number))
            )
    return count


@program
def life() -> object:
    """A set of cells, with a small loop for each."""
    cells = {(1, 0), (2, 0), (0, 1), (1, 1), (1, 2)}
    near = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y]
    for _ in range(1_200):
        counts = collections.Counter((x + i, y + j) for x, y in cells for i, j in near)
        cells = {cell for cell, n in counts.items() if n == 3 or (n == 2 and cell in cells)}
    return len(cells)


@program
def edit_distance() -> object:
    """Dynamic programming, row after row, each a small loop."""
    first, second = "".join(words(220)), "".join(words(500)[-220:])
    row = list(range(len(second) + 1))
    for index, letter in enumerate(first):
        above, row = row, [index + 1]
        for column, other in enumerate(second):
            row.append(
                min(above[column] + (letter != other), above[column + 1] + 1, row[column] + 1)
            )
    return row[-1]


def _mean(values: list[int]) -> float:
    return sum(value for value in values) / len(values)


@program
def small_sums() -> object:
    """A reduction over four items, called a hundred thousand times."""
    best = 0.0
    for number in range(700_000):
        best = max(best, _mean([number % 7, number % 11, number % 13, number % 17]))
    return best


def _small(number: int) -> list[int]:
    return [digit * digit for digit in range(number % 5)]


@program
def small_lists() -> object:
    """A comprehension over a few items, called a hundred thousand times."""
    found = []
    for number in range(1_000_000):
        found.append(len(_small(number)))
    return found.count(4)


@program
def small_matrices() -> object:
    """Comprehensions in comprehensions, over two by two."""
    matrix = [[1, 1], [1, 0]]
    product = [[1, 0], [0, 1]]
    for _ in range(140_000):
        product = [
            [sum(product[i][k] * matrix[k][j] for k in range(2)) % 1_000_007 for j in range(2)]
            for i in range(2)
        ]
    return product


@program
def small_for_loops() -> object:
    """``for`` loops of three turns, many times."""
    total = 0
    for number in numbers(900_000):
        part = 0
        for shift in (0, 8, 16):
            part += number >> shift & 255
        total ^= part
    return total


@program
def any_of_few() -> object:
    """``any`` and ``all`` over a few items."""
    found = 0
    for number in range(600_000):
        if any(number % divisor == 0 for divisor in (3, 5, 7)):
            found += 1
        elif all(number % divisor for divisor in (11, 13)):
            found += 2
    return found


@program
def two_calls() -> object:
    """Calls side by side that take next to no time."""

    def left(n: int) -> int:
        return n + 1

    def right(n: int) -> int:
        return n * 2

    total = 0
    for n in range(3_000_000):
        total = (total + left(n) + right(n)) % 1_000_003
    return total


@program
def deep_recursion() -> object:
    """Binary recursion over small lists."""

    def merge_sorted(values: list[int]) -> list[int]:
        if len(values) < 2:
            return values
        middle = len(values) // 2
        left, right = merge_sorted(values[:middle]), merge_sorted(values[middle:])
        return list(heapq.merge(left, right))

    return merge_sorted(numbers(100_000))[::20_000]


@program
def closures() -> object:
    """Functions that make functions."""

    def adder(step: int) -> Callable[[int], int]:
        return lambda value: value + step

    total = 0
    for step in range(2_500_000):
        total = adder(step)(total) % 1_000_003
    return total


@program
def piped() -> object:
    """Generators in a row."""

    def odd(values: Iterator[int]) -> Iterator[int]:
        for value in values:
            if value % 2:
                yield value

    def pairs(values: Iterator[int]) -> Iterator[tuple[int, int]]:
        for value in values:
            yield value, value % 10

    return collections.Counter(last for _, last in pairs(odd(iter(range(4_000_000)))))


@program
def stack_machine() -> object:
    """An interpreter of a small language."""
    code = [("push", 1), ("add", 0), ("dup", 0), ("mul", 0), ("mod", 1009)]
    stack = [3]
    for _ in range(1_000_000):
        for name, argument in code:
            if name == "push":
                stack.append(argument)
            elif name == "add":
                stack.append(stack.pop() + stack.pop())
            elif name == "dup":
                stack.append(stack[-1])
            elif name == "mul":
                stack.append(stack.pop() * stack.pop())
            else:
                stack.append(stack.pop() % argument)
        if len(stack) < 2:
            stack.append(1)
    return len(stack), stack[-1]


@program
def big_numbers() -> object:
    """Ints of thousands of digits, each from the one before."""
    first, second = 0, 1
    for _ in range(220_000):
        first, second = second, first + second
    return first % 10**9
