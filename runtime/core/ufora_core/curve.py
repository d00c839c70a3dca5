"""CurveZMQ with keys that follow from a token: who lacks the token gets no connection.

Who listens has the key pair that follows from its token. Who connects has to know that pair's
public half before it starts, and no handshake ever shows it, so knowing it proves knowledge of the
token; and only somebody with the token has the secret half, so the other end is proved as well.
Everything on the wire is encrypted, with new keys for each connection.

Nothing is asked of the connecting end's own key pair, which is made afresh for each socket. A ZAP
handler could demand that it, too, follows from the token, but whoever can compute the public half
of one pair can compute the other pair whole: it would refuse nobody whom the handshake lets in.
"""

import hashlib
import hmac
from functools import lru_cache

import zmq
from zmq.utils import z85

from ufora_core.errors import SettingsError

_SALT = b"ufora curvezmq v1"
_LISTENER = b"listener"


def guard_listener(sock: zmq.Socket[bytes], token: str) -> None:
    """Let in only who has ``token``; call it before the socket is bound.

    Raises:
        SettingsError: the ZeroMQ here was built without CURVE.
    """
    public, secret = listener_keys(token)
    sock.curve_publickey, sock.curve_secretkey = public, secret
    sock.curve_server = True


def guard_dialer(sock: zmq.Socket[bytes], token: str) -> None:
    """Connect only to who has ``token``; call it before the socket is connected.

    Raises:
        SettingsError: the ZeroMQ here was built without CURVE.
    """
    public, _ = listener_keys(token)
    sock.curve_serverkey = public
    sock.curve_publickey, sock.curve_secretkey = zmq.curve_keypair()


@lru_cache(maxsize=4)
def listener_keys(token: str) -> tuple[bytes, bytes]:
    """Public and secret key, in Z85, of whoever listens with this token.

    Raises:
        SettingsError: the ZeroMQ here was built without CURVE.
    """
    if not zmq.has("curve"):
        raise SettingsError(
            f"a token is set, but the ZeroMQ {zmq.zmq_version()} here was built without CURVE, so "
            "connections cannot be guarded; install a pyzmq whose zmq.has('curve') is true"
        )
    secret = z85.encode(_derive(token, _LISTENER))
    return zmq.curve_public(secret), secret


def _derive(token: str, label: bytes) -> bytes:
    """32 bytes for one purpose (HKDF, RFC 5869, with SHA-256 and a single block)."""
    key = hmac.digest(_SALT, token.encode(), hashlib.sha256)
    return hmac.digest(key, label + b"\x01", hashlib.sha256)
