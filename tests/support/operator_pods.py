"""Pods of the operator's simulated world, and what runs in them."""

from __future__ import annotations

from dataclasses import dataclass

from ufora_operator.observed import Tokens
from ufora_operator.plan.rotation import fingerprint


@dataclass
class Process:
    """What runs in a pod that is up; the manager's has no roots."""

    tokens: Tokens
    #: Until when its Secret volume shows what it showed.
    mounted_until: float = 0.0
    roots: int = 0
    objects: int = 0
    registered: bool = False
    rejoins_at: float = 0.0
    partitioned_until: float = 0.0
    heard_at: float = 0.0

    @property
    def holds(self) -> bool:
        """Something would be lost with it."""
        return self.roots > 0 or self.objects > 0

    def accepted(self) -> set[str]:
        """The tokens that it accepts."""
        return {self.tokens.token, self.tokens.second} - {""}

    def fingerprints(self) -> tuple[str, ...]:
        """What it reports of them, the one it sends first."""
        both = (self.tokens.token, self.tokens.second)
        return tuple(fingerprint(token) for token in both if token)


@dataclass
class WorldPod:
    """A pod as the API server has it."""

    name: str
    uid: str
    ordinal: int
    revision: str
    created: float
    starts_at: float
    process: Process | None = None
    ends_at: float | None = None
