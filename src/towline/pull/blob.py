"""A layer's compressed bytes at the registry: all of them, from somewhere on, or a part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from towline.oci.manifest import Descriptor
from towline.pull.failure import Failed, UnexpectedStatus
from towline.pull.visit import Reply
from towline.pull.wire import Body

Headers = tuple[tuple[str, str], ...]
_NO_RANGES = frozenset({"400", "405", "416", "501"})


@dataclass(frozen=True, slots=True)
class Blob:
    """Implements `towline.pull.layers.Source`."""

    registry: str
    descriptor: Descriptor
    ask: Callable[[Descriptor, Headers], Awaitable[Reply]]
    """Raises `Failed` for what is no success."""

    async def open(self, offset: int) -> tuple[Body, int]:
        """See `Source`. A registry that ignores the range begins at 0; one that gives another is asked
        for everything.
        """
        reply = await self._range(f"{offset}-") if offset else None
        if reply is not None and _is_range(reply, f"{offset}-"):
            return reply.answer.body, offset
        if reply is not None and _is_range(reply, ""):
            reply.line.close()
            reply = None
        if reply is None:
            reply = await self.ask(self.descriptor, ())
        return reply.answer.body, 0

    async def part(self, begin: int, end: int) -> Body | None:
        """See `Source`."""
        wanted = f"{begin}-{end - 1}"
        reply = await self._range(wanted)
        if reply is not None and not _is_range(reply, f"{wanted}/"):
            reply.line.close()
            return None
        return reply.answer.body if reply else None

    async def _range(self, wanted: str) -> Reply | None:
        """None when the registry refuses to give ranges."""
        try:
            return await self.ask(self.descriptor, (("Range", f"bytes={wanted}"),))
        except Failed as failed:
            cause = failed.failure.cause
            if isinstance(cause, UnexpectedStatus) and cause.status[:3] in _NO_RANGES:
                return None
            raise


def _is_range(reply: Reply, wanted: str) -> bool:
    return reply.answer.header("content-range").startswith(f"bytes {wanted}")
