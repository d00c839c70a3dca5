"""Client <-> manager, over socket.io (event ``message``, payload: one batch of these).

Objects above ``INLINE_LIMIT`` travel by HTTP before the message that names them.
"""

from typing import Literal

from ufora_core.protocol.parts import ExecutorUse, Failure, Message, Payload

# --------------------------------------------------------------------- client -> manager


class Submit(Message, frozen=True, kw_only=True):
    """Run a program. ``job`` is drawn by the client, so sending it twice runs it once."""

    job: str
    program: Payload
    #: Every object of the store that the program needs besides itself.
    needs: tuple[Payload, ...] = ()
    #: One line for people: where the block stands, e.g. ``demo.py:12 in main``.
    title: str = ""
    #: Characters of the job's output that the client has, when it says this again.
    heard: int = 0


class CancelJob(Message, frozen=True, kw_only=True):
    """The client no longer wants the job; it stops on the workers."""

    job: str


class Release(Message, frozen=True, kw_only=True):
    """The client holds no proxy of these objects any more."""

    digests: tuple[str, ...]


FromClient = Submit | CancelJob | Release

# --------------------------------------------------------------------- manager -> client


class JobProgress(Message, frozen=True, kw_only=True):
    """Items of the job's current outermost loop done so far, and executors running it now."""

    job: str
    items_done: int
    items_total: int
    executors: int


class JobOutput(Message, frozen=True, kw_only=True):
    """Text that the job printed, in order."""

    job: str
    stream: Literal["stdout", "stderr"]
    text: str
    #: Characters that the job printed before, to either stream, so that text which is said again
    #: is known; None when nobody counted them.
    at: int | None = None


class JobDone(Message, frozen=True, kw_only=True):
    """The job ended: with a result (a value, or the exception of the user's code), or a failure."""

    job: str
    result: Payload | None = None
    #: Objects of the store that the result names (proxies and bulk values).
    objects: tuple[Payload, ...] = ()
    failure: Failure | None = None
    seconds: float = 0.0
    use: tuple[ExecutorUse, ...] = ()


ToClient = JobProgress | JobOutput | JobDone
