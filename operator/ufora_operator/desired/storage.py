"""Where ``/var/ufora`` lives."""

from typing import Any

from msgspec import UNSET

from ufora_operator import names
from ufora_operator.api.pods import ClaimTemplate, Storage
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.objects import Manifest, owned, present

DATA = "data"
"""Name of the volume."""


def data_volume(storage: Storage, claim: str | None) -> list[Manifest]:
    """The volume of a pod. ``claim`` is the one made of a template; None: a StatefulSet makes it,
    and adds the volume itself."""
    if storage.existing_claim is not UNSET:
        claim = storage.existing_claim
    elif storage.claim_template is UNSET:
        scratch: Any = {} if storage.empty_dir is UNSET else storage.empty_dir
        return [{"name": DATA, "emptyDir": scratch}]
    return [] if claim is None else [_claimed(claim)]


def manager_claims(cluster: UforaCluster) -> list[Manifest]:
    """The claim of the manager's volume, if it has one of its own."""
    template = cluster.spec.manager.storage.claim_template
    if template is UNSET:
        return []
    name = names.manager_claim(cluster.name)
    head = owned(cluster, "v1", "PersistentVolumeClaim", name, "manager")
    return [{**head, "spec": _claim(template)}]


def worker_claim_templates(cluster: UforaCluster) -> list[Manifest]:
    """The claims that the StatefulSet makes for each worker."""
    template = cluster.spec.workers.storage.claim_template
    if template is UNSET:
        return []
    metadata = {"name": DATA, "labels": names.selector(cluster.name, "worker")}
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    return [{**head, "spec": _claim(template)}]


def _claimed(claim: str) -> Manifest:
    return {"name": DATA, "persistentVolumeClaim": {"claimName": claim}}


def _claim(template: ClaimTemplate) -> Manifest:
    modes = ("ReadWriteOnce",) if template.access_modes is UNSET else template.access_modes
    return {
        "accessModes": modes,
        "resources": {"requests": {"storage": template.size}},
        **present({"storageClassName": template.storage_class_name}),
    }
