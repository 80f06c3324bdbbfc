"""What the registry holds, read from its database.

A look-up takes some 10 µs and is therefore made where it is needed, without a thread. Manifests
are kept in memory besides, until something in their repository changes: nodes ask for the same few
again and again. The cache belongs to the event loop: entries are read, added and dropped on it, and
a change is answered only after its repository was dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.registry import database
from towline.registry.change import Place

CACHE_LIMIT = 32 * 1024 * 1024  # bytes of manifests in memory; then all are dropped
_CACHEABLE = 256 * 1024  # bytes; larger manifests are rare and not worth the room

_MANIFEST = """
    SELECT manifest.digest, manifest.media_type, manifest.body
    FROM repository JOIN manifest ON manifest.repository_id = repository.id
    WHERE instance_id = ? AND name = ? AND manifest.digest = ?
"""
_MANIFEST_BY_TAG = """
    SELECT manifest.digest, manifest.media_type, manifest.body
    FROM repository JOIN tag ON tag.repository_id = repository.id
    JOIN manifest ON manifest.repository_id = repository.id AND manifest.digest = tag.digest
    WHERE instance_id = ? AND repository.name = ? AND tag.name = ?
"""
_BLOB = """
    SELECT blob.size FROM repository
    JOIN repository_blob ON repository_blob.repository_id = repository.id
    JOIN blob ON blob.digest = repository_blob.digest
    WHERE instance_id = ? AND name = ? AND repository_blob.digest = ?
"""
_REPOSITORY = "SELECT id FROM repository WHERE instance_id = ? AND name = ?"
_TAGS = "SELECT name FROM tag WHERE repository_id = ? AND name > ? ORDER BY name LIMIT ?"
_REPOSITORIES = """
    SELECT name FROM repository WHERE instance_id = ? AND name > ? AND EXISTS
        (SELECT 1 FROM manifest WHERE manifest.repository_id = repository.id)
    ORDER BY name
"""
_HELD_REPOSITORIES = """
    SELECT name, created_at, updated_at FROM repository
    WHERE instance_id = ? AND name > ? AND created_at > 0 ORDER BY name
"""
_HELD_REPOSITORY = """
    SELECT name, created_at, updated_at FROM repository
    WHERE instance_id = ? AND name = ? AND created_at > 0
"""
_HELD_TAGS = """
    SELECT tag.name, tag.digest, manifest.media_type, tag.pushed_at
    FROM repository JOIN tag ON tag.repository_id = repository.id
    JOIN manifest ON manifest.repository_id = repository.id AND manifest.digest = tag.digest
    WHERE instance_id = ? AND repository.name = ? ORDER BY tag.name
"""
_PLACES = "SELECT instance_id, name FROM repository"
_HOLDERS = """
    SELECT name FROM repository_blob JOIN repository ON repository.id = repository_id
    WHERE repository_blob.digest = ? AND instance_id = ? ORDER BY name
"""
_REFERRERS = """
    SELECT manifest.media_type, manifest.digest, size, artifact_type, annotations
    FROM repository JOIN manifest ON manifest.repository_id = repository.id
    WHERE instance_id = ? AND name = ? AND subject = ? AND manifest.digest > ?
    ORDER BY manifest.digest
"""


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest, as it was pushed."""

    digest: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class HeldRepository:
    """A repository, since when there has been one, and when it was pushed to last."""

    name: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class HeldTag:
    """A tag, what it points at, and when it was pushed."""

    name: str
    digest: str
    media_type: str
    pushed_at: float


