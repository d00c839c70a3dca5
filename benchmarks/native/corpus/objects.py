"""Programs of records, classes and objects."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from benchmarks.native.corpus.registry import numbers, program


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


@program
def orders() -> object:
    """Data classes with a property that sums up a few."""
    book = [Order() for _ in range(10_000)]
    for index, price in enumerate(numbers(100_000)):
        book[price % 10_000].items.append(Item(f"item {index}", price % 100))
    return sum(order.total for order in book), max(order.total for order in book)


@program
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


@program
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


@program
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


@program
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


@program
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
