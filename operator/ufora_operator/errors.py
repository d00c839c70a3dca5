"""The operator's errors, one tree.

::

    OperatorError
    ├── SpecError       a UforaCluster that cannot be acted on
    ├── SettingsError   an environment variable of the operator that is not allowed
    ├── KubeError       the API server refused, or could not be reached
    └── LeadershipLost  another operator may be the one that writes now
"""

from dataclasses import dataclass


class OperatorError(Exception):
    """Base of all of them."""


class SettingsError(OperatorError):
    """A setting is not allowed; the message names the variable, its value and what is allowed."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: its path (``spec.workers.replicas``) and a sentence."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class SpecError(OperatorError):
    """A UforaCluster cannot be acted on; ``faults`` names every field that is wrong."""

    def __init__(self, faults: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


class KubeError(OperatorError):
    """The API server refused a call, or gave no answer.

    ``code`` is the HTTP status, 0 if there was no answer; ``reason`` is Kubernetes' own word
    (``Conflict``, ``Forbidden``), ``call`` what was asked for (``apply Service ns/demo-manager``).
    ``retry_after`` are the seconds that the server asked to wait, if it did.
    """

    def __init__(
        self, call: str, code: int, reason: str, detail: str, retry_after: float | None = None
    ) -> None:
        answer = f"{code} {reason}" if code else reason
        super().__init__(f"{call}: {answer}: {detail}" if detail else f"{call}: {answer}")
        self.call = call
        self.code = code
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after

    @property
    def namespace_terminates(self) -> bool:
        """The namespace is being deleted or gone, so nothing can be made in it any more."""
        return "is being terminated" in self.detail or (
            self.code == 404 and self.detail.startswith("namespaces ")
        )


class LeadershipLost(OperatorError):
    """The Lease was not renewed in time: another operator may be at work, so nothing is written."""
