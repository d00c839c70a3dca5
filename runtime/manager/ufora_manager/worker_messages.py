"""What workers' messages mean to the scheduler, and hellos of other versions."""

import msgspec

from ufora_core.protocol.worker import (
    Goodbye,
    Heartbeat,
    Hello,
    Hungry,
    RootDone,
    RootOutput,
    RootProgress,
)
from ufora_manager.scheduler import events


def joined(hello: Hello, now: float) -> events.WorkerJoined:
    """The event of an accepted hello."""
    return events.WorkerJoined(
        now=now,
        address=hello.address,
        executors=hello.executors,
        incarnation=hello.incarnation,
        python=hello.python,
        release=hello.release,
        roots=hello.roots,
    )


def event_of(
    message: Heartbeat | Hungry | RootProgress | RootOutput | RootDone | Goodbye,
    worker: str,
    now: float,
) -> events.Event:
    """The event of a message that ``worker`` sent."""
    match message:
        case RootDone():
            return events.RootEnded(
                now,
                worker,
                message.job,
                result=message.result,
                objects=message.objects,
                failure=message.failure,
                use=message.use,
            )
        case RootProgress():
            return events.RootProgressed(
                now,
                worker,
                message.job,
                items_done=message.items_done,
                items_total=message.items_total,
                executors=message.executors,
            )
        case RootOutput():
            return events.RootPrinted(now, worker, message.job, message.stream, message.text)
        case Heartbeat():
            return events.WorkerHeard(now, worker, message.idle, message.memory_bytes)
        case Hungry():
            return events.WorkerHungry(now, worker, message.slots)
        case Goodbye():
            return events.WorkerLeft(now, worker, message.reason)


class ForeignHello(msgspec.Struct, frozen=True, tag_field="op", tag="hello"):
    """What the hellos of all versions have in common, so that each can be refused by name."""

    protocol: int
    release: str = "of unknown release"


_foreign_decoder = msgspec.msgpack.Decoder(list[ForeignHello])


def foreign_hello(frame: bytes | memoryview) -> ForeignHello | None:
    """The hello in a frame that is no message of this version; None when it is no hello either."""
    try:
        hellos = _foreign_decoder.decode(frame)
    except msgspec.DecodeError:
        return None
    return hellos[0] if hellos else None
