"""The tokens that a process accepts: where they come from, and what they are now.

A process sends one token and accepts up to two, so that a token can be replaced while everything
runs: first everybody accepts the new one too, then everybody sends it, then the old one goes.
Token files are read again while the process runs; no restart is needed.
"""

import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

from ufora_core.errors import SettingsError

log = logging.getLogger(__name__)

#: Seconds between two looks at the files.
REFRESH_SECONDS = 1.0


def fingerprint(token: str) -> str:
    """A name for a token by which nobody can guess it: 16 hex digits of a hash."""
    return hashlib.sha256(b"ufora token fingerprint:" + token.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The token that a process sends and listens with, and another one that it also accepts."""

    token: str | None = field(default=None, repr=False)
    second: str | None = field(default=None, repr=False)

    @property
    def accepted(self) -> tuple[str, ...]:
        """Both, without what is missing or the same; the one to send first."""
        return tuple(dict.fromkeys(each for each in (self.token, self.second) if each is not None))

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Those of ``accepted``; fit to be logged and shown."""
        return tuple(fingerprint(each) for each in self.accepted)


@dataclass(frozen=True, slots=True)
class TokenSource:
    """Where a process finds its tokens; without any of these it has none."""

    #: The token itself; goes before the file.
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    #: May be missing or empty: there is no second token then.
    second_file: Path | None = None

    @property
    def given(self) -> bool:
        """Whether there is to be a token."""
        return self.token is not None or self.token_file is not None

    def read(self) -> TokenPair:
        """The tokens as they are now.

        Raises:
            SettingsError: a file cannot be read, or what it holds is empty or not printable ASCII.
        """
        if self.token is not None:
            token: str | None = checked(self.token, "UFORA_AUTH_TOKEN")
        elif self.token_file is not None:
            name = f"UFORA_AUTH_TOKEN_FILE={str(self.token_file)!r}"
            token = checked(_content(self.token_file, name), name)
        else:
            return TokenPair()
        return TokenPair(token, self._second())

    def _second(self) -> str | None:
        if self.second_file is None or not self.second_file.exists():
            return None
        name = f"UFORA_AUTH_SECOND_TOKEN_FILE={str(self.second_file)!r}"
        content = _content(self.second_file, name)
        return checked(content, name) if content else None


class Tokens:
    """The tokens of a running process. Who uses them asks for ``current`` each time."""

    def __init__(self, source: TokenSource) -> None:
        """Read them; SettingsError when that fails."""
        self._source = source
        self._complaint = ""
        self.current = source.read()

    def refresh(self) -> bool:
        """Read the files again; True when the tokens changed.

        What cannot be read changes nothing and is logged once: it may be in the middle of being
        written.
        """
        try:
            found = self._source.read()
        except SettingsError as error:
            if str(error) != self._complaint:
                log.warning("the token stays as it was: %s", error)
            self._complaint = str(error)
            return False
        self._complaint = ""
        if found == self.current:
            return False
        self.current = found
        log.info("tokens changed; accepted now, by fingerprint: %s", " ".join(found.fingerprints))
        return True


def checked(token: str, name: str) -> str:
    """The token, if a header can carry it; SettingsError with the setting's name otherwise."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(f"{name} holds no token: it takes printable ASCII without spaces")
    return token


def _content(file: Path, name: str) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name} cannot be read: {error}") from None
