"""A cluster that has lost what it kept for a client says which value that was; all else goes on."""

from collections.abc import Iterator, Sequence

import pytest

import pyfora
from scripted_transport import ScriptedTransport, done
from ufora_core import program
from ufora_core.program import Proxy, Result
from ufora_core.protocol.client import FromClient, JobDone, Submit, ToClient
from ufora_core.protocol.parts import Failure, Payload
from ufora_core.store import payload_of
from ufora_core.values.nodes import Graph

PATIENCE = 20.0
DIGEST = "a" * 64


def kept(submit: Submit) -> JobDone:
    """The end of a definition whose value stays in the cluster."""
    proxy = Proxy(digest=DIGEST, size=10**6, type="list", text="[1, 2, 3, ...]")
    result = Result(
        names=[],
        values=[],
        proxies={"result": proxy},
        deleted=[],
        changes=[],
        raised=None,
        graph=Graph(),
    )
    objects = (Payload(DIGEST, 10**6),)
    return JobDone(job=submit.job, result=payload_of(program.encode(result)), objects=objects)


def replies(message: FromClient) -> Sequence[ToClient]:
    if not isinstance(message, Submit):
        return []
    if message.title.startswith("define"):
        return [kept(message)]
    if any(each.digest == DIGEST for each in message.needs):
        reason = f"the block could not start: object {DIGEST[:12]} is not in the cluster"
        return [JobDone(job=message.job, failure=Failure("missing-object", reason))]
    return [done(message, 7)]


@pytest.fixture
def cluster() -> Iterator[pyfora.Cluster]:
    transport = ScriptedTransport(replies)
    with pyfora.Cluster(transport) as connected:
        yield connected


def test_a_call_with_a_lost_value_fails_and_names_it(cluster: pyfora.Cluster) -> None:
    value = cluster.define([1, 2, 3]).result(PATIENCE)
    with pytest.raises(
        pyfora.JobFailedError, match=r"<RemoteValue list: \[1, 2, 3, \.\.\.\]>"
    ) as e:
        cluster.submit(sum, value).result(PATIENCE)
    assert "object aaaaaaaaaaaa is not in the cluster" in str(e.value)
    assert "make it anew" in str(e.value)
    assert cluster.submit(len, "").result(PATIENCE) == 7


def test_a_download_of_a_lost_value_fails_and_names_it(cluster: pyfora.Cluster) -> None:
    value = cluster.define([1, 2, 3]).result(PATIENCE)
    with pytest.raises(
        pyfora.ConnectionError, match=r"<RemoteValue list.*> is lost: .*make it anew"
    ):
        value.to_local().result(PATIENCE)
    assert cluster.submit(len, "").result(PATIENCE) == 7
