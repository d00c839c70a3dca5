"""Settings of the manager and of a worker, read from a mapping such as the environment.

``from_env`` and ``to_env`` are inverse, so whoever starts a process (a local cluster, the
operator) writes exactly what the process reads, and a variable's name stands here only.
"""

import ipaddress
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from ufora_core.errors import SettingsError
from ufora_core.tokens import TokenSource

T = TypeVar("T")

DEFAULT_WEB_PORT = 30000
DEFAULT_REGISTRY_PORT = 30002
DEFAULT_BASE_PORT = 30009
DEFAULT_DATA_DIR = Path("/var/ufora")
DEFAULT_DRAIN_SECONDS = 8
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"


def is_loopback(host: str) -> bool:
    """True for ``localhost`` and for addresses that only this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Guarded:
    """What the settings of both kinds of process say of tokens."""

    __slots__ = ()
    token: str | None
    token_file: Path | None
    second_token_file: Path | None
    insecure: bool

    @property
    def token_source(self) -> TokenSource:
        """Where the tokens come from."""
        return TokenSource(self.token, self.token_file, self.second_token_file)

    @property
    def open_to_network(self) -> bool:
        """Whether other machines may connect: a token guards the ports, or the network is safe."""
        return self.token_source.given or self.insecure

    @property
    def unguarded(self) -> bool:
        """Whether other machines may connect and nothing guards the ports."""
        return self.insecure and not self.token_source.given


@dataclass(frozen=True, slots=True)
class ManagerSettings(_Guarded):
    """How a manager process runs."""

    web_port: int = DEFAULT_WEB_PORT
    registry_port: int = DEFAULT_REGISTRY_PORT
    #: Address that the ports bind to; None: see ``web_bind`` and ``registry_bind``.
    bind_address: str | None = None
    data_dir: Path = DEFAULT_DATA_DIR
    #: The token itself; goes before ``token_file``.
    token: str | None = field(default=None, repr=False)
    #: File that holds the token; it is read again while the process runs.
    token_file: Path | None = None
    #: File of a second token that is accepted too; may be missing or empty.
    second_token_file: Path | None = None
    #: ``remote``: loopback peers need no token; ``always``: every peer does.
    require_token: Literal["remote", "always"] = "remote"
    insecure: bool = False
    #: Run no worker beside the manager.
    no_worker: bool = False
    #: Inherited socket: one line of JSON when ready; its end of file ends the process.
    lifeline: int | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Raises SettingsError for values that are not allowed, or that exclude each other."""
        reader = _Reader(env)
        reader.check_role()
        tokens = reader.tokens()
        settings = cls(
            web_port=reader.port("UFORA_WEB_HTTP_PORT", DEFAULT_WEB_PORT),
            registry_port=reader.port("UFORA_MANAGER_PORT", DEFAULT_REGISTRY_PORT),
            bind_address=reader.text("UFORA_BIND_ADDRESS") or None,
            data_dir=Path(reader.text("UFORA_DATA_DIR", str(DEFAULT_DATA_DIR))),
            token=tokens.token,
            token_file=tokens.token_file,
            second_token_file=tokens.second_file,
            require_token=reader.choice("UFORA_REQUIRE_TOKEN", ("remote", "always")),
            insecure=reader.flag("UFORA_INSECURE"),
            no_worker=reader.flag("UFORA_NO_WORKER"),
            lifeline=reader.count("UFORA_LIFELINE_FD"),
        )
        _check_bind(settings.bind_address, settings.open_to_network)
        if settings.require_token == "always" and not tokens.given:
            raise SettingsError(
                "UFORA_REQUIRE_TOKEN=always, but there is no token: set UFORA_AUTH_TOKEN or "
                "UFORA_AUTH_TOKEN_FILE"
            )
        return settings

    @property
    def web_bind(self) -> str:
        """Where the front end listens: everywhere once a token guards it, else on loopback."""
        return self.bind_address or _default_bind(self.open_to_network)

    @property
    def registry_bind(self) -> str:
        """Where the registry listens: as the front end."""
        return self.bind_address or _default_bind(self.open_to_network)

    def to_env(self) -> dict[str, str]:
        """The variables that make ``from_env`` give these settings."""
        return _to_env(self, _MANAGER_VARIABLES)


