"""Run ordinary Python blocks on a Ufora cluster.

For example::

    cluster = pyfora.connect()  # or pyfora.connect("http://host:30000")
    with cluster.remotely.downloadAll():
        total = sum(is_prime(n) for n in range(10_000_000))

runs the sum on every core of the cluster, and leaves ``total`` here.
"""

from pyfora._cluster import Cluster
from pyfora._connect import InvalidUrlError, connect
from pyfora._errors import (
    AuthenticationError,
    BadWithBlockError,
    CancelledError,
    CantGetSourceTextError,
    ConnectionError,
    JobFailedError,
    MissingPackageError,
    OutOfMemoryError,
    PyforaError,
    TimeoutError,
    UnconvertibleValueError,
    VersionError,
    WorkerDiedError,
)
from pyfora._futures import Future
from pyfora._local import LocalCluster
from pyfora._processes import ClusterStartError
from pyfora._progress import Progress, progress
from pyfora._remote import RemoteValue
from pyfora._report import Report
from ufora_core import __version__
from ufora_core.errors import UnappliedChangeError

__all__ = [
    "AuthenticationError",
    "BadWithBlockError",
    "CancelledError",
    "CantGetSourceTextError",
    "Cluster",
    "ClusterStartError",
    "ConnectionError",
    "Future",
    "InvalidUrlError",
    "JobFailedError",
    "LocalCluster",
    "MissingPackageError",
    "OutOfMemoryError",
    "Progress",
    "PyforaError",
    "RemoteValue",
    "Report",
    "TimeoutError",
    "UnappliedChangeError",
    "UnconvertibleValueError",
    "VersionError",
    "WorkerDiedError",
    "__version__",
    "connect",
    "progress",
]
