"""The one place where the client looks at the environment of the program."""

import os

from pyfora._errors import PyforaError
from ufora_core.errors import SettingsError
from ufora_core.settings import token_from_env


def token() -> str | None:
    """The token that ``UFORA_AUTH_TOKEN`` or ``UFORA_AUTH_TOKEN_FILE`` gives.

    Raises:
        PyforaError: it cannot be read.
    """
    try:
        return token_from_env(os.environ)  # noqa: TID251  (on behalf of pyfora.connect)
    except SettingsError as error:
        raise PyforaError(str(error)) from None


def for_processes() -> dict[str, str]:
    """What the processes of a local cluster inherit: everything but settings of another cluster."""
    inherited = os.environ.items()  # noqa: TID251  (on behalf of pyfora.connect)
    return {name: value for name, value in inherited if not name.startswith("UFORA_")}
