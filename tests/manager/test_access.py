"""Who may speak to the front end."""

import aiohttp
import pytest
from multidict import CIMultiDict

from ufora_core.settings import ManagerSettings
from ufora_manager.access import Access, Refusal
from ufora_manager.app import running

OPEN = Access()
GUARDED = Access(lambda: ("secret",))
STRICT = Access(lambda: ("secret",), always=True)
ROTATING = Access(lambda: ("new", "secret"))
OWN = "10.0.0.5"


def status(access: Access, peer: str | None, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with_host = CIMultiDict({"Host": "localhost:30000"} | named)
    refusal = access.refusal(peer, with_host, OWN)
    return refusal.status if refusal is not None else 200


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
def test_loopback_needs_no_token_unless_everybody_does(peer: str) -> None:
    assert status(OPEN, peer) == 200
    assert status(GUARDED, peer) == 200
    assert status(STRICT, peer) == 401
    assert status(STRICT, peer, Authorization="Bearer secret") == 200


@pytest.mark.parametrize(
    "peer", ["10.0.0.9", "127.0.0.2", "::ffff:127.0.0.1", "127.0.0.1.evil.example", "", None]
)
def test_every_other_peer_needs_the_token(peer: str | None) -> None:
    assert status(GUARDED, peer) == 401
    assert status(GUARDED, peer, Authorization="Bearer secret") == 200
    assert status(GUARDED, peer, authorization="bearer secret") == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        "Basic secret",
        "secret",
        "Bearer secre",
        "Bearer sécret",
    ],
)
def test_what_is_not_the_token_is_refused(authorization: str) -> None:
    assert status(GUARDED, "10.0.0.9", Authorization=authorization) == 401


def test_wrong_token_is_refused_even_where_none_is_needed() -> None:
    assert status(GUARDED, "127.0.0.1", Authorization="Bearer wrong") == 401
    assert status(OPEN, "127.0.0.1", Authorization="Bearer any") == 200


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "X_Real_IP", "x_forwarded_for"])
def test_forwarded_requests_do_not_come_by_loopback(header: str) -> None:
    assert status(GUARDED, "127.0.0.1", **{header: "127.0.0.1"}) == 401


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:30000", "127.0.0.1:1", "[::1]:30000", "[::1]", OWN, f"{OWN}:80"],
)
def test_loopback_peers_may_name_this_machine(host: str) -> None:
    assert status(OPEN, "127.0.0.1", Host=host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example:80", "", "10.9.9.9", "[::2]", "127.0.0.1.nip.io"],
)
def test_rebound_names_are_refused(host: str) -> None:
    assert status(OPEN, "127.0.0.1", Host=host) == 403
    assert status(GUARDED, "127.0.0.1", Host=host, Authorization="Bearer secret") == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://localhost:1", "file://localhost:30000"]
)
def test_pages_from_elsewhere_are_refused_even_with_the_token(origin: str) -> None:
    assert status(GUARDED, "10.0.0.9", Origin=origin, Authorization="Bearer secret") == 403


def test_pages_of_the_manager_itself_are_served() -> None:
    assert status(OPEN, "127.0.0.1", Origin="http://localhost:30000") == 200


def test_refusal_says_what_to_do() -> None:
    refusal = OPEN.refusal("127.0.0.1", CIMultiDict({"Host": "evil.example"}), OWN)
    assert refusal is not None
    assert "evil.example" in refusal.message and "localhost" in refusal.message
    assert isinstance(refusal, Refusal)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS", "PATCH", "HEAD"])
@pytest.mark.parametrize("path", ["/api/v1/cluster", "/metrics", "/socket.io/", "/no/such/page"])
async def test_every_method_and_path_is_guarded(
    settings: ManagerSettings, method: str, path: str
) -> None:
    from dataclasses import replace

    guarded = replace(settings, token="secret", bind_address="127.0.0.1")
    forwarded = {"X-Forwarded-For": "10.0.0.9"}
    async with running(guarded) as manager, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{manager.web_port}{path}"
        async with http.request(method, url, headers=forwarded) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
        token = {"Authorization": "Bearer secret"}
        async with http.request(method, url, headers=forwarded | token) as response:
            assert response.status != 401


@pytest.mark.parametrize("token", ["new", "secret"])
def test_both_tokens_are_accepted_while_one_replaces_the_other(token: str) -> None:
    assert status(ROTATING, "10.0.0.9", Authorization=f"Bearer {token}") == 200
    assert status(ROTATING, "10.0.0.9", Authorization="Bearer old") == 401


def test_tokens_are_asked_for_at_each_request() -> None:
    accepted = ["one"]
    access = Access(lambda: tuple(accepted))
    assert status(access, "10.0.0.9", Authorization="Bearer one") == 200
    accepted[:] = ["two"]
    assert status(access, "10.0.0.9", Authorization="Bearer one") == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_needs_no_token_and_no_known_host(
    settings: ManagerSettings, path: str
) -> None:
    from dataclasses import replace

    guarded = replace(settings, token="secret", require_token="always", bind_address="127.0.0.1")
    foreign = {"Host": "10.1.2.3:30000", "Origin": "http://elsewhere.example"}
    async with running(guarded) as manager, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{manager.web_port}{path}"
        async with http.get(url, headers=foreign) as response:
            assert response.status == 200
        async with http.post(url, headers=foreign) as response:
            assert response.status == 403
