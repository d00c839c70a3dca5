"""What kopf watches for us. A handler reads nothing but whose object it was: the cluster is then
looked at as a whole. kopf writes nothing itself, neither annotations nor finalizers nor Events."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import kopf

from ufora_operator.controller.kinds import (
    CHILDREN,
    CLUSTER,
    OPTIONAL,
    POD,
    READ_BY_NAME,
    Kind,
)
from ufora_operator.controller.queue import Key
from ufora_operator.names import FIELD_MANAGER, INSTANCE_LABEL, MANAGED_BY_LABEL

#: Objects in one page of a first list: what is in memory at a time.
_PAGE = 250


def watched_kinds(served: Iterable[Kind]) -> tuple[Kind, ...]:
    """The kinds to watch on an API server that has ``served`` of the optional ones. What happens to
    those that are read by name is seen in the next round."""
    others = {*OPTIONAL, *READ_BY_NAME} - set(served)
    return (CLUSTER, *(kind for kind in CHILDREN if kind not in others), POD)


def watch_paths(kinds: Iterable[Kind], namespaces: Iterable[str]) -> list[str]:
    """The paths of all watches; without namespaces, one a kind for the whole of Kubernetes."""
    places = list(namespaces)
    return [
        kind.path(place) if place else f"{kind.root}/{kind.plural}"
        for kind in kinds
        for place in places or [""]
    ]


def registry(kinds: Iterable[Kind], note: Callable[[Key], None]) -> kopf.OperatorRegistry:
    """Handlers that call ``note`` with the cluster that an event is about."""
    handlers = kopf.OperatorRegistry()

    async def of_cluster(namespace: str | None, name: str | None, **_: Any) -> None:
        if namespace and name:
            note(Key(namespace, name))

    async def of_child(namespace: str | None, labels: Mapping[str, str], **_: Any) -> None:
        cluster = labels.get(INSTANCE_LABEL)
        if namespace and cluster:
            note(Key(namespace, cluster))

    for kind in kinds:
        handler = of_cluster if kind == CLUSTER else of_child
        where = (kind.group, kind.version, kind.plural)
        kopf.on.event(*where, registry=handlers)(handler)
    return handlers


def watch_settings(kinds: Iterable[Kind]) -> kopf.OperatorSettings:
    """How kopf watches: our objects only, in pages, and anew when a stream has gone silent."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.watching.chunk_size = _PAGE
    settings.watching.connect_timeout = 10.0
    # Longer than any one stream of an API server lasts: only a bound on what the server forgets.
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 660.0
    settings.watching.reconnect_backoff = 1.0
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 10.0
    # A handler is done at once; what is kept for an object in between is only memory.
    settings.queueing.idle_timeout = 0.1
    settings.process.ultimate_exiting_timeout = 30.0
    for kind in kinds:
        if kind != CLUSTER:
            where = (kind.group, kind.version, kind.plural)
            settings.watching.label_selectors[where] = f"{MANAGED_BY_LABEL}={FIELD_MANAGER}"
    return settings
