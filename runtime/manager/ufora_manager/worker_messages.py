"""What workers' messages mean to the scheduler, and hellos of other versions."""

import msgspec

from ufora_core.protocol.worker import (
    Goodbye,
    Heartbeat,
    Hello,
    Hungry,
    Leaving,
    RootDone,
    RootOutput,
    RootProgress,
    RootReturned,
    RootStarted,
    StillHolds,
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
        tokens=hello.tokens,
        leaving=hello.leaving,
    )


RootMessage = RootStarted | RootReturned | RootProgress | RootOutput | RootDone
WorkerMessage = Heartbeat | Hungry | Leaving | StillHolds | Goodbye


def event_of(message: RootMessage | WorkerMessage, worker: str, now: float) -> events.Event:
    """The event of a message that ``worker`` sent."""
    match message:
        case Heartbeat():
            return events.WorkerHeard(
                now, worker, message.idle, message.memory_bytes, message.tokens
            )
        case Hungry():
            return events.WorkerHungry(now, worker, message.slots)
        case Leaving():
            return events.WorkerLeaving(now, worker, message.reason)
        case StillHolds():
            return events.WorkerHolds(now, worker, message.roots, message.ranges)
        case Goodbye():
            return events.WorkerLeft(now, worker, message.reason)
        case _:
            return _root_event_of(message, worker, now)


def _root_event_of(message: RootMessage, worker: str, now: float) -> events.RootEvent:
    match message:
        case RootStarted():
            return events.RootStarted(now, worker, message.job, message.repeatable)
        case RootReturned():
            return events.RootReturned(now, worker, message.job)
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
            return events.RootPrinted(
                now, worker, message.job, message.stream, message.text, message.at
            )


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
