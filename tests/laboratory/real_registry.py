"""Debian's docker-registry behind an address of the laboratory, with one image in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.images import file, image, tar
from tests.laboratory.http_service import Service
from tests.laboratory.picture import TAG
from tests.registries import docker_registry, put_image

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class RealRegistry:
    """Stands in a situation for the process, whose address is known when it runs."""

    repository: str = "team/app"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Service]:
    """What passes everything on to it, for the length of the block."""
    folder.mkdir()
    with docker_registry(folder) as address:
        put_image(address, RealRegistry().repository, TAG, image(tar(file("app", b"real"))))
        yield forwarding(address)


def forwarding(address: str) -> Service:
    """A service that is another one's door."""
    host, _, port = address.partition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(host, int(port))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, ours))
                group.create_task(_pump(theirs, writer))
        finally:
            ours.close()

    return serve


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while content := await source.read(_PIECE):
            target.write(content)
            await target.drain()
    target.close()
