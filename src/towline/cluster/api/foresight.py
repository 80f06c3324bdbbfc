"""What a sender hears of pods whose images cannot work, while `kubectl apply` still waits.

It may take a moment and no more, it never refuses anything, and whatever goes wrong with it is
nobody's business but the log's: a cluster without foresight is still a cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import structlog

from towline.cluster.api import codec
from towline.cluster.api.address import Address, Treatment
from towline.store.record import Record

BUDGET = 0.8  # seconds
_KINDS = frozenset({"Pod", "Deployment", "ReplicaSet"})
_LONGEST = 600  # characters: API servers allow 4096 for all warnings of an answer

_log = structlog.get_logger("towline.cluster.api")
Object = dict[str, Any]


class Preflight(Protocol):
    """Whoever can tell before a pod runs that its images cannot be pulled."""

    async def warnings(self, item: Object) -> Sequence[str]:
        """What is wrong with the images of a Pod, or of a workload's pods, a sentence each.

        It is given little time, and cancelled when that is over.
        """
        ...


class Blind:
    """Foresees nothing."""

    async def warnings(self, item: Object) -> Sequence[str]:
        """None."""
        del item
        return ()


class Foresight:
    """Adds warnings to writes that have been done."""

    def __init__(self, preflight: Preflight) -> None:
        self._preflight = preflight

    async def look(self, address: Address, record: Record, how: Treatment) -> None:
        """Let a write's sender know of its images."""
        if address.resource.kind not in _KINDS or address.subresource:
            return
        try:
            async with asyncio.timeout(BUDGET):
                found = await self._preflight.warnings(codec.decode(record))
        except TimeoutError:
            return
        except Exception:  # noqa: BLE001  # see above: the write is done, whatever this is
            _log.exception("preflight failed", object=str(address.key))
            return
        how.warnings.extend(text[:_LONGEST] for text in found)
