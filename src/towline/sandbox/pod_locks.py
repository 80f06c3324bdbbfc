"""One thing at a time for each pod, and pods beside each other."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class PodLocks:
    """A lock for each pod, for as long as somebody holds or awaits it."""

    def __init__(self) -> None:
        self._locks = WeakValueDictionary[str, asyncio.Lock]()

    def of(self, uid: str) -> asyncio.Lock:
        """The pod's lock, to be held while anything of the pod is made or removed."""
        lock = self._locks.get(uid)
        if lock is None:
            lock = self._locks[uid] = asyncio.Lock()
        return lock
