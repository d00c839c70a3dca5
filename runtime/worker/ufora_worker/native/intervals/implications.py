"""What a BOOL says that two paths gave: ``a and b``, ``a or b``, with ``b`` on one path only.

Where the paths meet, most of what each knew is lost. But if the BOOL turns out true, control came
by a path on which it could be true, and what those paths had in common still holds.
"""

from collections.abc import Sequence

from ufora_worker.native.intervals.refinement import assume
from ufora_worker.native.intervals.state import Facts, State, join
from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.nodes import Let, Var
from ufora_worker.native.ir.types import BOOL

#: Implications are kept for so many truth values at a time: most are used at once.
_MOST = 8


def note(branch: nodes.If, ends: Sequence[State | None], joined: State | None) -> None:
    """Note in the state after ``branch`` what follows from the BOOL that its paths set last."""
    flag = _flag(branch)
    if flag is None or joined is None or None in ends:
        return
    for truth in (False, True):
        known = join([assume(end, flag, truth) for end in ends if end is not None])
        if known is not None:
            joined.implied[flag.name, truth] = _more(known, joined)
    for oldest in list(joined.implied)[:-_MOST]:
        del joined.implied[oldest]


def _flag(branch: nodes.If) -> Var | None:
    if not branch.then or not branch.orelse:
        return None
    one, other = branch.then[-1], branch.orelse[-1]
    if not isinstance(one, Let) or not isinstance(other, Let) or one.target != other.target:
        return None
    return one.target if one.target.type == BOOL else None


def _more(known: State, joined: State) -> Facts:
    """What is known beyond what is in the joined state."""
    return Facts(
        {name: each for name, each in known.ranges.items() if joined.ranges.get(name) != each},
        {name: each for name, each in known.greater.items() if joined.greater.get(name) != each},
    )
