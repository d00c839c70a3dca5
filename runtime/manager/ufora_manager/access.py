"""Who may speak to the front end: pure rules over the facts of one request.

A peer that comes by loopback needs no token (``ssh -L`` and ``kubectl port-forward`` end there),
unless ``require_token`` says otherwise. It must then name a host that no foreign page can pretend
to be: a browser on this machine also comes by loopback, and a page can point its own name at
127.0.0.1. A forwarding header means that a proxy stands here and the real peer is elsewhere.
"""

import hmac
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_LOOPBACK_PEERS = ("127.0.0.1", "::1")
_FORWARDING_HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served: an HTTP status and a sentence."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one manager. Without a token nothing can be asked of remote peers: the settings
    then bind to loopback, or the network was declared safe."""

    #: The tokens that are accepted now; none: nobody is asked for one.
    tokens: Callable[[], tuple[str, ...]] = tuple
    #: Peers by loopback need the token too.
    always: bool = False

    def refusal(
        self, peer: str | None, headers: Mapping[str, str], own_address: str
    ) -> Refusal | None:
        """Why this request is refused, or None when it may pass.

        ``headers`` are looked up without regard to case; ``own_address`` is the address of this
        machine that the peer connected to.
        """
        if not _same_origin(headers):
            return Refusal(403, f"requests from pages of {headers['Origin']} are not served")
        accepted, token = self.tokens(), _bearer(headers)
        if accepted and token is not None:
            if _is_one_of(token, accepted):
                return None
            return Refusal(401, "the token is none that this manager accepts")
        by_loopback = peer in _LOOPBACK_PEERS and not _forwarded(headers)
        if accepted and (self.always or not by_loopback):
            return Refusal(401, "this manager serves only requests that carry its token")
        if by_loopback and not _names_this_machine(headers.get("Host", ""), own_address):
            return Refusal(
                403,
                f"the Host {headers.get('Host', '')!r} is no name of this machine's loopback; use "
                "localhost or 127.0.0.1, or send the token",
            )
        return None


def _is_one_of(token: str, accepted: tuple[str, ...]) -> bool:
    """Compares with all of them, and each time whole, so that the time taken tells nothing."""
    return any([hmac.compare_digest(token.encode(), each.encode()) for each in accepted])


def _bearer(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _forwarded(headers: Mapping[str, str]) -> bool:
    return any(name in headers for name in _FORWARDING_HEADERS)


def _same_origin(headers: Mapping[str, str]) -> bool:
    """True unless a browser says that the request comes from a page of somebody else."""
    origin = headers.get("Origin")
    if origin is None:
        return True
    scheme, separator, host = origin.partition("://")
    return scheme in ("http", "https") and bool(separator) and host == headers.get("Host")


def _names_this_machine(host: str, own_address: str) -> bool:
    """True for names that DNS cannot be made to give for a foreign page."""
    name = _without_port(host)
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return str(address) in (*_LOOPBACK_PEERS, own_address)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
