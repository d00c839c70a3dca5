"""The version of the wire format, and what counts as compatible.

Adding a field with a default keeps the version; every other change of a message raises it.
"""

from ufora_core import __version__
from ufora_core.errors import VersionMismatch

VERSION = 4


def check_peer(who: str, protocol: int, release: str) -> None:
    """Refuse a peer that speaks another protocol.

    Raises:
        VersionMismatch: naming both versions and what to do.
    """
    if protocol != VERSION:
        raise VersionMismatch(
            f"{who} is Ufora {release} (protocol {protocol}), this side is Ufora {__version__} "
            f"(protocol {VERSION}); install the same version on both sides"
        )
