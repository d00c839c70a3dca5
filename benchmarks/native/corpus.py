"""Ordinary programs that gain nothing from many cores or machine code: they must not lose either.

Each takes some tenths of a second in CPython, and returns what tells whether it was right.
"""

from __future__ import annotations

import bisect
import collections
import csv
import functools
import hashlib
import heapq
import io
import itertools
import json
import operator
import re
import string
import struct
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction

PROGRAMS: list[Callable[[], object]] = []


def _program(function: Callable[[], object]) -> Callable[[], object]:
    PROGRAMS.append(function)
    return function


def numbers(count: int, seed: int = 1) -> list[int]:
    """Some that look random, below 2**31."""
    found = []
    for _ in range(count):
        seed = (1103515245 * seed + 12345) & 0x7FFFFFFF
        found.append(seed)
    return found


def words(count: int) -> list[str]:
    """Some that look random, of three to eight letters."""
    letters = string.ascii_lowercase
    found = []
    for number in numbers(count, seed=7):
        length = 3 + number % 6
        found.append("".join(letters[number >> shift & 15] for shift in range(length)))
    return found


# ---------------------------------------------------------------------- text


@_program
def word_counts() -> object:
    """Counts in a dict, by ``get``."""
    counts: dict[str, int] = {}
    for word in words(300_000):
        counts[word] = counts.get(word, 0) + 1
    return len(counts), max(counts.values())


@_program
def palindromes() -> object:
    """Text turned round."""
    found = 0
    for number in range(3_000_000):
        text = str(number)
        if text == text[::-1]:
            found += 1
    return found


@_program
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


@_program
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


@_program
def templates() -> object:
    """Text put together from parts."""
    lines = []
    for number in range(500_000):
        lines.append(f"{number:>8} | {number * 3.5:.2f} | {number % 7:^5}")
    return len("\n".join(lines))


@_program
def wrapped() -> object:
    """The library's own Python."""
    text = " ".join(words(6_000))
    return sum(len(textwrap.wrap(text, width)) for width in range(20, 90))


@_program
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


# ---------------------------------------------------------------------- records and objects


@dataclass(frozen=True)
class Item:
    """One of an order."""

    name: str
    price: int
    tags: tuple[str, ...] = ()


@dataclass
class Order:
    """Some items."""

    items: list[Item] = field(default_factory=list)

    @property
    def total(self) -> int:
        """What it costs."""
        return sum(item.price for item in self.items)


@_program
def orders() -> object:
    """Data classes with a property that sums up a few."""
    book = [Order() for _ in range(10_000)]
    for index, price in enumerate(numbers(100_000)):
        book[price % 10_000].items.append(Item(f"item {index}", price % 100))
    return sum(order.total for order in book), max(order.total for order in book)


@_program
def replacements() -> object:
    """Frozen objects, changed by making new ones."""
    item = Item("one", 1)
    for price in range(300_000):
        item = replace(item, price=price, tags=(*item.tags[-2:], "x"))
    return item.price, item.tags


class Account:
    """With methods that fail."""

    def __init__(self) -> None:
        self.balance = 0
        self.history: list[int] = []

    def pay(self, amount: int) -> None:
        """Raises ValueError when there is too little."""
        if amount > self.balance:
            raise ValueError("too little")
        self.balance -= amount
        self.history.append(-amount)

    def receive(self, amount: int) -> None:
        """More of it."""
        self.balance += amount
        self.history.append(amount)


@_program
def accounts() -> object:
    """Method calls and exceptions that are caught."""
    account, refused = Account(), 0
    for amount in numbers(900_000):
        try:
            account.pay(amount % 1000)
        except ValueError:
            refused += 1
            account.receive(amount % 700)
    return account.balance, refused


