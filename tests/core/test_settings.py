"""Settings: what is read, what is refused and in which words."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_core.errors import SettingsError
from ufora_core.settings import ManagerSettings, WorkerSettings

ports = st.integers(0, 65534)
counts = st.none() | st.integers(1, 1000)
addresses = st.none() | st.sampled_from(["127.0.0.1", "::1", "localhost"])


@given(
    st.builds(
        ManagerSettings,
        web_port=ports,
        registry_port=ports,
        bind_address=addresses,
        data_dir=st.just(Path("/data")),
        token=st.none() | st.just("secret"),
        insecure=st.booleans(),
        no_worker=st.booleans(),
        lifeline=counts,
    )
)
def test_manager_reads_back_what_it_wrote(settings: ManagerSettings) -> None:
    assert ManagerSettings.from_env(settings.to_env()) == settings


@given(
    st.builds(
        WorkerSettings,
        manager_address=st.sampled_from(["127.0.0.1", "manager.example"]),
        manager_port=ports,
        own_address=st.sampled_from(["127.0.0.1", "10.1.2.3"]),
        base_port=ports,
        bind_address=addresses,
        name=st.just("w"),
        token=st.none() | st.just("secret"),
        executors=st.integers(1, 64),
        memory_bytes=st.none() | st.integers(64, 4096).map(lambda mebi: mebi * 1024 * 1024),
        data_dir=st.just(Path("/data")),
        insecure=st.booleans(),
        without_native=st.booleans(),
        native_cache=st.none() | st.just(Path("/cache")),
        lifeline=counts,
    )
)
def test_worker_reads_back_what_it_wrote(settings: WorkerSettings) -> None:
    assert WorkerSettings.from_env(settings.to_env()) == settings


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("UFORA_WEB_HTTP_PORT", "http", "port number"),
        ("UFORA_WEB_HTTP_PORT", "65536", "port number"),
        ("UFORA_MANAGER_PORT", "-1", "port number"),
        ("UFORA_NO_WORKER", "maybe", "1 or 0"),
        ("UFORA_REQUIRE_TOKEN", "sometimes", "remote or always"),
        ("UFORA_LIFELINE_FD", "x", "whole number"),
    ],
)
def test_a_wrong_value_is_refused_with_variable_value_and_what_is_allowed(
    variable: str, value: str, allowed: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        ManagerSettings.from_env({variable: value})
    assert variable in str(refused.value)
    assert repr(value) in str(refused.value)
    assert allowed in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("UFORA_WORKER_BASE_PORT", "65535"),
        ("UFORA_WORKER_CORES", "0"),
        ("UFORA_WORKER_MEMORY_MB", "1"),
        ("UFORA_NATIVE", "perhaps"),
    ],
)
def test_a_worker_refuses_what_it_cannot_use(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        WorkerSettings.from_env({variable: value})


def test_manager_address_and_no_worker_exclude_each_other() -> None:
    env = {"UFORA_MANAGER_ADDRESS": "m", "UFORA_NO_WORKER": "1"}
    for settings in (ManagerSettings, WorkerSettings):
        with pytest.raises(SettingsError, match="UFORA_MANAGER_ADDRESS and UFORA_NO_WORKER"):
            settings.from_env(env)


def test_defaults_are_the_documented_ports_on_loopback() -> None:
    manager = ManagerSettings.from_env({})
    assert (manager.web_port, manager.registry_port) == (30000, 30002)
    assert manager.web_bind == manager.registry_bind == "127.0.0.1"
    worker = WorkerSettings.from_env({})
    assert (worker.base_port, worker.bind, worker.own_address) == (30009, "127.0.0.1", "127.0.0.1")


def test_a_token_opens_every_port() -> None:
    env = {"UFORA_AUTH_TOKEN": "secret"}
    manager, worker = ManagerSettings.from_env(env), WorkerSettings.from_env(env)
    assert manager.web_bind == manager.registry_bind == worker.bind == "0.0.0.0"
    assert not manager.unguarded and not worker.unguarded


def test_a_bind_beyond_loopback_is_refused_without_a_token_unless_insecure() -> None:
    bind = {"UFORA_BIND_ADDRESS": "0.0.0.0"}
    for settings in (ManagerSettings, WorkerSettings):
        with pytest.raises(SettingsError, match=r"set UFORA_AUTH_TOKEN_FILE.*UFORA_INSECURE=1"):
            settings.from_env(bind)
        assert settings.from_env(bind | {"UFORA_AUTH_TOKEN": "secret"}).bind_address == "0.0.0.0"
        assert settings.from_env(bind | {"UFORA_INSECURE": "1"}).unguarded


def test_a_pods_environment_names_the_files_and_never_holds_a_token(tmp_path: Path) -> None:
    file, second = tmp_path / "token", tmp_path / "second-token"
    file.write_text("secret\n")
    for kind in (ManagerSettings, WorkerSettings):
        settings = kind(token_file=file, second_token_file=second)
        env = settings.to_env()
        assert env["UFORA_AUTH_TOKEN_FILE"] == str(file)
        assert env["UFORA_AUTH_SECOND_TOKEN_FILE"] == str(second)
        assert "secret" not in env.values() and "UFORA_AUTH_TOKEN" not in env
        assert kind.from_env(env).token_source == settings.token_source


def test_a_token_does_not_show_where_settings_are_logged() -> None:
    for settings in (ManagerSettings(token="secret"), WorkerSettings(token="secret")):
        assert "secret" not in repr(settings) and "secret" not in repr(settings.token_source)


def test_a_second_token_needs_a_first() -> None:
    with pytest.raises(SettingsError, match="UFORA_AUTH_TOKEN_FILE"):
        WorkerSettings.from_env({"UFORA_AUTH_SECOND_TOKEN_FILE": "/second"})


def test_own_address_is_that_of_the_full_host_name_when_the_manager_is_elsewhere() -> None:
    env = {"UFORA_MANAGER_ADDRESS": "192.168.1.15"}
    settings = WorkerSettings.from_env(env, resolve=lambda: "192.168.1.16")
    assert settings.own_address == "192.168.1.16"


def test_an_own_address_that_is_loopback_or_unknown_names_the_variable() -> None:
    env = {"UFORA_MANAGER_ADDRESS": "192.168.1.15"}

    def unknown() -> str:
        raise OSError("Name or service not known")

    for resolve in (lambda: "127.0.1.1", unknown):
        with pytest.raises(SettingsError, match="UFORA_WORKER_OWN_ADDRESS"):
            WorkerSettings.from_env(env, resolve=resolve)


def test_a_token_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    settings = ManagerSettings.from_env({"UFORA_AUTH_TOKEN_FILE": str(file)})
    assert settings.token_source.read().token == "secret"


@pytest.mark.parametrize("token", ["", "with space", "ünicode"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(SettingsError, match="UFORA_AUTH_TOKEN"):
        ManagerSettings.from_env({"UFORA_AUTH_TOKEN": token})


def test_a_token_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"UFORA_AUTH_TOKEN_FILE.*absent"):
        ManagerSettings.from_env({"UFORA_AUTH_TOKEN_FILE": str(tmp_path / "absent")})


def test_always_requiring_a_token_needs_one() -> None:
    with pytest.raises(SettingsError, match="UFORA_REQUIRE_TOKEN"):
        ManagerSettings.from_env({"UFORA_REQUIRE_TOKEN": "always"})


def test_compiled_code_is_kept_in_the_data_folder_unless_told_otherwise() -> None:
    assert WorkerSettings().native_folder == Path("/var/ufora/native")
    assert WorkerSettings.from_env({"UFORA_NATIVE_CACHE": "/cache"}).native_folder == Path("/cache")
    off = WorkerSettings.from_env({"UFORA_NATIVE": "0"})
    assert off.native_folder is None
    assert off.to_env()["UFORA_NATIVE"] == "0"
