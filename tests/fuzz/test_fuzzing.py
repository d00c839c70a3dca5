"""What the product computes is what CPython computes: operators, programs, blocks by the thousand.

``make fuzz`` does the same with fresh numbers for as long as it is told to.
"""

import pytest

from fuzzing import campaign
from fuzzing.parts import rounds_of_operators

#: Programs and blocks that are looked at, so many in one test.
PROGRAMS, BLOCKS, BATCH, BLOCK_BATCH = 20_000, 1_000, 4_000, 500
CASES = 500_000


@pytest.mark.timeout(600)
def test_operators_give_what_cpython_gives_or_bail() -> None:
    tally = campaign.run("operators", 0, rounds_of_operators(1))
    assert not tally.different, "\n".join(tally.failures)
    assert tally.items + tally.bailed >= CASES
    assert tally.bailed < tally.items / 4


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_random_programs_give_what_cpython_gives_or_bail(first: int) -> None:
    tally = campaign.run("programs", first, BATCH)
    assert not tally.different, "\n".join(tally.failures)
    assert tally.numbers == BATCH
    assert tally.accepted > 0.9 * BATCH
    assert tally.items > tally.bailed


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, BLOCKS, BLOCK_BATCH))
def test_random_blocks_leave_behind_what_they_leave_in_cpython(first: int) -> None:
    tally = campaign.run("blocks", first, BLOCK_BATCH)
    assert not tally.different, "\n".join(tally.failures)
    assert tally.numbers == BLOCK_BATCH
    assert tally.accepted > 0.75 * BLOCK_BATCH
