"""From the reason why a job has no result to the exception that its user gets."""

from collections.abc import Mapping

from pyfora._errors import (
    CancelledError,
    JobFailedError,
    MissingPackageError,
    OutOfMemoryError,
    PyforaError,
    WorkerDiedError,
)
from ufora_core.errors import CoreError
from ufora_core.protocol.client import JobDone

_BY_REASON: Mapping[str, type[JobFailedError]] = {
    "executor-died": WorkerDiedError,
    "worker-died": WorkerDiedError,
    "out-of-memory": OutOfMemoryError,
    "missing-package": MissingPackageError,
}


def failure_of(done: JobDone) -> Exception:
    """The exception for a job that ended without a result, with the cluster's own sentence."""
    failure = done.failure
    if failure is None:
        return JobFailedError("the cluster ended the job and gave neither a result nor a reason")
    if failure.reason == "cancelled":
        return CancelledError(failure.message)
    return _BY_REASON.get(failure.reason, JobFailedError)(failure.message)


def unreadable(problem: CoreError) -> PyforaError:
    """The exception for a result that came, but does not decode here."""
    error = PyforaError(f"the value arrived, but cannot be read: {problem}")
    error.__cause__ = problem
    return error
