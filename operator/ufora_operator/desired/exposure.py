"""The way in from outside: an Ingress or an HTTPRoute to the manager's front end.

Clients keep one websocket open for hours and upload bodies of any size, so what cuts off either is
switched off. There is one manager, so no connection has to stick to a pod.
"""

from ufora_operator import names
from ufora_operator.api.spec import IngressOptions, RouteOptions, UforaCluster
from ufora_operator.desired.objects import Manifest, owned, present

#: For ingress-nginx; other controllers have no such limits, or their own annotations.
_LONG_LIVED = {
    "nginx.ingress.kubernetes.io/proxy-read-timeout": "86400",
    "nginx.ingress.kubernetes.io/proxy-send-timeout": "86400",
    "nginx.ingress.kubernetes.io/proxy-body-size": "0",
    "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
}


def exposure(cluster: UforaCluster) -> list[Manifest]:
    """The Ingress or the HTTPRoute, if one is wanted."""
    spec = cluster.spec
    if spec.ingress:
        return [_ingress(cluster, spec.ingress)]
    if spec.route:
        return [_route(cluster, spec.route)]
    return []


def _ingress(cluster: UforaCluster, options: IngressOptions) -> Manifest:
    name = names.manager(cluster.name)
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    tls = [{"hosts": [options.host], "secretName": options.tls_secret_name}]
    return {
        **owned(
            cluster,
            "networking.k8s.io/v1",
            "Ingress",
            name,
            "manager",
            annotations={**_LONG_LIVED, **options.annotations},
        ),
        "spec": {
            **present({"ingressClassName": options.class_name}),
            **({"tls": tls} if options.tls_secret_name else {}),
            "rules": [{"host": options.host, "http": {"paths": paths}}],
        },
    }


def _route(cluster: UforaCluster, options: RouteOptions) -> Manifest:
    name = names.manager(cluster.name)
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "backendRefs": [{"name": name, "port": cluster.spec.manager.web_port}],
        "timeouts": {"request": "0s"},
    }
    return {
        **owned(cluster, "gateway.networking.k8s.io/v1", "HTTPRoute", name, "manager"),
        "spec": {
            "parentRefs": options.parent_refs,
            **present({"hostnames": options.hostnames}),
            "rules": [rule],
        },
    }
