"""The operator's settings."""

from __future__ import annotations

import pytest

from ufora_operator.errors import SettingsError
from ufora_operator.settings import LeaseSettings, Settings


def read(**variables: str) -> Settings:
    env = {f"UFORA_OPERATOR_{name}": value for name, value in variables.items()}
    return Settings.from_env(env, own_namespace="ufora-system", identity="pod-0")


def test_without_variables_it_serves_all_namespaces_from_where_it_runs() -> None:
    assert read() == Settings("pod-0", "ufora-system")
    assert read().watches("anywhere")


def test_every_variable_takes_effect() -> None:
    assert read(
        IDENTITY="me",
        NAMESPACE="here",
        NAMESPACES="a, b,,a",
        LEASE_NAME="lease",
        LEASE_SECONDS="6",
        LEASE_RENEW_SECONDS="4",
        LEASE_RETRY_SECONDS="0.5",
        CONCURRENCY="3",
        RESYNC_SECONDS="60",
        API_RATE="20",
        PORT="9000",
        LOG_LEVEL="DEBUG",
    ) == Settings(
        identity="me",
        own_namespace="here",
        namespaces=("a", "b"),
        lease=LeaseSettings("lease", 6.0, 4.0, 0.5),
        concurrency=3,
        resync=60.0,
        api_rate=20.0,
        port=9000,
        log_level="debug",
    )


def test_only_the_namespaces_that_are_named_are_served() -> None:
    settings = read(NAMESPACES="a,b")
    assert settings.watches("a")
    assert not settings.watches("c")


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "http", "a whole number from 1 to 65535"),
        ("PORT", "70000", "a whole number from 1 to 65535"),
        ("CONCURRENCY", "0", "a whole number from 1 to 1000"),
        ("RESYNC_SECONDS", "-1", "a number of seconds above 0"),
        ("API_RATE", "nan", "a number of calls a second above 0"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("NAMESPACES", "a,*", "names of namespaces"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError, match=f"UFORA_OPERATOR_{name}=.*{allowed}"):
        read(**{name: value})


def test_a_lease_that_lets_two_operators_write_is_refused() -> None:
    with pytest.raises(SettingsError, match="two operators may write at the same time"):
        read(LEASE_RENEW_SECONDS="15")
