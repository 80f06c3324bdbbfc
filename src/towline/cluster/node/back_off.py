"""How long something that failed is left alone: client-go's `util/flowcontrol/backoff.go`.

Ten seconds, doubled up to five minutes, without jitter. What has been quiet for twice the longest
time begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST, LONGEST = 10.0, 300.0  # seconds, the kubelet's for images and for containers
_FORGOTTEN = 2 * LONGEST


@dataclass(frozen=True, slots=True)
class _Entry:
    seconds: float
    updated: float


class BackOff:
    """Remembers failures by key. Times are seconds since the epoch, and the caller's."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def seconds(self, key: str) -> float:
        """The present length of the pause; 0 when there is none."""
        entry = self._entries.get(key)
        return entry.seconds if entry else 0.0

    def failed(self, key: str, now: float, *, at: float | None = None) -> None:
        """Count a failure that happened `at` some time, or now."""
        entry = self._current(key, now if at is None else at)
        seconds = min(entry.seconds * 2, LONGEST) if entry else FIRST
        self._entries[key] = _Entry(seconds, now)

    def holds(self, key: str, now: float) -> bool:
        """Whether the pause since the last failure is still on."""
        entry = self._current(key, now)
        return entry is not None and now - entry.updated < entry.seconds

    def holds_since(self, key: str, event: float, now: float) -> bool:
        """Whether the pause, counted from an event of the caller's, is still on."""
        entry = self._current(key, event)
        return entry is not None and now - event < entry.seconds

    def forget(self, prefix: str) -> None:
        """Drop all keys that begin like this."""
        for key in [key for key in self._entries if key.startswith(prefix)]:
            del self._entries[key]

    def _current(self, key: str, event: float) -> _Entry | None:
        entry = self._entries.get(key)
        return None if entry is None or event - entry.updated > _FORGOTTEN else entry
