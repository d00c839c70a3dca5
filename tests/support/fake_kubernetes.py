"""What an API server keeps: objects, versions, owners of fields, and who belongs to whom.

Only as much as an operator can notice: server-side apply with one set of owned fields a manager,
defaults and normal forms, preconditions, the status subresource, garbage collection of what was
owned, namespaces that terminate, and a log of changes for watches.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ufora_operator.api.crd import resource_schema
from ufora_operator.controller.kinds import (
    CHILDREN,
    CLUSTER,
    CORE_EVENT,
    EVENT,
    LEASE,
    POD,
    Kind,
    Manifest,
    Ref,
)

KINDS = (*CHILDREN, CLUSTER, POD, LEASE, EVENT, CORE_EVENT)

#: Kinds whose status only the subresource writes.
_WITH_STATUS = {"UforaCluster", "Deployment", "StatefulSet", "Pod"}
_LIST_KEYS = ("name", "mountPath", "containerPort", "port", "uid")


class Refusal(Exception):
    """The API server says no."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log that watches read."""

    version: int
    type: str
    ref: Ref
    object: Manifest


@dataclass(slots=True)
class FakeStore:
    """The objects of all namespaces. ``now`` is the time that new objects are stamped with."""

    now: str = "2026-01-01T00:00:00Z"
    objects: dict[Ref, Manifest] = field(default_factory=dict)
    terminating: set[str] = field(default_factory=set)
    log: list[Change] = field(default_factory=list)
    #: Every change of an object that a client asked for, as ``apply Service ns/demo-manager``.
    writes: list[str] = field(default_factory=list)
    #: Called with each object before it is made: admission, which may change it.
    admit: Callable[[Manifest], None] = lambda _: None
    #: Called with each object that was made: the controllers of Kubernetes, which make others.
    react: Callable[[Manifest], None] = lambda _: None
    _owned: dict[tuple[Ref, str], Manifest] = field(default_factory=dict)
    _places: dict[tuple[Kind, str], dict[Ref, Manifest]] = field(default_factory=dict)
    _version: int = 0
    _uids: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def version(self) -> int:
        """The version of the latest change."""
        return self._version

    def get(self, ref: Ref) -> Manifest:
        """Raises Refusal 404."""
        if ref not in self.objects:
            raise Refusal(404, "NotFound", f'{ref.kind.plural} "{ref.name}" not found')
        return copy.deepcopy(self.objects[ref])

    def list(
        self,
        kind: Kind,
        namespace: str | None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[Manifest]:
        """The objects that match, oldest first."""
        if namespace is not None:
            found = list(self._places.get((kind, namespace), {}).values())
        else:
            found = [manifest for ref, manifest in self.objects.items() if ref.kind == kind]
        return [copy.deepcopy(each) for each in found if matches(each, labels or {}, fields or {})]

    def apply(self, ref: Ref, manifest: Manifest, manager: str, *, status: bool) -> Manifest:
        """Server-side apply with force."""
        self._check_uid(ref, manifest)
        part = "status" if status else "main"
        owner = f"{manager}/{part}"
        wanted = _applied_part(ref.kind, manifest, status=status)
        before = self.objects.get(ref)
        if before is None:
            if status:
                raise Refusal(404, "NotFound", f'{ref.kind.plural} "{ref.name}" not found')
            live = self._new(ref, wanted)
        else:
            given_up = _without(before, self._owned.get((ref, owner), {}), wanted)
            live = _normal(ref.kind, _merged(given_up, wanted))
        self._owned[ref, owner] = copy.deepcopy(wanted)
        return self._put(ref, live, "apply status" if status else "apply")

    def create(self, ref: Ref, manifest: Manifest) -> Manifest:
        """Raises Refusal 409 if it is there."""
        if ref in self.objects:
            raise Refusal(409, "AlreadyExists", f'{ref.kind.plural} "{ref.name}" already exists')
        return self._put(ref, self._new(ref, manifest), "create")

    def replace(self, ref: Ref, manifest: Manifest) -> Manifest:
        """Raises Refusal 409 unless ``resourceVersion`` is that of the object."""
        there = self.get(ref)
        version = manifest["metadata"].get("resourceVersion")
        if version and version != there["metadata"]["resourceVersion"]:
            raise Refusal(409, "Conflict", "the object has been modified")
        return self._put(ref, copy.deepcopy(manifest), "replace")

    def patch(self, ref: Ref, patch: Manifest) -> Manifest:
        """A merge patch."""
        return self._put(ref, merge_patched(self.get(ref), patch), "patch")

    def delete(self, ref: Ref, uid: str | None = None) -> None:
        """And with it, what it owns. Raises Refusal 404, or 409 for another uid."""
        there = self.get(ref)
        if uid is not None and there["metadata"]["uid"] != uid:
            raise Refusal(409, "Conflict", "the UID in the precondition is another one")
        self.writes.append(f"delete {ref}")
        self._remove(ref)

    def edit(self, ref: Ref, change: Callable[[Manifest], None]) -> None:
        """Somebody else changes the object by hand."""
        manifest = self.get(ref)
        change(manifest)
        self._put(ref, manifest, None)

    def add(self, manifest: Manifest) -> Manifest:
        """Somebody else makes an object."""
        kind = next(each for each in KINDS if _is_of(each, manifest))
        ref = Ref(kind, manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        return self._put(ref, self._new(ref, manifest), None)

    def _new(self, ref: Ref, manifest: Manifest) -> Manifest:
        if ref.namespace in self.terminating:
            raise Refusal(
                403,
                "Forbidden",
                f'{ref.kind.plural} "{ref.name}" is forbidden: unable to create new content in '
                f"namespace {ref.namespace} because it is being terminated",
            )
        live = _normal(ref.kind, copy.deepcopy(manifest))
        live["metadata"] |= {"uid": f"uid-{next(self._uids)}", "creationTimestamp": self.now}
        if "spec" in live or ref.kind == CLUSTER:
            live["metadata"]["generation"] = 1
        self.admit(live)
        return live

    def _put(self, ref: Ref, live: Manifest, write: str | None) -> Manifest:
        before = self.objects.get(ref)
        if before is not None and _same(before, live):
            return copy.deepcopy(before)
        if write is not None:
            self.writes.append(f"{write} {ref}")
        self._version += 1
        live = copy.deepcopy(live)
        live["metadata"]["resourceVersion"] = str(self._version)
        if before is not None and before.get("spec") != live.get("spec"):
            live["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
        self.objects[ref] = live
        self._places.setdefault((ref.kind, ref.namespace), {})[ref] = live
        type = "ADDED" if before is None else "MODIFIED"
        self.log.append(Change(self._version, type, ref, live))
        if before is None:
            self.react(live)
        return copy.deepcopy(live)

    def _remove(self, ref: Ref) -> None:
        gone = self.objects.pop(ref)
        del self._places[ref.kind, ref.namespace][ref]
        for each in [each for each in self._owned if each[0] == ref]:
            del self._owned[each]
        self._version += 1
        self.log.append(Change(self._version, "DELETED", ref, gone))
        uid = gone["metadata"]["uid"]
        for other, manifest in list(self.objects.items()):
            owners = manifest["metadata"].get("ownerReferences") or []
            if any(owner["uid"] == uid for owner in owners) and other in self.objects:
                self._remove(other)

    def _check_uid(self, ref: Ref, manifest: Manifest) -> None:
        uid = manifest["metadata"].get("uid")
        there = self.objects.get(ref)
        if uid and uid != (there or {"metadata": {}})["metadata"].get("uid"):
            raise Refusal(409, "Conflict", f"uid mismatch: the request is about {uid}")


def matches(
    manifest: Manifest, labels: Mapping[str, str], fields: Mapping[str, str] | None = None
) -> bool:
    """Whether an object has these labels and fields (``involvedObject.uid``)."""
    there = manifest["metadata"].get("labels") or {}
    if any(there.get(name) != value for name, value in labels.items()):
        return False
    for path, wanted in (fields or {}).items():
        value: Any = manifest
        for name in path.split("."):
            value = value.get(name, {}) if isinstance(value, dict) else {}
        if value != wanted:
            return False
    return True


def merge_patched(value: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(value) if isinstance(value, dict) else {}
    for name, each in patch.items():
        if each is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patched(merged.get(name), each)
    return merged


def with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    """What the API server makes of a custom resource by its schema."""
    if not isinstance(value, dict):
        return value
    value = dict(value)
    for name, each in (schema.get("properties") or {}).items():
        if name not in value and "default" in each:
            value[name] = copy.deepcopy(each["default"])
        if name in value:
            value[name] = with_defaults(value[name], each)
    return value


def _is_of(kind: Kind, manifest: Manifest) -> bool:
    return (kind.api_version, kind.name) == (manifest["apiVersion"], manifest["kind"])


def _applied_part(kind: Kind, manifest: Manifest, *, status: bool) -> Manifest:
    if status:
        return {"status": manifest["status"]}
    metadata = {name: each for name, each in manifest["metadata"].items() if name != "uid"}
    whole = {**manifest, "metadata": metadata}
    if kind.name in _WITH_STATUS:
        whole.pop("status", None)
    return copy.deepcopy(whole)


def _same(one: Manifest, other: Manifest) -> bool:
    def essence(manifest: Manifest) -> Manifest:
        metadata = dict(manifest["metadata"])
        metadata.pop("resourceVersion", None)
        metadata.pop("generation", None)
        return {**manifest, "metadata": metadata}

    return essence(one) == essence(other)


def _without(live: Any, owned: Any, wanted: Any) -> Any:
    """``live`` less the fields and elements that its manager owned and does not name any more."""
    if isinstance(live, list) and isinstance(wanted, list) and (key := _key(owned)) is not None:
        dropped = {each[key] for each in owned} - {each.get(key) for each in wanted}
        return [each for each in live if each.get(key) not in dropped]
    if not (isinstance(live, dict) and isinstance(owned, dict) and isinstance(wanted, dict)):
        return live
    kept = {}
    for name, value in live.items():
        if name in owned and name not in wanted:
            continue
        kept[name] = _without(value, owned.get(name), wanted.get(name))
    return kept


def _merged(live: Any, wanted: Any) -> Any:
    if isinstance(live, dict) and isinstance(wanted, dict):
        merged = dict(live)
        for name, value in wanted.items():
            merged[name] = _merged(live.get(name), value)
        return merged
    key = _key(wanted) if isinstance(live, list) else None
    if key is None:
        return copy.deepcopy(wanted)
    there = {each.get(key): each for each in live}
    ours = [_merged(there.get(each[key]), each) for each in wanted]
    # What others have added stays.
    return ours + [each for name, each in there.items() if name not in {x[key] for x in wanted}]


def _key(elements: Any) -> str | None:
    if isinstance(elements, list) and elements and all(isinstance(e, dict) for e in elements):
        return next((key for key in _LIST_KEYS if all(key in each for each in elements)), None)
    return None


def _normal(kind: Kind, manifest: Manifest) -> Manifest:
    """Defaults and normal forms, of the kind that make a live object differ from what was sent."""
    if kind == CLUSTER:
        spec = with_defaults(manifest.get("spec") or {}, resource_schema()["properties"]["spec"])
        return {**manifest, "spec": spec}
    if kind.name == "Service":
        manifest = {**manifest, "spec": {"clusterIP": "10.0.0.1", **manifest["spec"]}}
    if kind.name in ("Deployment", "StatefulSet"):
        manifest = {**manifest, "spec": {"revisionHistoryLimit": 10, **manifest["spec"]}}
    canonical: Manifest = _canonical(manifest)
    return canonical


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "1" if name == "cpu" and each == "1000m" else _canonical(each)
            for name, each in value.items()
            if each is not None and not (isinstance(each, list) and not each)
        }
    return [_canonical(each) for each in value] if isinstance(value, list) else value
