"""The token Secret, and ServiceAccounts without any right."""

from base64 import b64encode

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.objects import Manifest, owned
from ufora_operator.observed import Tokens


def secret(cluster: UforaCluster, tokens: Tokens) -> Manifest:
    """The Secret with the cluster's tokens. Its annotations say how far a rotation is."""
    annotations = {names.ROTATION_ANNOTATION: tokens.rotation}
    if tokens.second_is_next:
        annotations[names.SECOND_IS_NEXT_ANNOTATION] = "true"
    return {
        **owned(
            cluster,
            "v1",
            "Secret",
            names.auth_secret(cluster.name),
            annotations=annotations,
        ),
        "type": "Opaque",
        "data": {
            names.TOKEN_KEY: _encoded(tokens.token),
            # Always there, so that a second token which somebody else put in is taken out.
            names.SECOND_TOKEN_KEY: _encoded(tokens.second),
        },
    }


def service_accounts(cluster: UforaCluster) -> list[Manifest]:
    """An account for each component that was given none."""
    name = cluster.name
    heads = []
    if not cluster.spec.manager.service_account_name:
        heads.append(owned(cluster, "v1", "ServiceAccount", names.manager(name), "manager"))
    if not cluster.spec.workers.service_account_name:
        heads.append(owned(cluster, "v1", "ServiceAccount", names.worker(name), "worker"))
    return [{**head, "automountServiceAccountToken": False} for head in heads]


def _encoded(token: str) -> str:
    return b64encode(token.encode()).decode()
