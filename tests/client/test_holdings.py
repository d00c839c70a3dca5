"""What a client keeps alive in the cluster, and when it lets go."""

from pyfora._holdings import Holdings
from ufora_core.protocol.parts import Payload

A, B, C = (Payload(digit * 64, 100) for digit in "abc")


def test_an_object_is_let_go_after_its_last_use() -> None:
    holdings = Holdings()
    holdings.hold([A, B])
    holdings.hold([A])
    holdings.drop([A, B])
    assert holdings.in_use(A.digest) and not holdings.in_use(B.digest)
    assert holdings.surplus(quiet=True) == [B.digest]
    holdings.drop([A])
    assert holdings.surplus(quiet=True) == [A.digest]
    assert holdings.surplus(quiet=True) == []


def test_what_was_received_waits_until_no_job_is_in_flight() -> None:
    """A result on its way here may have the same bytes, and the manager counts a session once."""
    holdings = Holdings()
    holdings.hold([A])
    holdings.drop([A])
    assert holdings.surplus(quiet=False) == []
    holdings.hold([A])  # it came again
    assert holdings.surplus(quiet=True) == []
    holdings.drop([A])
    assert holdings.surplus(quiet=True) == [A.digest]


def test_what_was_sent_stays_for_the_next_program_up_to_a_limit() -> None:
    holdings = Holdings(idle_limit=200)
    for each in (A, B, C):
        holdings.hold([each], sent={each.digest})
        holdings.drop([each])
    assert holdings.surplus(quiet=True) == [A.digest]
    holdings.hold([B])
    holdings.drop([B])  # used again: now the last that goes
    holdings.hold([A], sent={A.digest})
    holdings.drop([A])
    assert holdings.surplus(quiet=True) == [C.digest]


def test_the_limit_holds_for_what_was_received_too() -> None:
    holdings = Holdings(idle_limit=150)
    holdings.hold([A, B])
    holdings.drop([A, B])
    assert holdings.surplus(quiet=False) == [A.digest]
