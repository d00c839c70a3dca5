"""``pyfora.connect``: from an address, or from nothing, to a connection."""

import importlib
import threading
from urllib.parse import urlsplit

from pyfora import _environment
from pyfora._cluster import Cluster
from pyfora._errors import PyforaError
from pyfora._local import LocalCluster


class InvalidUrlError(PyforaError, ValueError):
    """The address of a cluster cannot be one; the message shows what it should look like."""


def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    timeout: float = 30.0,
    reconnect_seconds: float = 60.0,
) -> Cluster:
    """Connect to the cluster at ``url``, e.g. ``http://host:30000``.

    Without a URL, a cluster is started on this machine: real processes, one executor a core, on
    loopback only. It ends with the connection, and with this program however that ends.

    Args:
        url: Address of the cluster's manager.
        token: What the manager wants to see; by default what ``UFORA_AUTH_TOKEN`` holds, or the
            file that ``UFORA_AUTH_TOKEN_FILE`` names, which is read again when the manager
            refuses the token.
        timeout: Seconds to wait for the cluster now.
        reconnect_seconds: Seconds for which a connection that broke is made anew, while blocks
            and futures wait as if nothing had happened. After them everything that waits raises
            ConnectionError. The cluster keeps what runs for a client for as long.

    Raises:
        InvalidUrlError: ``url`` is no address of a manager.
        AuthenticationError: the manager does not accept the token.
        VersionError: the manager runs another version.
        ConnectionError: nobody answers within the timeout, or what answers is no manager.
        ClusterStartError: the cluster on this machine did not start.
    """
    if not timeout > 0:
        raise ValueError(f"timeout={timeout!r} is not allowed; it takes seconds, more than 0")
    if not reconnect_seconds > 0:
        raise ValueError(
            f"reconnect_seconds={reconnect_seconds!r} is not allowed; it takes seconds, more than 0"
        )
    if url is None:
        return _embedded(timeout)
    # Imported here: it takes three times as long as the rest of pyfora together.
    from pyfora._socketio import SocketIoTransport

    address = checked_url(url)
    key = _environment.tokens() if token is None else token
    return Cluster(
        SocketIoTransport(address, token=key, timeout=timeout, reconnect_seconds=reconnect_seconds)
    )


def _embedded(timeout: float) -> Cluster:
    # The network's libraries load while the processes start.
    loading = threading.Thread(target=importlib.import_module, args=("pyfora._socketio",))
    loading.start()
    local = LocalCluster(timeout=timeout)
    try:
        loading.join()
        return local.connect(timeout=timeout, close_with_connection=True)
    except BaseException:
        local.close()
        raise


def checked_url(url: str) -> str:
    """The address without a trailing slash.

    Raises:
        InvalidUrlError: it is no ``http://host:port``.
    """
    example = "it takes the form http://host:30000"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidUrlError(f"{url!r} is no address of a cluster ({error}); {example}") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidUrlError(f"{url!r} does not start with http:// or https://; {example}")
    if not host or any(character.isspace() for character in url):
        raise InvalidUrlError(f"{url!r} names no host; {example}")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise InvalidUrlError(f"{url!r} has more than a scheme, a host and a port; {example}")
    return f"{parts.scheme}://{parts.netloc}"
