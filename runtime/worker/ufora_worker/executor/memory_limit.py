"""The executor's own memory limit: an allocation past it raises MemoryError in the user's code.

``RLIMIT_DATA`` counts private writable memory only, so mapped objects of the store are free. The
supervisor watches what all executors use together (``memory``); this limit only makes sure that one
of them meets Python's own exception first, at the user's line.
"""

import resource


def limit_memory(limit: int | None) -> None:
    """Set the limit in bytes; None leaves what the process was started with."""
    if limit is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def memory_limit() -> int | None:
    """The limit in bytes, or None."""
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return None if soft == resource.RLIM_INFINITY else soft
