"""Rendering the chart needs Helm and no cluster."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def release() -> None:
    """Nothing is installed for these tests."""
