"""What can be changed in the registry's database: each function is one change for the `Journal`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from towline.oci.digest import Digest
from towline.oci.manifest import Index, Manifest

_ADD_REPOSITORY = "INSERT OR IGNORE INTO repository (instance_id, name) VALUES (?, ?)"
_FIND_REPOSITORY = "SELECT id FROM repository WHERE instance_id = ? AND name = ?"
_ADD_MANIFEST = """
    INSERT INTO manifest
        (repository_id, digest, media_type, subject, artifact_type, annotations, size, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET media_type = excluded.media_type
"""
_ADD_TAG = """
    INSERT INTO tag (repository_id, name, digest, pushed_at) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET digest = excluded.digest, pushed_at = excluded.pushed_at
"""
_PUSHED = """
    UPDATE repository
    SET updated_at = ?1, created_at = CASE created_at WHEN 0 THEN ?1 ELSE created_at END
    WHERE id = ?2
"""
_HAS_BLOB = "SELECT 1 FROM repository_blob WHERE repository_id = ? AND digest = ?"
_HAS_MANIFEST = "SELECT 1 FROM manifest WHERE repository_id = ? AND digest = ?"
_FORGET_UNREFERENCED = """
    DELETE FROM blob WHERE NOT EXISTS
        (SELECT 1 FROM repository_blob WHERE repository_blob.digest = blob.digest)
    RETURNING digest
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Which repository of which instance. It comes into being with its first manifest; before that
    it is a place for the blobs that will be named.
    """

    instance_id: str
    repository: str


@dataclass(frozen=True, slots=True)
class PushedManifest:
    """A manifest as it was pushed, and what was read out of it."""

    digest: Digest
    media_type: str
    body: bytes
    content: Manifest | Index
    pushed_at: float


class Incomplete(Exception):
    """A manifest names content that its repository does not have."""

    def __init__(self, missing: Sequence[Digest]) -> None:
        super().__init__(f"{len(missing)} digests are missing")
        self.missing = missing


def add_blob(database: sqlite3.Connection, place: Place, digest: Digest, size: int) -> None:
    """Write down a blob that is on the disk, and that a repository has it."""
    name = str(digest)
    database.execute("INSERT OR IGNORE INTO blob (digest, size) VALUES (?, ?)", (name, size))
    _add_to_repository(database, place, name)


def mount_blob(
    database: sqlite3.Connection, sources: Iterable[Place], place: Place, name: str
) -> bool:
    """Give a repository a blob that one of the sources has; False when none has it."""
    for source in sources:
        repository = _find(database, source)
        if repository is not None and _exists(database, _HAS_BLOB, repository, name):
            _add_to_repository(database, place, name)
            return True
    return False


def remove_blob(database: sqlite3.Connection, place: Place, digest: Digest) -> bool:
    """Take a blob out of a repository; False when it was not there. Others keep it."""
    gone = database.execute(
        "DELETE FROM repository_blob WHERE repository_id = ? AND digest = ?",
        (_find(database, place), str(digest)),
    )
    return gone.rowcount > 0


def put_manifest(
    database: sqlite3.Connection,
    place: Place,
    manifest: PushedManifest,
    needed: Needed,
    tags: Sequence[str],
) -> None:
    """Store a manifest and point tags at it; raises `Incomplete` when it names what is not here."""
    repository, content = _repository(database, place), manifest.content
    missing = [one for one in needed.blobs if not _exists(database, _HAS_BLOB, repository, one)]
    missing += [
        one for one in needed.manifests if not _exists(database, _HAS_MANIFEST, repository, one)
    ]
    if missing:
        raise Incomplete([Digest.parse(one) for one in missing])
    subject = str(content.subject.digest) if content.subject else None
    annotations = msgspec.json.encode(dict(content.annotations)).decode()
    digest, size = str(manifest.digest), len(manifest.body)
    row = (digest, manifest.media_type, subject, artifact_type(content), annotations, size)
    database.execute(_ADD_MANIFEST, (repository, *row, manifest.body))
    now = manifest.pushed_at
    database.executemany(_ADD_TAG, [(repository, tag, digest, now) for tag in tags])
    database.execute(_PUSHED, (now, repository))


def artifact_type(content: Manifest | Index) -> str:
    """What a referrer is listed as: its own word, else its config's media type."""
    if content.artifact_type or isinstance(content, Index):
        return content.artifact_type
    return content.config.media_type


@dataclass(frozen=True, slots=True)
class Needed:
    """The digests that must be in the repository before a manifest may be stored."""

    blobs: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()


def remove_manifest(database: sqlite3.Connection, place: Place, digest: Digest) -> bool:
    """Remove a manifest and the tags that point at it; False when it was not there."""
    gone = database.execute(
        "DELETE FROM manifest WHERE repository_id = ? AND digest = ?",
        (_find(database, place), str(digest)),
    )
    return gone.rowcount > 0


def remove_tag(database: sqlite3.Connection, place: Place, tag: str) -> bool:
    """Remove a tag and leave its manifest; False when it was not there."""
    gone = database.execute(
        "DELETE FROM tag WHERE repository_id = ? AND name = ?", (_find(database, place), tag)
    )
    return gone.rowcount > 0


def remove_repositories(database: sqlite3.Connection, places: Iterable[Place]) -> int:
    """Remove repositories with all they hold, and say how many there were; the blobs wait for
    `forget_unreferenced`.
    """
    gone = database.executemany(
        "DELETE FROM repository WHERE instance_id = ? AND name = ?",
        [(place.instance_id, place.repository) for place in places],
    )
    return gone.rowcount


def remove_instance(database: sqlite3.Connection, instance_id: str) -> None:
    """Remove all repositories and uploads of an instance."""
    for table in ("repository", "upload"):
        database.execute(f"DELETE FROM {table} WHERE instance_id = ?", (instance_id,))  # noqa: S608  # two names from here


def forget_unreferenced(database: sqlite3.Connection) -> tuple[Digest, ...]:
    """Strike out the blobs that no repository has, and name them: their files may go."""
    rows = database.execute(_FORGET_UNREFERENCED).fetchall()
    return tuple(Digest.parse(name) for (name,) in rows)


def _repository(database: sqlite3.Connection, place: Place) -> int:
    database.execute(_ADD_REPOSITORY, (place.instance_id, place.repository))
    found = _find(database, place)
    assert found is not None, "it was just inserted"
    return found


def _find(database: sqlite3.Connection, place: Place) -> int | None:
    row = database.execute(_FIND_REPOSITORY, (place.instance_id, place.repository)).fetchone()
    return None if row is None else int(row[0])


def _exists(database: sqlite3.Connection, question: str, repository: int, name: str) -> bool:
    return database.execute(question, (repository, name)).fetchone() is not None


def _add_to_repository(database: sqlite3.Connection, place: Place, name: str) -> None:
    database.execute(
        "INSERT OR IGNORE INTO repository_blob (repository_id, digest) VALUES (?, ?)",
        (_repository(database, place), name),
    )
