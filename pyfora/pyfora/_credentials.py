"""The token that a client shows, and what it does when the manager refuses it."""

from pyfora._errors import PyforaError
from ufora_core.errors import SettingsError
from ufora_core.tokens import Tokens, TokenSource


class Credentials:
    """The token of one connection; a refused one is looked up again, for it may be replaced."""

    def __init__(self, source: TokenSource) -> None:
        """Raises PyforaError when there is to be a token and it cannot be read."""
        try:
            self._tokens = Tokens(source)
        except SettingsError as error:
            raise PyforaError(str(error)) from None
        #: The one to show; None: none.
        self.token = self._tokens.current.token
        self._refusals = 0

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def accepted(self) -> None:
        """The manager took the token."""
        self._refusals = 0

    def refused(self, token: str | None) -> bool:
        """The manager refused ``token``. True when there is another to try, which is then shown."""
        if token != self.token:
            return True  # another request has found out before
        if self._tokens.refresh():
            self._refusals = 0
        else:
            self._refusals += 1
        known = self._tokens.current.accepted
        others = [each for each in known if each != token]
        if not others:
            return False
        self.token = others[0]
        return self._refusals < len(known)
