"""What runs the items of a ``for`` statement, and the proof that they may run anywhere."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import thread_time_ns
from typing import TYPE_CHECKING

from ufora_core.compiler.effects.judgement import judge
from ufora_core.compiler.for_loops.apart import Changes
from ufora_core.compiler.for_loops.item import ITEM, comprehension_of
from ufora_core.compiler.for_loops.split import UNSET
from ufora_core.compiler.for_loops.statement import ItemPart, Unset
from ufora_core.compiler.sites.names import mangled
from ufora_core.compiler.sites.reducers import SiteKind
from ufora_core.compiler.sites.site import Site
from ufora_core.compiler.sites.slices import slice_function
from ufora_core.compiler.sites.views import Items
from ufora_worker.executor.program_code import definition_of
from ufora_worker.for_loops.changes import (
    changes_of_assigning,
    changes_of_fold,
    check_carried,
)
from ufora_worker.for_loops.items import ItemFunctions
from ufora_worker.for_loops.runs import Run, Runs
from ufora_worker.loops.first_look import CHEAP, LOOK_NS, first_items, take_less, takes_a_look
from ufora_worker.loops.moments import Declined, local_values
from ufora_worker.loops.ranges import ItemSource, SliceCall
from ufora_worker.native.body import NativeItems

if TYPE_CHECKING:
    from ufora_worker.loops.splitting import Splitter

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Bodies:
    """Makes the bodies of one job's loops. Where one cannot run anywhere the loop is declined."""

    splitter: "Splitter"
    runs: Runs
    _functions: ItemFunctions = field(default_factory=ItemFunctions, init=False)

    def of_records(self, run: Run) -> SliceCall | None:
        """What computes the records of items, once it is proved that it may run anywhere; else
        None."""
        part, parts = run.loop.records, run.loop.halves
        assert part is not None and parts is not None

        def proved() -> SliceCall:
            body = self._proved(run, part, SiteKind.LIST, changes_of_fold(run, parts))
            check_carried(run, parts)
            return body

        return self._unless_declined(run, proved)

    def of_terms(self, run: Run) -> SliceCall | None:
        """What computes the terms of a total, once it is proved that it may run anywhere; else
        None."""
        part, total = run.loop.terms, run.loop.total
        assert part is not None and total is not None
        changes = changes_of_assigning(run, total.assigned)
        return self._unless_declined(run, lambda: self._proved(run, part, SiteKind.SUM, changes))

    def of_left(self, run: Run) -> SliceCall:
        """What gives the variables besides the total, as an item leaves them."""
        assert run.loop.left is not None
        return self._slice(run, run.loop.left, SiteKind.LIST)

    def native_records(self, run: Run) -> NativeItems | None:
        """The records of items as native code that is not made yet, judged by the first items; None
        where there can be none."""
        part, parts, items = run.loop.records, run.loop.halves, run.items
        if items is None or part is None or parts is None:
            return None
        first = first_items(items) if takes_a_look(items, run.count) else items

        def likely() -> SliceCall:
            body = self._slice(run, part, SiteKind.LIST)
            _prove(run, body, first, changes_of_fold(run, parts))
            return body

        body = self._unless_declined(run, likely)
        if body is None:
            return None
        return body.native(self.splitter.place, first, self.splitter.python)

    def _unless_declined(self, run: Run, proved: Callable[[], SliceCall]) -> SliceCall | None:
        began = thread_time_ns()
        try:
            return proved()
        except Declined as declined:
            why = declined
        except Exception:
            log.exception("the loop at line %d runs as written", run.site.line)
            run.items = None
            return None
        finally:
            run.asked_ns += thread_time_ns() - began
        self.runs.refuse(run, why)
        return None

    def _proved(self, run: Run, part: ItemPart, kind: SiteKind, changes: Changes) -> SliceCall:
        assert run.items is not None
        body = self._slice(run, part, kind)
        if takes_a_look(run.items, run.count):
            first = first_items(run.items)
            _prove(run, body, first, changes)
            # Of a loop with records it is known already: it began as written.
            if kind is SiteKind.SUM and take_less(LOOK_NS, body.run, first, run.count):
                raise Declined(CHEAP)
        _prove(run, body, run.items, changes)
        return body

    def _slice(self, run: Run, part: ItemPart, kind: SiteKind) -> SliceCall:
        """What runs items.

        Raises:
            Declined: a variable that they read has no value.
        """
        site = _item_site(run, part, kind)
        scope = local_values(site, run.frame)
        if part.item:
            local = tuple(name for name in part.free if mangled(name, site.mangle) in scope)
            many = len(part.comprehension.generators) > 1
            unset = (UNSET,) if UNSET in part.free else ()
            arguments = (*local, *unset)
            comprehension = comprehension_of(run.loop.target, arguments, many=many)
            site = replace(site, comprehension=comprehension)
            # Its site keeps the part, and so its identity.
            key, target = (id(part), arguments), run.loop.target
            scope[ITEM] = self._functions.of(run, key, target, arguments, lambda: part.item)
            scope |= dict.fromkeys(unset, Unset)
        names = tuple(scope)
        function = slice_function(site, run.filename, names, run.frame.f_globals)
        source = ItemSource(site, names, run.filename)
        return SliceCall(function, list(scope.values()), source=source)


def _prove(run: Run, body: SliceCall, items: Items, changes: Changes) -> None:
    assert body.source is not None
    verdict = judge(
        body.source.site,
        run.frame.f_globals,
        dict(zip(body.source.names, body.arguments, strict=True)),
        items,
        source_of=definition_of,
        filename=body.source.filename,
        changes=changes,
    )
    if not verdict.pure:
        raise Declined("it may have effects", verdict.reason)


def _item_site(run: Run, part: ItemPart, kind: SiteKind) -> Site:
    free = tuple(mangled(name, run.site.mangle) for name in part.free)
    return replace(run.site, kind=kind, comprehension=part.comprehension, free=free)
