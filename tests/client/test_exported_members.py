"""What ``import pyfora`` gives, and what it costs."""

import inspect
import json
import subprocess
import sys

import pytest

import pyfora
from pyfora import _errors


def test_every_exported_name_is_there_and_documented() -> None:
    for name in pyfora.__all__:
        member = getattr(pyfora, name)
        assert isinstance(member, str) or inspect.getdoc(member), name


def test_exports_are_sorted() -> None:
    assert sorted(pyfora.__all__) == list(pyfora.__all__)


def test_every_error_of_the_tree_is_exported() -> None:
    assert set(_errors.__all__) <= set(pyfora.__all__)


@pytest.mark.parametrize("name", ["ConnectionError", "TimeoutError"])
def test_errors_that_python_has_too_are_caught_as_python_s(name: str) -> None:
    import builtins

    assert issubclass(getattr(pyfora, name), getattr(builtins, name))


@pytest.mark.parametrize(
    ("owner", "old", "new"),
    [
        (pyfora.Cluster, "getWorkerCount", "worker_count"),
        (pyfora.Cluster, "isClosed", "is_closed"),
        (pyfora.RemoteValue, "toLocal", "to_local"),
    ],
)
def test_the_original_s_names_are_there_beside_ours(owner: type, old: str, new: str) -> None:
    assert getattr(owner, old) is getattr(owner, new)


def test_importing_loads_no_network_library() -> None:
    """They take three times as long as the rest, and a cluster's processes start meanwhile."""
    script = (
        "import json, sys; import pyfora; "
        "print(json.dumps([each for each in sys.modules if '.' not in each]))"
    )
    loaded = json.loads(subprocess.check_output([sys.executable, "-c", script]))
    assert not {"aiohttp", "asyncio", "numpy", "socketio", "ssl"} & set(loaded)
