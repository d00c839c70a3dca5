"""A manager with real sockets on free loopback ports, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ufora_core.settings import ManagerSettings
from ufora_manager.app import Running, running


@pytest.fixture
def settings(tmp_path: Path) -> ManagerSettings:
    return ManagerSettings(web_port=0, registry_port=0, data_dir=tmp_path / "data", no_worker=True)


@pytest.fixture
async def manager(settings: ManagerSettings) -> AsyncIterator[Running]:
    async with running(settings, hold=0) as manager:
        yield manager
    # Files are opened in threads of the loop, which would otherwise outlive the test.
    await asyncio.get_running_loop().shutdown_default_executor()
