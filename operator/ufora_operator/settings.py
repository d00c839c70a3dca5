"""How the operator runs, read from a mapping such as the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ufora_operator.errors import SettingsError

LOG_LEVELS = ("debug", "info", "warning", "error")

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """The Lease that one of several operators holds. Times in seconds."""

    name: str = "ufora-operator"
    #: Without a renewal for so long, another operator takes over.
    duration: float = 15.0
    #: Without a renewal for so long, the holder writes nothing any more and exits.
    renew: float = 10.0
    #: Time between two looks.
    retry: float = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How the operator runs. Times in seconds."""

    #: Name of this process among the operators: its pod's name.
    identity: str
    #: Where it runs, and where the Lease is.
    own_namespace: str
    #: The namespaces that it serves; none: all of them.
    namespaces: tuple[str, ...] = ()
    lease: LeaseSettings = LeaseSettings()
    #: Clusters that are worked on at the same time.
    concurrency: int = 4
    #: Each cluster is looked at again after so long, even if nothing happened.
    resync: float = 300.0
    #: Calls to the API server a second, on average.
    api_rate: float = 100.0
    #: Where metrics and health are served.
    port: int = 8080
    log_level: str = "info"

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, own_namespace: str, identity: str) -> Self:
        """Read the settings; the two keywords hold where no variable says otherwise.

        Raises SettingsError, which names the variable, its value and what is allowed.
        """
        read = _Reader(env)
        usual = cls(identity, own_namespace)
        lease = LeaseSettings(
            name=read.text("LEASE_NAME", usual.lease.name),
            duration=read.seconds("LEASE_SECONDS", usual.lease.duration),
            renew=read.seconds("LEASE_RENEW_SECONDS", usual.lease.renew),
            retry=read.seconds("LEASE_RETRY_SECONDS", usual.lease.retry),
        )
        if not lease.duration > lease.renew > lease.retry:
            raise SettingsError(
                f"UFORA_OPERATOR_LEASE_SECONDS={lease.duration:g}, ..._LEASE_RENEW_SECONDS="
                f"{lease.renew:g} and ..._LEASE_RETRY_SECONDS={lease.retry:g}: each must be "
                "longer than the next, or two operators may write at the same time"
            )
        return cls(
            identity=read.text("IDENTITY", identity),
            own_namespace=read.text("NAMESPACE", own_namespace),
            namespaces=read.namespaces("NAMESPACES"),
            lease=lease,
            concurrency=read.count("CONCURRENCY", usual.concurrency, most=1000),
            resync=read.seconds("RESYNC_SECONDS", usual.resync),
            api_rate=read.seconds("API_RATE", usual.api_rate, unit="calls a second"),
            port=read.count("PORT", usual.port, most=65535),
            log_level=read.choice("LOG_LEVEL", LOG_LEVELS, usual.log_level),
        )

    def watches(self, namespace: str) -> bool:
        """Whether clusters in that namespace are this operator's."""
        return not self.namespaces or namespace in self.namespaces


class _Reader:
    """Values of ``UFORA_OPERATOR_*`` variables; a blank one counts as not set."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str, default: str) -> str:
        return self._env.get(f"UFORA_OPERATOR_{name}", "").strip() or default

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default).lower()
        if value not in allowed:
            raise _not_allowed(name, value, f"one of {', '.join(allowed)}")
        return value

    def seconds(self, name: str, default: float, *, unit: str = "seconds") -> float:
        text = self.text(name, f"{default:g}")
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < 1e6:
            raise _not_allowed(name, text, f"a number of {unit} above 0")
        return value

    def count(self, name: str, default: int, *, most: int) -> int:
        text = self.text(name, str(default))
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise _not_allowed(name, text, f"a whole number from 1 to {most}")
        return int(text)

    def namespaces(self, name: str) -> tuple[str, ...]:
        found = [part.strip() for part in self.text(name, "").split(",") if part.strip()]
        for namespace in found:
            if not _NAMESPACE.fullmatch(namespace):
                raise _not_allowed(name, namespace, "names of namespaces, with commas between")
        return tuple(dict.fromkeys(found))


def _not_allowed(name: str, value: str, allowed: str) -> SettingsError:
    return SettingsError(f"UFORA_OPERATOR_{name}={value!r} is not allowed; give {allowed}")