@dataclass(frozen=True, slots=True)
class WorkerSettings(_Guarded):
    """How a worker process runs."""

    manager_address: str = LOOPBACK
    manager_port: int = DEFAULT_REGISTRY_PORT
    #: Host name or address that the worker registers and that its peers connect to.
    own_address: str = LOOPBACK
    #: Control port; the data port is the next one. 0: two ports that are free.
    base_port: int = DEFAULT_BASE_PORT
    #: Address that the ports bind to; None: see ``bind``.
    bind_address: str | None = None
    name: str = ""
    #: Number of executor processes.
    executors: int = 1
    #: Memory that all executors together may use, in bytes; None: 90 % of what the machine allows.
    memory_bytes: int | None = None
    data_dir: Path = DEFAULT_DATA_DIR
    #: The token itself; goes before ``token_file``.
    token: str | None = field(default=None, repr=False)
    #: File that holds the token; it is read again while the process runs.
    token_file: Path | None = None
    #: File of a second token that is accepted too; may be missing or empty.
    second_token_file: Path | None = None
    insecure: bool = False
    #: Seconds in which a worker that gets SIGTERM hands over what it holds; 0: it stops at once.
    drain_seconds: int = DEFAULT_DRAIN_SECONDS
    #: Run everything in CPython, even where native code could be made.
    without_native: bool = False
    #: Folder of compiled code that processes share; None: ``native`` in the data folder.
    native_cache: Path | None = None
    #: Inherited socket: one line of JSON when ready; its end of file ends the process.
    lifeline: int | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, resolve: Callable[[], str] | None = None) -> Self:
        """Read the settings; ``resolve`` finds the machine's own address (for tests).

        Raises:
            SettingsError: a value is not allowed, or the own address cannot be found.
        """
        reader = _Reader(env)
        reader.check_role()
        tokens = reader.tokens()
        manager = reader.text("UFORA_MANAGER_ADDRESS", LOOPBACK)
        own = reader.text("UFORA_WORKER_OWN_ADDRESS") or (
            LOOPBACK if is_loopback(manager) else _own_address(manager, resolve or _resolve)
        )
        drain = reader.count("UFORA_DRAIN_SECONDS")
        base_port = reader.port("UFORA_WORKER_BASE_PORT", DEFAULT_BASE_PORT)
        if base_port == 65535:
            raise reader.refused("UFORA_WORKER_BASE_PORT", "a port below 65535: two are used")
        settings = cls(
            manager_address=manager,
            manager_port=reader.port("UFORA_MANAGER_PORT", DEFAULT_REGISTRY_PORT),
            own_address=own,
            base_port=base_port,
            bind_address=reader.text("UFORA_BIND_ADDRESS") or None,
            name=reader.text("UFORA_WORKER_NAME") or f"{own}:{base_port}",
            executors=reader.count("UFORA_WORKER_CORES", least=1) or usable_cores(),
            memory_bytes=_mebibytes(reader.count("UFORA_WORKER_MEMORY_MB", least=64)),
            data_dir=Path(reader.text("UFORA_DATA_DIR", str(DEFAULT_DATA_DIR))),
            token=tokens.token,
            token_file=tokens.token_file,
            second_token_file=tokens.second_file,
            insecure=reader.flag("UFORA_INSECURE"),
            drain_seconds=drain if drain is not None else DEFAULT_DRAIN_SECONDS,
            without_native=reader.choice("UFORA_NATIVE", ("1", "0")) == "0",
            native_cache=reader.path("UFORA_NATIVE_CACHE"),
            lifeline=reader.count("UFORA_LIFELINE_FD"),
        )
        _check_bind(settings.bind_address, settings.open_to_network)
        return settings

    @property
    def bind(self) -> str:
        """Where the control and data ports listen: everywhere once a token guards them, else on
        loopback."""
        return self.bind_address or _default_bind(self.open_to_network)

    @property
    def native_folder(self) -> Path | None:
        """Where compiled code is kept; None when none is made."""
        return None if self.without_native else self.native_cache or self.data_dir / "native"

    def to_env(self) -> dict[str, str]:
        """The variables that make ``from_env`` give these settings."""
        return _to_env(self, _WORKER_VARIABLES)