class Vector:
    """With operators."""

    __slots__ = ("x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, factor: float) -> Vector:
        return Vector(self.x * factor, self.y * factor)


@_program
def orbit() -> object:
    """Operators of a class, each step from the one before."""
    place, speed = Vector(1.0, 0.0), Vector(0.0, 1.0)
    for _ in range(450_000):
        distance = (place.x**2 + place.y**2) ** 1.5
        speed = speed + place * (-0.001 / distance)
        place = place + speed * 0.001
    return place.x, place.y


class Color(Enum):
    """Of a light."""

    RED = 1
    GREEN = 2
    YELLOW = 3


@_program
def lights() -> object:
    """A state machine of enumerations and dicts."""
    after = {Color.RED: Color.GREEN, Color.GREEN: Color.YELLOW, Color.YELLOW: Color.RED}
    color, seen = Color.RED, collections.Counter[Color]()
    for _ in range(1_500_000):
        color = after[color]
        seen[color] += 1
    return sorted((color.name, count) for color, count in seen.items())


@dataclass
class Tree:
    """A binary search tree."""

    value: int
    left: Tree | None = None
    right: Tree | None = None


@_program
def search_tree() -> object:
    """Objects that point to each other, and a generator that visits them."""
    root = Tree(1 << 30)
    for value in numbers(90_000):
        place = root
        while True:
            below = place.left if value < place.value else place.right
            if below is None:
                break
            place = below
        if value < place.value:
            place.left = Tree(value)
        else:
            place.right = Tree(value)

    def visit(tree: Tree | None) -> Iterator[int]:
        if tree is not None:
            yield from visit(tree.left)
            yield tree.value
            yield from visit(tree.right)

    return sum(index * value for index, value in enumerate(visit(root))) % 1_000_003


# ---------------------------------------------------------------------- the library


@_program
def json_and_back() -> object:
    """Written and read, in C."""
    records = [{"id": n, "name": f"n{n}", "values": [n, n + 1, None]} for n in range(3_000)]
    size = 0
    for _ in range(80):
        text = json.dumps(records)
        records = json.loads(text)
        size += len(text)
    return size


@_program
def csv_table() -> object:
    """Rows written, read and grouped."""
    file = io.StringIO()
    writer = csv.writer(file)
    for number in numbers(300_000):
        writer.writerow([number % 50, number, f"text {number % 9}"])
    file.seek(0)
    groups = collections.defaultdict(list)
    for group, text, _ in csv.reader(file):
        groups[group].append(int(text))
    return sorted((group, sum(members) % 1000) for group, members in groups.items())[:5]


@_program
def digests() -> object:
    """A chain of hashes: each needs the one before."""
    digest = b"start"
    for _ in range(1_000_000):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


@_program
def fractions() -> object:
    """Exact numbers of the library's."""
    total = Fraction(0)
    for n in range(1, 180_000):
        total += Fraction(1, n * (n + 1))
    return total.numerator, total.denominator


@_program
def interest() -> object:
    """Decimals, rounded at each step."""
    balance = Decimal("1000.00")
    for _ in range(700_000):
        balance = (balance * Decimal("1.0001")).quantize(Decimal("0.01"))
        if balance > 10_000:
            balance -= 9_000
    return str(balance)


@_program
def calendar() -> object:
    """Days of the library's."""
    day, fridays = date(1900, 1, 1), 0
    for _ in range(700_000):
        day += timedelta(days=1)
        if day.day == 13 and day.weekday() == 4:
            fridays += 1
    return fridays


@_program
def packed() -> object:
    """Bytes, packed and unpacked."""
    data = bytearray()
    for number in numbers(900_000):
        data += struct.pack("<IH", number, number % 65536)
    return sum(a ^ b for a, b in struct.iter_unpack("<IH", data)) % 1_000_003


@_program
def shortest_paths() -> object:
    """Dijkstra's algorithm with a heap."""
    targets = numbers(200_000)
    distances, heap = {0: 0}, [(0, 0)]
    while heap:
        distance, node = heapq.heappop(heap)
        if distance > distances[node]:
            continue
        for edge in range(5 * node, 5 * node + 5):
            target, further = targets[edge] % 40_000, distance + targets[edge] % 97
            if further < distances.get(target, 1 << 60):
                distances[target] = further
                heapq.heappush(heap, (further, target))
    return len(distances), max(distances.values())


@_program
def sorted_often() -> object:
    """Sorted by several keys."""
    records = [(number % 100, str(number), number) for number in numbers(200_000)]
    for position in (0, 1, 2, 1):
        records = sorted(records, key=operator.itemgetter(position))
    return records[0], records[-1]


@_program
def inserted() -> object:
    """Kept sorted by bisection."""
    kept: list[int] = []
    for number in numbers(100_000):
        bisect.insort(kept, number)
    return kept[0], kept[20_000]


@_program
def grouped() -> object:
    """Chains of iterators."""
    rows = sorted((number % 1000, number % 77) for number in numbers(150_000))
    groups = itertools.groupby(rows, key=operator.itemgetter(0))
    return sum(max(value for _, value in group) for _, group in groups)


# ---------------------------------------------------------------------- algorithms


@_program
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


@_program
def permutations() -> object:
    """Recursion with a generator, which gives lists."""

    def arrange(items: list[int]) -> Iterator[list[int]]:
        if not items:
            yield []
        for index, item in enumerate(items):
            for others in arrange(items[:index] + items[index + 1 :]):
                yield [item, *others]

    return sum(order[0] < order[-1] for order in arrange(list(range(9))))


@_program
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


@_program
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


@_program
def life() -> object:
    """A set of cells, with a small loop for each."""
    cells = {(1, 0), (2, 0), (0, 1), (1, 1), (1, 2)}
    near = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y]
    for _ in range(1_200):
        counts = collections.Counter((x + i, y + j) for x, y in cells for i, j in near)
        cells = {cell for cell, n in counts.items() if n == 3 or (n == 2 and cell in cells)}
    return len(cells)


