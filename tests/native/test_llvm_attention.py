"""Native code listens: at the back edges of all loops, and in recursion."""

from __future__ import annotations

import pytest

from machine_code import Listener, entry_of
from ufora_worker.native.runs import Status

ENDLESS = {
    "while": """
        loop:
            %1: bool = int.ge n, 0
        while %1:
            n: int = int.xor n, 1
        return n
""",
    "while with continue": """
        loop:
            %1: bool = int.ge n, 0
        while %1:
            n: int = int.xor n, 1
            %2: bool = int.eq n, 3
            if %2:
                continue
            n: int = int.xor n, 2
        return n
""",
    "for": """
        s: int = copy n
        for i: int in range(0, 9223372036854775807, 1):
            s: int = int.xor s, i
            s: int = int.rshift s, 1
        return s
""",
    "for downwards": """
        s: int = copy n
        for i: int in range(9223372036854775807, n, -1):
            s: int = int.floordiv i, 3
        return s
""",
    "recursion": """
        %1: bool = int.lt n, -100
        if %1:
            return 0
        %2: int = int.sub n, 1
        %3: int = call endless(%2)
        %4: int = call endless(%2)
        %5: int = int.xor %3, %4
        return %5
""",
}


def endless(body: str) -> str:
    lines = "\n".join(line[4:] for line in body.splitlines())
    return f"""
unit total of int

def item(%index: int, from: int):
    emit 1000
    %1: bool = int.ge %index, from
    if %1:
        %2: int = call endless(%index)
        emit %2

def endless(n: int) -> int:{lines}
"""


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_endless_item_stops_and_is_not_done(body: str) -> None:
    listener = Listener()
    listener.word.value, listener.answers = 1, [0, 0, 0, 1]
    run = entry_of(endless(body)).run(3, 9, [5], None, listener)
    assert (run.status, run.total) == (Status.STOPPED, 1000 * run.count)
    # The first polls are those of the loop over the items.
    assert run.next in (3, 5)
    assert listener.calls == 4


def test_the_loop_over_the_items_stops_between_two_items() -> None:
    listener = Listener()
    listener.word.value, listener.answers = 1, [0, 0, 1]
    text = "unit total of int\n\ndef item(%index: int):\n    emit 1\n"
    run = entry_of(text).run(0, 10**12, [], None, listener)
    assert run.status is Status.STOPPED
    assert 0 < run.next == run.total == run.count < 10**6


def test_a_loop_goes_on_when_nobody_wants_it_to_stop() -> None:
    listener = Listener()
    listener.word.value = 1
    text = "unit total of int\n\ndef item(%index: int):\n    emit %index\n"
    run = entry_of(text).run(0, 10**6, [], None, listener)
    assert (run.status, run.total) == (Status.DONE, sum(range(10**6)))
    assert listener.calls > 1


def test_a_calm_word_costs_no_call() -> None:
    listener = Listener()
    text = "unit total of int\n\ndef item(%index: int):\n    emit %index\n"
    assert entry_of(text).run(0, 10**6, [], None, listener).status is Status.DONE
    assert listener.calls == 0


def test_another_listener_is_listened_to_in_the_next_run() -> None:
    entry = entry_of("unit count of int\n\ndef item(%index: int):\n    emit %index\n")
    first, second = Listener(), Listener()
    second.word.value, second.answers = 1, [1]
    assert entry.run(0, 10, [], None, first).status is Status.DONE
    assert entry.run(0, 10, [], None, second).status is Status.STOPPED
    assert entry.run(0, 10, [], None, first).status is Status.DONE
