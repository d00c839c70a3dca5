"""The environment of the processes, written by the same settings types that read it there."""

from pathlib import Path
from typing import Any

from msgspec import UNSET

from ufora_core.settings import ManagerSettings, WorkerSettings
from ufora_operator import names
from ufora_operator.api.pods import PodOptions
from ufora_operator.api.quantities import amount
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.objects import Manifest

_CORES = "UFORA_WORKER_CORES"
_OWN_ADDRESS: Manifest = {
    "name": "UFORA_WORKER_OWN_ADDRESS",
    "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}},
}
_OWN_NAME: Manifest = {
    "name": "UFORA_WORKER_NAME",
    "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
}


def manager_environment(cluster: UforaCluster) -> list[Manifest]:
    """Variables of the manager's container, the user's own last."""
    spec, (token, second_token) = cluster.spec, _token_files(cluster)
    settings = ManagerSettings(
        web_port=spec.manager.web_port,
        registry_port=names.REGISTRY_PORT,
        data_dir=Path(names.DATA_FOLDER),
        insecure=not spec.auth.enabled,
        no_worker=not spec.manager.runs_worker,
        token_file=token,
        second_token_file=second_token,
    )
    own = _plain(settings.to_env())
    if spec.manager.runs_worker:
        own += _plain({"UFORA_WORKER_BASE_PORT": str(spec.workers.base_port)})
        own += [_OWN_ADDRESS, *_cores(spec.manager)]
    return _with_users_own(own, spec.manager)


def worker_environment(cluster: UforaCluster) -> list[Manifest]:
    """Variables of a worker's container, the user's own last."""
    spec, (token, second_token) = cluster.spec, _token_files(cluster)
    settings = WorkerSettings(
        manager_address=f"{names.registry(cluster.name)}.{cluster.namespace}.svc",
        manager_port=names.REGISTRY_PORT,
        base_port=spec.workers.base_port,
        data_dir=Path(names.DATA_FOLDER),
        insecure=not spec.auth.enabled,
        drain_seconds=spec.workers.drain.timeout_seconds,
        token_file=token,
        second_token_file=second_token,
    )
    # Known to the pod alone: its address, its name, and the cores that it was given.
    known_there = {_OWN_ADDRESS["name"], _OWN_NAME["name"], _CORES}
    fixed = {name: value for name, value in settings.to_env().items() if name not in known_there}
    own = [*_plain(fixed), _OWN_ADDRESS, _OWN_NAME, *_cores(spec.workers)]
    return _with_users_own(own, spec.workers)


def _plain(variables: dict[str, str]) -> list[Manifest]:
    """In the order of their names: the settings' own order may change, a pod template may not."""
    return [{"name": name, "value": value} for name, value in sorted(variables.items())]


def _token_files(cluster: UforaCluster) -> tuple[Path, Path] | tuple[None, None]:
    """Where the token Secret is mounted, if there is one."""
    if not cluster.spec.auth.enabled:
        return None, None
    folder = Path(names.AUTH_FOLDER)
    return folder / names.TOKEN_KEY, folder / names.SECOND_TOKEN_KEY


def _cores(options: PodOptions) -> list[Manifest]:
    """As many executors as whole cores; else the worker counts what it may use itself."""
    limits = {} if options.resources is UNSET else options.resources.limits
    cpu: Any = None if limits is UNSET else limits.get("cpu")
    if cpu is None or amount(str(cpu)) < 1 or amount(str(cpu)) % 1:
        return []
    return [
        {
            "name": _CORES,
            "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1"}},
        }
    ]


def _with_users_own(own: list[Manifest], options: PodOptions) -> list[Manifest]:
    theirs = [
        {
            "name": each.name,
            **({} if each.value is UNSET else {"value": each.value}),
            **({} if each.value_from is UNSET else {"valueFrom": each.value_from}),
        }
        for each in options.env
    ]
    named = {each["name"] for each in theirs}
    return [each for each in own if each["name"] not in named] + theirs
