"""The tokens of a running process: where they come from, and when they change."""

import logging
from pathlib import Path

import pytest

from ufora_core.errors import SettingsError
from ufora_core.tokens import TokenPair, Tokens, TokenSource, fingerprint


@pytest.fixture
def source(tmp_path: Path) -> TokenSource:
    (tmp_path / "token").write_text("one\n")
    return TokenSource(token_file=tmp_path / "token", second_file=tmp_path / "second-token")


def write(file: Path | None, content: str) -> None:
    assert file is not None
    file.write_text(content)


def test_a_fingerprint_is_that_of_the_documented_hash() -> None:
    assert fingerprint("token") == "a59c20597c5d853c"


def test_the_sent_token_comes_first_and_none_comes_twice() -> None:
    assert TokenPair("a", "b").accepted == ("a", "b")
    assert TokenPair("a", "a").accepted == ("a",)
    assert TokenPair().accepted == TokenPair().fingerprints == ()


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_second_token_may_be_missing_or_empty(source: TokenSource, content: str | None) -> None:
    if content is not None:
        write(source.second_file, content)
    assert source.read() == TokenPair("one")


def test_a_rotation_is_seen_phase_by_phase(source: TokenSource) -> None:
    tokens = Tokens(source)
    seen = [tokens.current]
    for token, second in (("one", "two"), ("two", "one"), ("two", "")):
        write(source.token_file, token)
        write(source.second_file, second)
        assert tokens.refresh()
        assert not tokens.refresh()
        seen.append(tokens.current)
    assert seen == [
        TokenPair("one"),
        TokenPair("one", "two"),
        TokenPair("two", "one"),
        TokenPair("two"),
    ]


def test_a_folder_that_is_swapped_by_a_link_is_followed(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(name)
    (tmp_path / "current").symlink_to("old")
    tokens = Tokens(TokenSource(token_file=tmp_path / "current" / "token"))
    (tmp_path / "swap").symlink_to("new")
    (tmp_path / "swap").replace(tmp_path / "current")
    assert tokens.refresh() and tokens.current.token == "new"


@pytest.mark.parametrize("content", ["", "two words", "ü"])
def test_what_is_no_token_changes_nothing_and_is_logged_once(
    source: TokenSource, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = Tokens(source)
    write(source.token_file, content)
    assert not tokens.refresh() and not tokens.refresh()
    assert tokens.current.token == "one"
    (line,) = caplog.messages
    assert "the token stays as it was" in line and "UFORA_AUTH_TOKEN_FILE" in line


def test_a_file_that_is_gone_for_a_while_changes_nothing(source: TokenSource) -> None:
    tokens = Tokens(source)
    assert source.token_file is not None
    source.token_file.unlink()
    assert not tokens.refresh()
    write(source.token_file, "two")
    assert tokens.refresh() and tokens.current.token == "two"


def test_a_file_that_is_missing_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"UFORA_AUTH_TOKEN_FILE=.*absent"):
        Tokens(TokenSource(token_file=tmp_path / "absent"))


def test_a_change_is_logged_by_fingerprint_only(
    source: TokenSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tokens = Tokens(source)
    write(source.token_file, "a-secret-word")
    tokens.refresh()
    assert fingerprint("a-secret-word") in caplog.text
    assert "a-secret-word" not in caplog.text
