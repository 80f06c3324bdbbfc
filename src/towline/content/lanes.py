"""How many layers may come from one registry at once, and how many connections each may have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LANES = 12


class _Registry:
    """One registry's lanes. Whoever came first is served first."""

    def __init__(self, lanes: int) -> None:
        self.free = asyncio.Semaphore(lanes)
        self.wanted = 0


class Lanes:
    """For all registries and all pods. A pod asks for few layers at once, so that none takes all."""

    def __init__(self, lanes: int = LANES) -> None:
        self._lanes = lanes
        self._registries = dict[str, _Registry]()

    @asynccontextmanager
    async def lane(self, registry: str) -> AsyncIterator[None]:
        """One lane, when there is one."""
        lanes = self._registries.setdefault(registry, _Registry(self._lanes))
        lanes.wanted += 1
        try:
            async with lanes.free:
                yield
        finally:
            lanes.wanted -= 1
            if not lanes.wanted:
                del self._registries[registry]

    def share(self, registry: str) -> int:
        """How many connections each of those in a lane may have: the lanes, shared."""
        known = self._registries.get(registry)
        return max(self._lanes // max(known.wanted if known else 1, 1), 1)
