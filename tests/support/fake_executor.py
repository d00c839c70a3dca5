"""A program that speaks like an executor, and does what a job's name says.

``echo``: ends well. ``exit-3``: ends its process. ``segv``: is killed by the system. ``hang``: does
not hear a stop. ``eat``: uses 200 MiB of memory. ``wait``: prints, and ends when it is stopped.
``garbage``: breaks its channel. ``print``: prints and ends. ``give``: gives items 10 to 20 away and
waits; ``give-bulk`` likewise, with a task and a result that are in the store.
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path

from ufora_core.protocol.executor import (
    LoopClosed,
    Offer,
    Printed,
    RangeDone,
    Ready,
    RootEnded,
    RunRange,
    RunRoot,
    TakePiece,
    Waiting,
)
from ufora_core.protocol.parts import ExecutorUse, Failure, Payload
from ufora_core.protocol.worker import Piece, Range
from ufora_core.store import ObjectStore
from ufora_worker.executor.channel import Channel, ChannelClosed
from ufora_worker.executor.orders import orders_from

EMPTY = Payload("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0, b"")


class Stop(Exception):
    """The supervisor signalled."""


def on_stop(number: int, frame: object) -> None:
    raise Stop


def store() -> ObjectStore:
    return ObjectStore(Path(orders_from(sys.argv[1]).store))


def end(channel: Channel, job: str, failure: Failure | None = None) -> None:
    result = EMPTY if failure is None else None
    channel.send(RootEnded(job=job, result=result, failure=failure))


def run_root(channel: Channel, sock: socket.socket, job: str) -> None:
    match job.partition(":")[0]:
        case "exit-3":
            os._exit(3)
        case "segv":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "garbage":
            sock.sendall(b"\x05\x00\x00\x00hello")
        case "hang":
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            time.sleep(1000)
        case "eat":
            eaten = b"x" * (200 << 20)
            time.sleep(len(eaten))
        case "wait":
            channel.send(Printed(job=job, stream="stdout", text="waiting\n"))
            time.sleep(1000)
        case "print":
            channel.send(Printed(job=job, stream="stdout", text="hello\n"))
            end(channel, job)
        case "give" | "give-bulk":
            task = EMPTY if job == "give" else store().put(b"the task")
            channel.send(Offer(range=Range(job=job, loop=0, lo=10, hi=20, task=task)))
            channel.send(Waiting(job=job, loop=0))
            wait_for_pieces(channel, job)
        case _:
            end(channel, job)


def wait_for_pieces(channel: Channel, job: str) -> None:
    while True:
        match channel.receive():
            case RunRange(range=work):
                run_range(channel, work)
            case TakePiece(piece=piece):
                channel.send(LoopClosed(job=job, loop=0))
                ran = piece.use.worker if piece.use is not None else "nobody"
                if piece.partial.data is None:
                    ran += f": {bytes(store().open(piece.partial.digest)).decode()}"
                end(channel, job, Failure("internal", f"{piece.lo} to {piece.hi} by {ran}"))
                return
            case _:
                pass


def run_range(channel: Channel, work: Range) -> None:
    use = ExecutorUse(worker=orders_from(sys.argv[1]).worker, executor=0)
    partial = EMPTY
    if work.task.data is None:
        partial = store().put(b"did ", store().open(work.task.digest))
    piece = Piece(lo=work.lo, hi=work.hi, partial=partial, use=use)
    channel.send(RangeDone(job=work.job, loop=work.loop, piece=piece))


def main() -> None:
    sock = socket.socket(fileno=orders_from(sys.argv[1]).channel_fd)
    channel = Channel(sock)
    signal.signal(signal.SIGUSR1, on_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel.send(Ready(pid=os.getpid()))
    while True:
        match channel.receive():
            case RunRoot(job=job):
                try:
                    run_root(channel, sock, job)
                except Stop:
                    end(channel, job, Failure("cancelled", "stopped"))
            case RunRange(range=work):
                run_range(channel, work)
            case _:
                pass


if __name__ == "__main__":
    try:
        main()
    except ChannelClosed:
        sys.exit(0)
