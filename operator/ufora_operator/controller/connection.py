"""How to reach the API server and with which credentials, from the pod's service account or from a
kubeconfig; the same for our own calls and for kopf's watches."""

import contextlib
from collections.abc import Callable
from typing import Any

import aiohttp
import kopf
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import load_incluster_config
from kubernetes.aio.config.kube_config import load_kube_config

from ufora_operator.errors import SettingsError
from ufora_operator.names import FIELD_MANAGER

#: Called with the path of every watch that is heard of.
Heard = Callable[[str], None]


async def configuration(kubeconfig: str | None) -> Configuration:
    """The service account's, or else the one of the kubeconfig (None: where kubectl has it).

    Raises SettingsError if there is neither."""
    found = Configuration()
    if kubeconfig is None:
        with contextlib.suppress(ConfigException):
            load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
            return found
    try:
        await load_kube_config(  # type: ignore[no-untyped-call]
            config_file=kubeconfig, client_configuration=found
        )
    except (ConfigException, OSError) as error:
        raise SettingsError(
            f"no Kubernetes to work with: this is no pod with a service account, and the "
            f"kubeconfig cannot be used: {error}. Set KUBECONFIG"
        ) from error
    return found


def client(found: Configuration) -> ApiClient:
    """A client for our own calls; the caller closes it."""
    # A proxy is taken from the kubeconfig alone: to look for one in the environment, aiohttp goes
    # through a thread twice a call.
    found.client_session_kwargs = {"trust_env": False}
    made = ApiClient(found)
    made.user_agent = FIELD_MANAGER
    return made


async def watch_session(found: Configuration, heard: Heard) -> kopf.AiohttpSession:
    """A session for kopf. It ends when its token does: kopf then asks for another."""
    made = ApiClient(found)
    headers = {"User-Agent": FIELD_MANAGER}
    await made.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
    connector = aiohttp.TCPConnector(limit=0, ssl=made.rest_client.ssl_context)
    await made.close()  # type: ignore[no-untyped-call]
    session = aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        response_class=_listening(heard),
        proxy=found.proxy,
    )
    return kopf.AiohttpSession(server=found.host, aiohttp_session=session)


def _listening(heard: Heard) -> type[aiohttp.ClientResponse]:
    """Responses that tell when a watch is opened, and when anything comes by it: kopf keeps
    bookmarks to itself, and they are the only sign of life that a quiet watch has."""

    class Listening(aiohttp.ClientResponse):
        async def start(self, connection: Any) -> aiohttp.ClientResponse:
            await super().start(connection)
            if self.status == 200 and self.url.query.get("watch") == "true":
                heard(self.url.path)
                self.content = _Stream(self.content, self.url.path, heard)  # type: ignore[assignment]
            return self

    return Listening


class _Stream:
    """A response's content that tells of every chunk."""

    def __init__(self, content: aiohttp.StreamReader, path: str, heard: Heard) -> None:
        self._content = content
        self._path = path
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> Any:
        async for chunk in self._content.iter_chunked(size):
            self._heard(self._path)
            yield chunk
