"""Programs that leave the work to the standard library."""

from __future__ import annotations

import bisect
import collections
import csv
import hashlib
import heapq
import io
import itertools
import json
import operator
import struct
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from benchmarks.native.corpus.registry import numbers, program


@program
def json_and_back() -> object:
    """Written and read, in C."""
    records = [{"id": n, "name": f"n{n}", "values": [n, n + 1, None]} for n in range(3_000)]
    size = 0
    for _ in range(80):
        text = json.dumps(records)
        records = json.loads(text)
        size += len(text)
    return size


@program
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


@program
def digests() -> object:
    """A chain of hashes: each needs the one before."""
    digest = b"start"
    for _ in range(1_000_000):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


@program
def fractions() -> object:
    """Exact numbers of the library's."""
    total = Fraction(0)
    for n in range(1, 180_000):
        total += Fraction(1, n * (n + 1))
    return total.numerator, total.denominator


@program
def interest() -> object:
    """Decimals, rounded at each step."""
    balance = Decimal("1000.00")
    for _ in range(700_000):
        balance = (balance * Decimal("1.0001")).quantize(Decimal("0.01"))
        if balance > 10_000:
            balance -= 9_000
    return str(balance)


@program
def calendar() -> object:
    """Days of the library's."""
    day, fridays = date(1900, 1, 1), 0
    for _ in range(700_000):
        day += timedelta(days=1)
        if day.day == 13 and day.weekday() == 4:
            fridays += 1
    return fridays


@program
def packed() -> object:
    """Bytes, packed and unpacked."""
    data = bytearray()
    for number in numbers(900_000):
        data += struct.pack("<IH", number, number % 65536)
    return sum(a ^ b for a, b in struct.iter_unpack("<IH", data)) % 1_000_003


@program
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


@program
def sorted_often() -> object:
    """Sorted by several keys."""
    records = [(number % 100, str(number), number) for number in numbers(200_000)]
    for position in (0, 1, 2, 1):
        records = sorted(records, key=operator.itemgetter(position))
    return records[0], records[-1]


@program
def inserted() -> object:
    """Kept sorted by bisection."""
    kept: list[int] = []
    for number in numbers(100_000):
        bisect.insort(kept, number)
    return kept[0], kept[20_000]


@program
def grouped() -> object:
    """Chains of iterators."""
    rows = sorted((number % 1000, number % 77) for number in numbers(150_000))
    groups = itertools.groupby(rows, key=operator.itemgetter(0))
    return sum(max(value for _, value in group) for _, group in groups)
