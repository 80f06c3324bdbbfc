"""Uploads under way: drafts with a name that clients come back to, also after a crash.

The database knows which upload belongs to which repository, the draft's file knows how much has
arrived; the memory only holds the running hash. An upload that has rested too long is forgotten,
and so is one that goes on for too long: the token it was begun with counts for as long as it lasts.
"""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from towline.content.blobs import BlobStore, Draft
from towline.oci.digest import Algorithm
from towline.registry.catalogue import Catalogue
from towline.registry.change import Place
from towline.registry.journal import Journal, Lasting

LONGEST = 24 * 3600.0  # seconds from its start; ours: 10 GB over a line of 1 Mbit/s take 22 hours
_START = "INSERT INTO upload (id, instance_id, repository, started_at) VALUES (?, ?, ?, ?)"
_END = "DELETE FROM upload WHERE id = ?"


@dataclass(slots=True)
class Upload:
    """One upload. Whoever appends to its draft holds its lock."""

    id: str
    place: Place
    started_at: float
    draft: Draft
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def ending(self) -> Callable[[sqlite3.Connection], None]:
        """The change that strikes the upload out."""
        return lambda database: _end(database, self.id)


class Uploads:
    """All uploads under way, in every repository."""

    def __init__(
        self, blobs: BlobStore, catalogue: Catalogue, journal: Journal, now: Callable[[], float]
    ) -> None:
        self._blobs = blobs
        self._journal = journal
        self._now = now
        self._uploads: dict[str, Upload] = {}
        for id_, instance_id, repository, started_at in catalogue.uploads():
            place = Place(instance_id, repository)
            self._uploads[id_] = Upload(id_, place, started_at, blobs.draft(id_))
        self._discard_strays()

    async def start(self, place: Place, algorithm: Algorithm = Algorithm.SHA256) -> Upload:
        """Begin an upload."""
        upload = self.draft(place, algorithm)
        row = (upload.id, place.instance_id, place.repository, upload.started_at)
        await self._journal.write(lambda database: _start(database, row), Lasting.CRASH)
        self._uploads[upload.id] = upload
        return upload

    def draft(self, place: Place, algorithm: Algorithm) -> Upload:
        """An upload that lives for one request only: nobody can come back to it."""
        id_ = str(uuid.uuid4())
        return Upload(id_, place, self._now(), self._blobs.draft(id_, algorithm))

    def find(self, place: Place, id_: str) -> Upload | None:
        """The upload of this name into this repository, if it may still go on."""
        upload = self._uploads.get(id_)
        if upload is None or upload.place != place or self._is_too_old(upload):
            return None
        return upload

    def forget(self, upload: Upload) -> None:
        """Drop an upload that has become a blob."""
        self._uploads.pop(upload.id, None)

    async def cancel(self, upload: Upload) -> None:
        """Drop an upload and all that has arrived of it."""
        self.forget(upload)
        upload.draft.close()
        self._blobs.discard(upload.id)
        await self._journal.write(upload.ending(), Lasting.CRASH)

    async def cancel_all(self, instance_id: str) -> None:
        """Drop all uploads into an instance."""
        for upload in [
            one for one in self._uploads.values() if one.place.instance_id == instance_id
        ]:
            await self.cancel(upload)

    async def expire(self, lifetime: float) -> None:
        """Drop the uploads to which nothing was added for so many seconds, and those too old."""
        before, written = self._now() - lifetime, dict(self._blobs.drafts())
        for upload in list(self._uploads.values()):
            rested_since = max(upload.started_at, written.get(upload.id, 0.0))
            is_over = rested_since < before or self._is_too_old(upload)
            if is_over and not upload.lock.locked():
                await self.cancel(upload)

    def _is_too_old(self, upload: Upload) -> bool:
        return upload.started_at + LONGEST <= self._now()

    def _discard_strays(self) -> None:
        """Remove drafts that nobody can come back to: the process ended while they arrived."""
        for name, _ in list(self._blobs.drafts()):
            if name not in self._uploads:
                self._blobs.discard(name)


def _start(database: sqlite3.Connection, row: tuple[str, str, str, float]) -> None:
    database.execute(_START, row)


def _end(database: sqlite3.Connection, id_: str) -> None:
    database.execute(_END, (id_,))
