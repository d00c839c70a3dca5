"""Native code in a real cluster: the same answers, faster; and without it the same answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import pyfora

#: Seconds in which everything that is awaited here must have happened, on a loaded machine too.
PATIENCE = 60.0


def is_prime(n: int) -> bool:
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return n > 1


def collatz(n: int) -> int:
    steps = 0
    while n != 1:
        n = 3 * n + 1 if n % 2 else n // 2
        steps += 1
    return steps


def power(n: int) -> int:
    """Beyond 64 bits for one item in ten thousand."""
    result = 1
    for _ in range(70 if n % 10_000 == 0 else 30):
        result *= 2
    return result + n


def endless(n: int) -> int:
    while n >= 0:
        n = (n + 1) % 1000
    return n


def deep(n: int) -> int:
    return deep(n + 1) + 1 if n >= 0 else 0


def natively(run: Callable[[], pyfora.Report]) -> pyfora.Report:
    """The report of the first run in which every loop met native code: that is made beside the
    loop, so how soon it comes depends on the machine. The test's own time limit ends what never
    does."""
    while True:
        report = run()
        if all(loop.native_items for loop in report.loops):
            return report


def test_a_numeric_loop_runs_natively_and_says_so(cluster: pyfora.Cluster) -> None:
    def run() -> pyfora.Report:
        with cluster.remotely.downloadAll() as block:
            count = sum(is_prime(n) for n in range(100_000))
        assert count == 9_592
        return report_of(block)

    report = natively(run)
    [loop] = report.loops
    assert (loop.items, loop.why_interpreted) == (100_000, None)
    assert f"native: {loop.native_items:,} items" in str(report)


def test_items_that_leave_64_bits_are_exact(cluster: pyfora.Cluster) -> None:
    expected = [power(n) for n in range(60_000)]

    def run() -> pyfora.Report:
        with cluster.remotely.downloadAll() as block:
            values = [power(n) for n in range(60_000)]
            total = sum(power(n) for n in range(60_000))
        assert values == expected
        assert total == sum(expected)
        return report_of(block)

    while not all(loop.bails for loop in natively(run).loops):
        pass


def report_of(block: Any) -> pyfora.Report:
    """The report of the block's last run."""
    assert isinstance(block.report, pyfora.Report)
    return block.report


def test_the_longest_collatz_sequence_is_the_leftmost(cluster: pyfora.Cluster) -> None:
    with cluster.remotely.downloadAll():
        longest = max(collatz(n) for n in range(1, 100_000))
        pair = max((collatz(n), -n) for n in range(1, 100_000))
    assert longest == 350
    assert pair == (350, -77_031)


def test_a_list_of_floats_has_the_bits_of_python(cluster: pyfora.Cluster) -> None:
    with cluster.remotely.downloadAll():
        halves = [n / 3 + n * 0.1 for n in range(300_000)]
        total = sum(n / 3 + n * 0.1 for n in range(300_000))
    assert halves == [n / 3 + n * 0.1 for n in range(300_000)]
    assert repr(total) == repr(sum(halves))


def test_a_cancelled_endless_native_loop_stops_and_its_process_lives(
    cluster: pyfora.Cluster,
) -> None:
    def search() -> bool:
        return any(endless(n) < 0 for n in range(4))

    before = psutil.Process().children(recursive=True)
    for seconds in (0.2, 1.0):
        future = cluster.submit(search)
        with pytest.raises(TimeoutError):
            future.result(seconds)
        assert future.cancel()
        assert cluster.submit(pow, 2, 10).result(PATIENCE) == 1024
    assert psutil.Process().children(recursive=True) == before


def test_recursion_without_end_is_pythons_error_and_the_process_lives(
    cluster: pyfora.Cluster,
) -> None:
    with pytest.raises(RecursionError):
        with cluster.remotely.downloadAll():
            sum(deep(n) for n in range(100_000))
    assert cluster.submit(pow, 2, 10).result(PATIENCE) == 1024


def primes_in(cluster: pyfora.Cluster) -> pyfora.Report:
    with cluster.remotely.downloadAll() as block:
        count = sum(is_prime(n) for n in range(100_000))
    assert count == 9_592
    return report_of(block)


def test_without_native_code_everything_is_the_same_and_the_report_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UFORA_NATIVE", "0")
    with pyfora.LocalCluster(workers=1, cores_per_worker=1) as local, local.connect() as cluster:
        report = primes_in(cluster)
    assert report.loops[0].native_items == 0
    assert "UFORA_NATIVE is 0" in str(report)


def _garbage(cache: Path) -> None:
    cache.mkdir()
    for number in range(3):
        (cache / f"{number:064x}.o").write_bytes(b"no machine code")


def _a_file(cache: Path) -> None:
    cache.write_text("in the way")


def _read_only(cache: Path) -> None:
    cache.mkdir(mode=0o500)


@pytest.mark.parametrize("spoil", [_garbage, _a_file, _read_only])
def test_a_spoiled_cache_of_compiled_code_costs_time_and_nothing_else(
    spoil: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    spoil(cache)
    monkeypatch.setenv("UFORA_NATIVE_CACHE", str(cache))
    with pyfora.LocalCluster(workers=1, cores_per_worker=1) as local, local.connect() as cluster:
        natively(lambda: primes_in(cluster))
