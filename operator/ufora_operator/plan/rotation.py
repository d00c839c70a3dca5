"""The token of a cluster: made once, and changed for another without a moment at which a process
that is up is refused.

========== ========= ========= ==============================================================
phase      token     second    goes on when
========== ========= ========= ==============================================================
Stable     T1                  ``spec.auth.rotation`` changes
Distributing T1      T2        every process accepts both
Switching  T2        T1        every process sends T2
Stable     T2
========== ========= ========= ==============================================================
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec import UNSET

from ufora_operator import names
from ufora_operator.observed import Tokens
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.situation import Situation
from ufora_operator.plan.types import Notice, Rotation

#: Seconds for which a phase waits for workers whose pods run and that are not registered.
#:
#: Going on without them is safe. The kubelet renews a mounted Secret within two minutes (its sync
#: period and its cache's life), and a process re-reads the files every second: whoever is cut off
#: for longer has the new token in its files. One whose node is cut off as well finds a token that
#: is refused when it is back, and the right one as soon as its kubelet is: it holds nothing that
#: counts, since the manager has long given its work to others.
UNREGISTERED_HOLD_UP = 300.0
#: Seconds between two looks at a rotation that is under way.
LOOK_AGAIN = 5.0


@dataclass(frozen=True, slots=True)
class Turning:
    """A decision on the tokens; ``tokens`` is None where they are not the operator's."""

    tokens: Tokens | None = None
    rotation: Rotation | None = None
    notices: tuple[Notice, ...] = ()
    again_after: float | None = None


def fingerprint(token: str) -> str:
    """What a process reports of a token, so that it can be told from others and not be learned."""
    return hashlib.sha256(b"ufora token fingerprint:" + token.encode()).hexdigest()[:16]


def rotate(situation: Situation, new_token: Callable[[], str]) -> Turning:
    """What the token Secret is to hold now."""
    auth = situation.cluster.spec.auth
    if not auth.enabled or auth.secret_ref is not UNSET:
        return Turning()
    tokens = situation.observed.tokens
    wanted = "" if auth.rotation is UNSET else auth.rotation
    if not tokens.token:
        made = Tokens(new_token(), rotation=wanted, exists=True)
        return Turning(made, Rotation("Stable", wanted))
    if tokens.second:
        return _go_on(situation, tokens, wanted)
    if tokens.rotation == wanted:
        return Turning(tokens, Rotation("Stable", wanted))
    following = Tokens(tokens.token, new_token(), tokens.rotation, second_is_next=True, exists=True)
    return _step(following, Rotation("Distributing", tokens.rotation), "hands out the next token")


def _go_on(situation: Situation, tokens: Tokens, wanted: str) -> Turning:
    phase = Rotation("Distributing" if tokens.second_is_next else "Switching", tokens.rotation)
    late = _not_there_yet(situation, tokens)
    if late:
        waiting = Rotation(phase.phase, phase.rotation, late)
        return Turning(tokens, waiting, again_after=LOOK_AGAIN)
    if tokens.second_is_next:
        # A change of spec.auth.rotation since this began is met by the same token.
        swapped = Tokens(tokens.second, tokens.token, wanted, exists=True)
        return _step(swapped, Rotation("Switching", wanted), "every process has the next token")
    alone = Tokens(tokens.token, rotation=tokens.rotation, exists=True)
    return _step(alone, Rotation("Stable", tokens.rotation), "the former token is void")


def _step(tokens: Tokens, rotation: Rotation, message: str) -> Turning:
    notice = Notice("Normal", Reason.ROTATING_TOKEN, message)
    return Turning(tokens, rotation, (notice,), LOOK_AGAIN)


def _not_there_yet(situation: Situation, tokens: Tokens) -> tuple[str, ...]:
    """Processes for which the next phase would be too early."""
    if not situation.observed.pods and situation.replicas == 0 and _manager_is_off(situation):
        return ()  # nobody runs; whoever starts reads the Secret as it is then
    facts = situation.facts
    if facts is None:
        return (names.manager(situation.cluster.name),)
    both = (fingerprint(tokens.token), fingerprint(tokens.second))

    def late(reported: tuple[str, ...]) -> bool:
        if tokens.second_is_next:
            return not set(both) <= set(reported)
        return reported[:1] != both[:1]

    processes = [(facts.manager.name, facts.manager.tokens)]
    processes += [(each.name, each.tokens) for each in facts.workers]
    missing = () if _held_up_for_long(situation, tokens) else _unregistered(situation)
    return tuple(name for name, reported in processes if late(reported)) + missing


def _manager_is_off(situation: Situation) -> bool:
    return situation.observed.manager is None or situation.observed.manager.replicas == 0


def _unregistered(situation: Situation) -> tuple[str, ...]:
    return tuple(
        pod.name
        for pod in situation.observed.workers_pods()
        if pod.phase == "Running" and situation.worker(pod.name) is None
    )


def _held_up_for_long(situation: Situation, tokens: Tokens) -> bool:
    """The status says since when the phase lasts; one that says nothing was written just now."""
    recorded = situation.observed.status.get("auth")
    if not isinstance(recorded, dict):
        return False
    phase = "Distributing" if tokens.second_is_next else "Switching"
    since = recorded.get("since")
    if recorded.get("phase") != phase or not isinstance(since, str):
        return False
    return situation.now - datetime.fromisoformat(since).timestamp() >= UNREGISTERED_HOLD_UP
