"""The one place where the client looks at the environment of the program."""

import os

from pyfora._errors import PyforaError
from ufora_core.errors import SettingsError
from ufora_core.settings import tokens_from_env
from ufora_core.tokens import TokenSource


def tokens() -> TokenSource:
    """Where the token is that ``UFORA_AUTH_TOKEN`` or ``UFORA_AUTH_TOKEN_FILE`` gives, and the
    second one of ``UFORA_AUTH_SECOND_TOKEN_FILE``.

    Raises:
        PyforaError: it cannot be read.
    """
    try:
        return tokens_from_env(os.environ)  # noqa: TID251  (on behalf of pyfora.connect)
    except SettingsError as error:
        raise PyforaError(str(error)) from None


#: Settings that hold for whatever cluster is started here.
_OF_ANY_CLUSTER = ("UFORA_NATIVE", "UFORA_NATIVE_CACHE")


def for_processes() -> dict[str, str]:
    """What the processes of a local cluster inherit: everything but settings of another cluster.

    They keep compiled code where the next cluster finds it again.
    """
    inherited = os.environ  # noqa: TID251  (on behalf of pyfora.connect)
    caches = inherited.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return {
        "UFORA_NATIVE_CACHE": os.path.join(caches, "ufora", "native"),
        **{
            name: value
            for name, value in inherited.items()
            if not name.startswith("UFORA_") or name in _OF_ANY_CLUSTER
        },
    }
