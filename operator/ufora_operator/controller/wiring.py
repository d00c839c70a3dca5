"""The decisions that rounds are made with, outside of tests."""

import secrets
from functools import partial

from ufora_operator import __version__
from ufora_operator.api.decode import decode
from ufora_operator.controller.reconcile import Decisions
from ufora_operator.desired.manifests import desired
from ufora_operator.plan.decide import decide
from ufora_operator.status.build import status_of, status_of_rejected

#: Bytes of chance in a token.
_TOKEN_BYTES = 32


def decisions(operator_namespace: str) -> Decisions:
    """The release's own; ``operator_namespace`` is where the operator's pods are."""
    return Decisions(
        decode=decode,
        decide=partial(decide, new_token=_new_token),
        desired=partial(desired, operator_namespace=operator_namespace),
        status_of=partial(status_of, operator=__version__),
        status_of_rejected=status_of_rejected,
    )


def _new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)
