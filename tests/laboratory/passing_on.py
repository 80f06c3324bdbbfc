"""Two connections made one: what comes on either is passed on to the other."""

from __future__ import annotations

import asyncio
import contextlib

from tests.laboratory.http_service import Service

_PIECE = 65_536


def forwarding(address: str) -> Service:
    """A service that is another one's door."""
    host, _, port = address.partition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(host, int(port))
        await pass_on((reader, writer), (theirs, ours))

    return serve


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def pass_on(one: Ends, other: Ends) -> None:
    """Both ways, until both have hung up."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(one[0], other[1]))
            group.create_task(_pump(other[0], one[1]))
    finally:
        other[1].close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while content := await source.read(_PIECE):
            target.write(content)
            await target.drain()
    target.close()