@_program
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


@_program
def small_sums() -> object:
    """A reduction over four items, called a hundred thousand times."""
    best = 0.0
    for number in range(700_000):
        best = max(best, _mean([number % 7, number % 11, number % 13, number % 17]))
    return best


def _small(number: int) -> list[int]:
    return [digit * digit for digit in range(number % 5)]


@_program
def small_lists() -> object:
    """A comprehension over a few items, called a hundred thousand times."""
    found = []
    for number in range(1_000_000):
        found.append(len(_small(number)))
    return found.count(4)


@_program
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


@_program
def small_for_loops() -> object:
    """``for`` loops of three turns, many times."""
    total = 0
    for number in numbers(900_000):
        part = 0
        for shift in (0, 8, 16):
            part += number >> shift & 255
        total ^= part
    return total


@_program
def any_of_few() -> object:
    """``any`` and ``all`` over a few items."""
    found = 0
    for number in range(600_000):
        if any(number % divisor == 0 for divisor in (3, 5, 7)):
            found += 1
        elif all(number % divisor for divisor in (11, 13)):
            found += 2
    return found


@_program
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


@_program
def deep_recursion() -> object:
    """Binary recursion over small lists."""

    def merge_sorted(values: list[int]) -> list[int]:
        if len(values) < 2:
            return values
        middle = len(values) // 2
        left, right = merge_sorted(values[:middle]), merge_sorted(values[middle:])
        return list(heapq.merge(left, right))

    return merge_sorted(numbers(100_000))[::20_000]


@_program
def closures() -> object:
    """Functions that make functions."""

    def adder(step: int) -> Callable[[int], int]:
        return lambda value: value + step

    total = 0
    for step in range(2_500_000):
        total = adder(step)(total) % 1_000_003
    return total


@_program
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


@_program
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


@_program
def big_numbers() -> object:
    """Ints of thousands of digits, each from the one before."""
    first, second = 0, 1
    for _ in range(220_000):
        first, second = second, first + second
    return first % 10**9
