"""The token that a client shows, and what it does when the manager refuses it."""

from pathlib import Path

import pytest

import pyfora
from fake_manager import FakeManager
from pyfora._credentials import Credentials
from recorder import connected, submit
from ufora_core.tokens import TokenSource


@pytest.fixture
def source(tmp_path: Path) -> TokenSource:
    source = TokenSource(token_file=tmp_path / "token", second_file=tmp_path / "second-token")
    write(source, "one")
    return source


def write(source: TokenSource, token: str, second: str = "") -> None:
    assert source.token_file is not None and source.second_file is not None
    source.token_file.write_text(token)
    source.second_file.write_text(second)


def test_without_a_token_no_header_is_sent() -> None:
    assert Credentials(TokenSource()).headers == {}
    assert Credentials(TokenSource("one")).headers == {"Authorization": "Bearer one"}


def test_a_file_that_cannot_be_read_is_an_error_of_this_library(tmp_path: Path) -> None:
    with pytest.raises(pyfora.PyforaError, match="absent"):
        Credentials(TokenSource(token_file=tmp_path / "absent"))


def test_a_refused_token_that_is_the_only_one_is_final(source: TokenSource) -> None:
    credentials = Credentials(source)
    assert not credentials.refused("one")
    assert credentials.token == "one"


def test_each_of_two_tokens_is_tried_once(source: TokenSource) -> None:
    write(source, "one", "two")
    credentials = Credentials(source)
    assert credentials.refused("one") and credentials.token == "two"
    assert not credentials.refused("two")


def test_a_token_that_was_accepted_in_between_is_a_new_beginning(source: TokenSource) -> None:
    write(source, "one", "two")
    credentials = Credentials(source)
    for refused, shown in (("one", "two"), ("two", "one"), ("one", "two")):
        assert credentials.refused(refused) and credentials.token == shown
        credentials.accepted()


def test_a_file_that_was_replaced_is_read_when_its_token_is_refused(source: TokenSource) -> None:
    credentials = Credentials(source)
    write(source, "two")
    assert credentials.token == "one"
    assert credentials.refused("one") and credentials.token == "two"
    assert not credentials.refused("two")


def test_a_request_that_was_on_its_way_with_the_old_token_is_repeated(source: TokenSource) -> None:
    credentials = Credentials(source)
    write(source, "two")
    assert credentials.refused("one")
    assert credentials.refused("one") and credentials.token == "two"


def test_a_connection_outlives_a_token_that_is_replaced(source: TokenSource) -> None:
    manager = FakeManager(token="one")
    with manager, connected(manager, token=source) as (transport, recorder):
        assert transport.missing([]) == []
        write(source, "two")
        manager.token = "two"
        assert transport.missing([]) == []
        manager.break_links()
        recorder.wait_for(lambda: recorder.reconnects == 1)
        transport.send([submit(0)])
        manager.wait_for(lambda: len(manager.received) == 1)


def test_a_connection_shows_its_second_token_when_the_first_is_refused(
    source: TokenSource,
) -> None:
    write(source, "one", "two")
    with FakeManager(token="two") as manager, connected(manager, token=source) as (transport, _):
        assert transport.missing([]) == []


def test_a_token_that_is_taken_away_for_good_is_an_error_of_the_request(
    source: TokenSource,
) -> None:
    with FakeManager(token="one") as manager, connected(manager, token=source) as (transport, _):
        manager.token = "two"
        with pytest.raises(pyfora.AuthenticationError, match="the token is not the one"):
            transport.missing([])
