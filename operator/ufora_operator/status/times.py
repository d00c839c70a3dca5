"""Moments as Kubernetes writes them."""

from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """``2026-01-31T12:00:00Z`` for Unix seconds; fractions are cut off."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
