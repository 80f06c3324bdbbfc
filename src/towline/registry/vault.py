"""Blobs on disk and in the database, kept in step.

A blob is written down only after its file is in place. Files go the other way round: first nobody
refers to them any more, then they are struck out, then removed, and in between the same content may
arrive again. That is why arrivals are counted: a file that is just arriving is left alone. Counting
and removing both happen on the event loop, so neither sees the other half done.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from towline.content.blobs import BlobStore, Draft, named_in
from towline.oci.digest import Digest
from towline.registry import change
from towline.registry.catalogue import Catalogue
from towline.registry.change import Place
from towline.registry.journal import Journal
from towline.registry.request import Request

T = TypeVar("T")

THREADS = 8  # mostly waiting for the disk
CHUNK = 1024 * 1024  # bytes handed to a thread at once: the hand-over costs as much as 100 KiB


class Vault:
    """Takes blobs in and removes those that nobody has."""

    def __init__(self, blobs: BlobStore, catalogue: Catalogue, journal: Journal) -> None:
        self.blobs = blobs
        self._catalogue = catalogue
        self._journal = journal
        self._threads = ThreadPoolExecutor(THREADS, "registry-blobs")
        self._arriving: Counter[Digest] = Counter()

    async def receive(self, request: Request, draft: Draft) -> None:
        """Append a request's body to a draft, hashing and writing while more is arriving.

        Raises `Disconnected`; what had arrived is in the draft then.
        """
        writing: asyncio.Future[None] | None = None
        pieces: list[bytes] = []
        size = 0
        try:
            async for piece in request.pieces():
                pieces.append(piece)
                size += len(piece)
                if size >= CHUNK:
                    if writing is not None:
                        await writing
                    writing = self._submit(draft, pieces)
                    pieces, size = [], 0
        finally:
            if writing is not None:
                await writing
            if pieces:
                await self._submit(draft, pieces)

    async def settle(self, draft: Draft) -> None:
        """Return when all of a draft is on the disk."""
        await self.in_thread(draft.sync)

    async def keep(
        self,
        draft: Draft,
        place: Place,
        digest: Digest,
        also: Callable[[sqlite3.Connection], None],
    ) -> None:
        """Make a draft a blob of a repository, with another change; raises `WrongDigest`."""
        size = draft.size
        self._arriving[digest] += 1
        try:
            await self.in_thread(lambda: self.blobs.keep(draft, digest))

            def both(database: sqlite3.Connection) -> None:
                change.add_blob(database, place, digest, size)
                also(database)

            await self._journal.write(both)
            self.blobs.discard(draft.path.name)
        finally:
            self._arriving[digest] -= 1
            if not self._arriving[digest]:
                del self._arriving[digest]

    async def sweep(self) -> None:
        """Remove the blobs that no repository has any more."""
        for digest in await self._journal.write(change.forget_unreferenced):
            if digest not in self._arriving:
                self.blobs.remove(digest)

    async def sweep_strays(self) -> None:
        """Remove the files of blobs that were never written down: the process was killed in between."""
        for folder in self.blobs.folders():
            for digest in await self.in_thread(partial(named_in, folder)):
                if digest not in self._arriving and not self._catalogue.knows_blob(str(digest)):
                    self.blobs.remove(digest)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do something that waits for the disk."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Wait for the threads to end."""
        self._threads.shutdown()

    def _submit(self, draft: Draft, pieces: Sequence[bytes]) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._threads, draft.append, pieces)