def usable_cores() -> int:
    """Cores that this process may run on (an affinity mask or ``taskset`` counts)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tokens_from_env(env: Mapping[str, str]) -> TokenSource:
    """Where the tokens come from: ``UFORA_AUTH_TOKEN`` or the file that ``UFORA_AUTH_TOKEN_FILE``
    names, and the second one from the file of ``UFORA_AUTH_SECOND_TOKEN_FILE``.

    Raises:
        SettingsError: a file cannot be read, or a token is empty or not printable ASCII.
    """
    return _Reader(env).tokens()


_SHARED_VARIABLES = {
    "UFORA_MANAGER_PORT": ("registry_port", "manager_port"),
    "UFORA_BIND_ADDRESS": ("bind_address",),
    "UFORA_DATA_DIR": ("data_dir",),
    "UFORA_AUTH_TOKEN": ("token",),
    "UFORA_AUTH_TOKEN_FILE": ("token_file",),
    "UFORA_AUTH_SECOND_TOKEN_FILE": ("second_token_file",),
    "UFORA_INSECURE": ("insecure",),
    "UFORA_LIFELINE_FD": ("lifeline",),
}
_MANAGER_VARIABLES = _SHARED_VARIABLES | {
    "UFORA_WEB_HTTP_PORT": ("web_port",),
    "UFORA_REQUIRE_TOKEN": ("require_token",),
    "UFORA_NO_WORKER": ("no_worker",),
}
_WORKER_VARIABLES = _SHARED_VARIABLES | {
    "UFORA_MANAGER_ADDRESS": ("manager_address",),
    "UFORA_WORKER_OWN_ADDRESS": ("own_address",),
    "UFORA_WORKER_BASE_PORT": ("base_port",),
    "UFORA_WORKER_NAME": ("name",),
    "UFORA_WORKER_CORES": ("executors",),
    "UFORA_WORKER_MEMORY_MB": ("memory_bytes",),
    "UFORA_DRAIN_SECONDS": ("drain_seconds",),
    "UFORA_NATIVE": ("without_native",),
    "UFORA_NATIVE_CACHE": ("native_cache",),
}


def _to_env(settings: Any, variables: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    known = {field.name for field in fields(settings)}
    env: dict[str, str] = {}
    for variable, names in variables.items():
        value = getattr(settings, next(name for name in names if name in known))
        if variable == "UFORA_WORKER_MEMORY_MB" and value is not None:
            value //= 1024 * 1024
        if value is None or value is False:
            continue
        on = "0" if variable == "UFORA_NATIVE" else "1"
        env[variable] = on if value is True else str(value)
    return env


def _mebibytes(count: int | None) -> int | None:
    return None if count is None else count * 1024 * 1024


def _default_bind(open_to_network: bool) -> str:
    return EVERYWHERE if open_to_network else LOOPBACK


def _check_bind(address: str | None, open_to_network: bool) -> None:
    if address is not None and not is_loopback(address) and not open_to_network:
        raise SettingsError(
            f"UFORA_BIND_ADDRESS={address} opens the cluster's ports to other machines, and "
            "nothing guards them: set UFORA_AUTH_TOKEN_FILE (or UFORA_AUTH_TOKEN) for every "
            "process of the cluster, or UFORA_INSECURE=1 on a network that you trust, or leave "
            "UFORA_BIND_ADDRESS at 127.0.0.1"
        )


def _resolve() -> str:
    return socket.gethostbyname(socket.getfqdn())


def _own_address(manager: str, resolve: Callable[[], str]) -> str:
    advice = (
        "set UFORA_WORKER_OWN_ADDRESS to the address at which the other workers reach this machine"
    )
    try:
        own = resolve()
    except OSError as error:
        raise SettingsError(
            f"this machine's own address cannot be found ({error}); {advice}"
        ) from None
    if is_loopback(own):
        raise SettingsError(
            f"this machine's name stands for {own}, which nobody else can reach, while the manager "
            f"is at {manager}; {advice}"
        )
    return own


class _Reader:
    """Reads single variables and says what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def refused(self, name: str, allowed: str) -> SettingsError:
        return SettingsError(f"{name}={self._env.get(name)!r} is not allowed; it takes {allowed}")

    def check_role(self) -> None:
        if self.text("UFORA_MANAGER_ADDRESS") and self.flag("UFORA_NO_WORKER"):
            raise SettingsError(
                "UFORA_MANAGER_ADDRESS and UFORA_NO_WORKER are both set: the first makes this "
                "process a worker, the second a manager without one; unset one of them"
            )

    def port(self, name: str, default: int) -> int:
        number = self._integer(name, "a port number from 0 (any free one) to 65535")
        if number is None:
            return default
        if not 0 <= number <= 65535:
            raise self.refused(name, "a port number from 0 (any free one) to 65535")
        return number

    def count(self, name: str, least: int = 0) -> int | None:
        allowed = f"a whole number, {least} or more"
        number = self._integer(name, allowed)
        if number is not None and number < least:
            raise self.refused(name, allowed)
        return number

    def flag(self, name: str) -> bool:
        value = self.text(name, "0").lower()
        if value in ("1", "true", "yes"):
            return True
        if value in ("0", "false", "no"):
            return False
        raise self.refused(name, "1 or 0")

    def choice(self, name: str, allowed: tuple[T, ...]) -> T:
        value = self.text(name, str(allowed[0]))
        for each in allowed:
            if value == each:
                return each
        raise self.refused(name, " or ".join(str(each) for each in allowed))

    def tokens(self) -> TokenSource:
        """Where tokens come from; what is there now is read once, to be found wrong early."""
        source = TokenSource(
            self._env.get("UFORA_AUTH_TOKEN"),
            self.path("UFORA_AUTH_TOKEN_FILE"),
            self.path("UFORA_AUTH_SECOND_TOKEN_FILE"),
        )
        if source.second_file is not None and not source.given:
            raise SettingsError(
                "UFORA_AUTH_SECOND_TOKEN_FILE is set, but there is no first token: set "
                "UFORA_AUTH_TOKEN_FILE (or UFORA_AUTH_TOKEN)"
            )
        source.read()
        return source

    def path(self, name: str) -> Path | None:
        file = self.text(name)
        return Path(file) if file else None

    def _integer(self, name: str, allowed: str) -> int | None:
        value = self.text(name)
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            raise self.refused(name, allowed) from None
