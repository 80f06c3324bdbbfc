"""Times as the Kubernetes API writes them: RFC 3339, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def to_second(seconds: float) -> str:
    """A `Time`: `2026-01-02T03:04:05Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_microsecond(seconds: float) -> str:
    """A `MicroTime`: `2026-01-02T03:04:05.000006Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_of(text: str) -> float:
    """Seconds since the epoch; raises ValueError."""
    return datetime.fromisoformat(text).timestamp()
