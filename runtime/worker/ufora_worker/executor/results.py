"""What a program leaves behind, encoded for the client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

from msgspec.structs import replace

import ufora_core
import ufora_worker
from ufora_core import program
from ufora_core.compiler.sites.slices import INLINED, WRAPPER
from ufora_core.errors import UnappliedChangeError
from ufora_core.protocol.parts import ExecutorUse, Payload
from ufora_core.store import ObjectStore
from ufora_core.values import changes
from ufora_core.values.classes import ClassTrackers
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import CaptureScope, Encoder
from ufora_core.values.nodes import Change, Remote
from ufora_worker.loops.partials import Stored, keep

#: Characters of a value's ``repr`` that its proxy shows.
_SHOWN = 80
#: For messages about values that cannot leave.
_SCOPE = CaptureScope(in_cluster=True)
#: Files of our own, whose frames are not the user's.
_OWN_FOLDERS = (str(Path(ufora_worker.__file__).parent), str(Path(ufora_core.__file__).parent))


@dataclass(slots=True)
class Outcome:
    """How a program ended, as live objects of this process."""

    names: Mapping[str, Any]
    deleted: Sequence[str] = ()
    raised: BaseException | None = None
    #: Global names that come home as names of the block, by the index of their namespace's node.
    exported: Mapping[int, Sequence[str]] = field(default_factory=dict)
    #: What it has set for the whole process (``ufora_core.ambient``).
    ambient: Mapping[str, Any] = field(default_factory=dict)
    use: Sequence[ExecutorUse] = ()
    loops: Sequence[program.LoopFacts] = ()
    functions: Sequence[program.FunctionFacts] = ()


def encode_result(
    store: ObjectStore, task: program.Program, decoder: Decoder, outcome: Outcome
) -> Stored:
    """The result object, and every object of the store that it names."""
    encoder = Encoder(originals=_originals(decoder), trackers=decoder.trackers, scope=_SCOPE)
    names: list[str] = []
    values: list[Any] = []
    proxies: dict[str, program.Proxy] = {}
    kept: list[Payload] = []
    for name, value in outcome.names.items():
        stored = None if task.download.limit is None else _keep_apart(store, decoder, value)
        if stored is None or _size(stored) <= (task.download.limit or 0):
            names.append(name)
            values.append(encoder.item(value, name))
        else:
            proxies[name] = program.Proxy(
                stored.payload.digest, _size(stored), type(value).__name__, _shown(value)
            )
            kept.extend(stored.needs)
    changed, raised = _changes(decoder, encoder, outcome)
    result = program.Result(
        names=names,
        values=values,
        proxies=proxies,
        deleted=list(outcome.deleted),
        changes=changed,
        raised=_encode_raised(encoder, raised),
        graph=encoder.graph(),
        ambient=dict(outcome.ambient),
        use=tuple(outcome.use),
        loops=tuple(outcome.loops),
        functions=tuple(outcome.functions),
    )
    stored = keep(store, program.encode(result), encoder)
    return Stored(stored.payload, (*stored.needs, *kept))


def load_kept(store: ObjectStore, digest: str, classes: ClassTrackers) -> Any:
    """The value behind a proxy; its classes are those that the program brought, where it did."""
    kept = program.decode(store.open(digest), program.Kept)
    decoder = Decoder(
        kept.graph,
        store.open_private,
        classes=classes,
        remote=lambda other: load_kept(store, other, classes),
    )
    return decoder.value(kept.value)


def _changes(
    decoder: Decoder, encoder: Encoder, outcome: Outcome
) -> tuple[list[Change], BaseException | None]:
    """In-place changes for the client's own objects, and what the block ends with: a change that
    the client cannot follow is never lost in silence."""
    try:
        return changes.find(decoder, encoder, exported=outcome.exported), outcome.raised
    except UnappliedChangeError as error:
        error.__context__ = outcome.raised
        return [], error.with_traceback(None)


def _originals(decoder: Decoder) -> dict[int, int]:
    """The client's own objects, which need not travel back. What stayed in the cluster until now
    is none of them: it comes to the client for the first time."""
    return {
        id(value): index
        for index, node, value in decoder.decoded()
        if value is not None and not isinstance(node, Remote)
    }


def _encode_raised(
    encoder: Encoder, error: BaseException | None, seen: Sequence[BaseException] = ()
) -> program.Raised | None:
    """The exception with those that led to it, each with its own traceback."""
    if error is None or any(error is each for each in seen):
        return None
    seen = (*seen, error)
    return program.Raised(
        encoder.item(error, "the exception"),
        _frames(error.__traceback__),
        _encode_raised(encoder, error.__cause__, seen),
        _encode_raised(encoder, error.__context__, seen),
        error.__suppress_context__,
    )


def _frames(entry: TracebackType | None) -> list[program.Frame]:
    """The user's lines of a traceback, from the block inwards."""
    frames: list[program.Frame] = []
    while entry is not None:
        code = entry.tb_frame.f_code
        if not code.co_filename.startswith(_OWN_FOLDERS) and code.co_filename != WRAPPER:
            frame = _frame(code, entry.tb_lineno, entry.tb_lasti)
            if code.co_name == INLINED:
                frame = replace(frame, name=frames.pop().name)
            frames.append(frame)
        entry = entry.tb_next
    return frames


def _frame(code: CodeType, line: int, last_instruction: int) -> program.Frame:
    positions = next(islice(code.co_positions(), last_instruction // 2, None), (None,) * 4)
    first_line, end_line, column, end_column = positions
    if first_line != line or end_line is None or column is None or end_column is None:
        return program.Frame(code.co_filename, line, code.co_name)
    return program.Frame(code.co_filename, line, code.co_name, end_line, column, end_column)


def _keep_apart(store: ObjectStore, decoder: Decoder, value: Any) -> Stored:
    """The value by itself, as an object that proxies name."""
    encoder = Encoder(trackers=decoder.trackers, scope=_SCOPE)
    kept = program.Kept(encoder.item(value), encoder.graph())
    data = program.encode(kept)
    stored = keep(store, data, encoder)
    if stored.payload.data is not None:
        needs = (*stored.needs, store.put_at(stored.payload.digest, [data]))
        return Stored(stored.payload, needs)
    return stored


def _size(stored: Stored) -> int:
    return sum(each.size for each in stored.needs)


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
