"""The fuzzers bite: each break of the compiler is noticed within a bounded number of cases."""

import warnings

import pytest

from fuzzing.mutations import LIMIT, MUTATIONS, caught_at


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_break_of_the_compiler_is_noticed(name: str) -> None:
    mutation = MUTATIONS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert caught_at(mutation, LIMIT) is not None
