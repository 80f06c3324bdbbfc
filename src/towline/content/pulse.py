"""Whether a download still lives: not whether a byte came, but whether enough of them did.

A connection that trickles would otherwise hold a pod back for days.
"""

from __future__ import annotations

from collections import deque


class Pulse:
    """Judges a count of bytes that only grows."""

    def __init__(self, slowest: int, seconds: float) -> None:
        """Fewer than `slowest` bytes a second, for so many seconds, are too few."""
        self._fewest = slowest * seconds
        self._seconds = seconds
        self._seen = deque[tuple[float, int]]()

    def rest(self) -> None:
        """What was seen does not count: nothing was waited for."""
        self._seen.clear()

    def is_weak(self, have: int, now: float) -> bool:
        """Whether too little came lately. After a weak one the count begins anew."""
        self._seen.append((now, have))
        while len(self._seen) > 1 and now - self._seen[1][0] >= self._seconds:
            self._seen.popleft()
        since, had = self._seen[0]
        if now - since < self._seconds or have - had >= self._fewest:
            return False
        self.rest()
        return True