class Catalogue:
    """Questions about the content of instances. Belongs to one thread."""

    def __init__(self, path: Path) -> None:
        self._database = database.reader(path)
        self._cached: dict[Place, dict[str, StoredManifest]] = {}
        self._cached_bytes = 0

    def manifest(self, place: Place, reference: str) -> StoredManifest | None:
        """The manifest of a tag or digest."""
        cached = self._cached.get(place)
        if cached is not None and (found := cached.get(reference)) is not None:
            return found
        question = _MANIFEST if ":" in reference else _MANIFEST_BY_TAG
        row = self._row(question, place, reference)
        if row is None:
            return None
        manifest = StoredManifest(*row)
        self._keep(place, reference, manifest)
        return manifest

    def drop(self, place: Place) -> None:
        """Forget what is in memory of a repository that has changed."""
        gone = self._cached.pop(place, {})
        self._cached_bytes -= sum(len(manifest.body) for manifest in gone.values())

    def drop_all(self) -> None:
        """Forget all that is in memory."""
        self._cached.clear()
        self._cached_bytes = 0

    def blob_size(self, place: Place, digest: str) -> int | None:
        """The size of a blob that the repository has."""
        row = self._row(_BLOB, place, digest)
        return None if row is None else int(row[0])

    def tags(self, place: Place, after: str, limit: int) -> tuple[str, ...] | None:
        """Tags in ASCII order; None when there is no such repository."""
        row = self._database.execute(_REPOSITORY, (place.instance_id, place.repository)).fetchone()
        if row is None:
            return None
        return tuple(name for (name,) in self._database.execute(_TAGS, (row[0], after, limit)))

    def repositories(self, instance_id: str, after: str) -> Iterator[str]:
        """The repositories that hold a manifest, in ASCII order."""
        for (name,) in self._database.execute(_REPOSITORIES, (instance_id, after)):
            yield name

    def held_repositories(self, instance_id: str, after: str) -> Iterator[HeldRepository]:
        """The repositories that ever held a manifest, also those that are empty again, in ASCII
        order.
        """
        for row in self._database.execute(_HELD_REPOSITORIES, (instance_id, after)):
            yield HeldRepository(*row)

    def held_repository(self, place: Place) -> HeldRepository | None:
        """A repository that ever held a manifest."""
        asked = (place.instance_id, place.repository)
        row = self._database.execute(_HELD_REPOSITORY, asked).fetchone()
        return None if row is None else HeldRepository(*row)

    def held_tags(self, place: Place) -> tuple[HeldTag, ...]:
        """All tags of a repository with what they point at, in ASCII order."""
        rows = self._database.execute(_HELD_TAGS, (place.instance_id, place.repository))
        return tuple(HeldTag(*row) for row in rows)

    def places(self) -> tuple[Place, ...]:
        """All repositories of all instances, also those that are empty again."""
        return tuple(Place(*row) for row in self._database.execute(_PLACES))

    def knows_blob(self, digest: str) -> bool:
        """Whether a blob is written down, whoever has it."""
        question = "SELECT 1 FROM blob WHERE digest = ?"
        return self._database.execute(question, (digest,)).fetchone() is not None

    def holders(self, instance_id: str, digest: str) -> tuple[Place, ...]:
        """The repositories of an instance that have a blob."""
        rows = self._database.execute(_HOLDERS, (digest, instance_id))
        return tuple(Place(instance_id, name) for (name,) in rows)

    def referrers(self, place: Place, subject: str, after: str) -> Iterator[Descriptor]:
        """The manifests whose subject this is, in the order of their digests."""
        asked = (place.instance_id, place.repository, subject, after)
        for row in self._database.execute(_REFERRERS, asked):
            yield _descriptor(*row)

    def uploads(self) -> tuple[tuple[str, str, str, float], ...]:
        """The uploads under way: id, instance, repository, and when each began."""
        rows = self._database.execute("SELECT id, instance_id, repository, started_at FROM upload")
        return tuple(rows)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _row(self, question: str, place: Place, name: str) -> tuple[str, str, bytes] | None:
        asked = (place.instance_id, place.repository, name)
        row: tuple[str, str, bytes] | None = self._database.execute(question, asked).fetchone()
        return row

    def _keep(self, place: Place, reference: str, manifest: StoredManifest) -> None:
        size = len(manifest.body)
        if size > _CACHEABLE:
            return
        if self._cached_bytes + size > CACHE_LIMIT:
            self.drop_all()
        self._cached.setdefault(place, {})[reference] = manifest
        self._cached_bytes += size


def _descriptor(
    media_type: str, digest: str, size: int, artifact_type: str, annotations: str
) -> Descriptor:
    return Descriptor(
        media_type,
        Digest.parse(digest),
        size,
        artifact_type=artifact_type,
        annotations=msgspec.json.decode(annotations, type=dict[str, str]),
    )
