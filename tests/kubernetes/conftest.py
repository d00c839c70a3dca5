"""The end-to-end suite: the project on a real Kubernetes, installed as a user would.

``make e2e`` builds the images, brings them to the cluster, and calls this suite. The operator is
installed once, by Helm; each module works in a namespace of its own, in which Pod Security
``restricted`` is enforced. At the end nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubectl import Kubectl
from kubernetes_clusters import namespace
from operator_release import Release, installed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pods take their time, and what looks back at all tests runs last."""
    items.sort(key=lambda item: item.path.stem == "test_afterwards")
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(420))


@pytest.fixture(scope="session", autouse=True)
def release() -> Iterator[Release]:
    """The operator, for the whole cluster."""
    with installed("operator") as release:
        yield release


@pytest.fixture(scope="module")
def kubectl(release: Release, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """kubectl in a namespace that only this module uses."""
    with namespace(request.path.stem.removeprefix("test_").replace("_", "-")) as kubectl:
        yield kubectl
