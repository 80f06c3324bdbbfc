"""What the database is asked and told of layer indexes.

An image's index is a manifest beside it whose subject it is. The indexes of two images of a
repository share the blobs of the layers that the images share.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from towline.content.index_blob import ARTIFACT_TYPE, LAYER_ANNOTATION
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor, Manifest, parse_manifest
from towline.oci.media_type import CONFIGS, MANIFESTS, OCI_EMPTY, OCI_MANIFEST
from towline.registry import change
from towline.registry.change import Needed, Place, PushedManifest

_WITHOUT_INDEX = f"""
    SELECT image.id, instance_id, name, image.digest, image.media_type, image.body
    FROM manifest AS image JOIN repository ON repository.id = image.repository_id
    WHERE image.id > ? AND image.media_type IN ({", ".join("?" * len(MANIFESTS))})
        AND artifact_type IN ({", ".join("?" * len(CONFIGS))}) AND NOT EXISTS
            (SELECT 1 FROM manifest AS other WHERE other.repository_id = image.repository_id
             AND other.subject = image.digest AND other.artifact_type = ?)
    ORDER BY image.id LIMIT 1
"""  # noqa: S608  # question marks
_INDEX_OF_LAYER = """
    SELECT body FROM repository JOIN manifest ON repository_id = repository.id
    WHERE instance_id = ? AND name = ? AND artifact_type = ? AND instr(body, ?) LIMIT 1
"""
_HAS_SUBJECT = """
    SELECT updated_at FROM repository JOIN manifest ON repository_id = repository.id
    WHERE instance_id = ? AND name = ? AND digest = ?
"""


_REPOSITORY = "(SELECT id FROM repository WHERE instance_id = ?1 AND name = ?2)"
_REMOVE_INDEX = f"""
    DELETE FROM manifest WHERE repository_id = {_REPOSITORY} AND subject = ?3 AND artifact_type = ?4
    RETURNING body
"""  # noqa: S608  # a constant
_FORGET = f"""
    DELETE FROM repository_blob WHERE repository_id = {_REPOSITORY} AND digest = ?3 AND NOT EXISTS
        (SELECT 1 FROM manifest
         WHERE repository_id = {_REPOSITORY} AND instr(body, CAST(?3 AS BLOB)))
"""  # noqa: S608  # a constant
EMPTY = b"{}"
CONFIG = Descriptor(OCI_EMPTY, Digest.of(EMPTY), len(EMPTY))
"""The config of an index: it has none."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image in the registry that has no index yet."""

    number: int
    """In the order in which images came."""
    place: Place
    subject: Descriptor
    manifest: Manifest


def next_without_index(database: sqlite3.Connection, after: int) -> Image | None:
    """The first image without an index that came after this number."""
    asked = (after, *sorted(MANIFESTS), *sorted(CONFIGS), ARTIFACT_TYPE)
    row = database.execute(_WITHOUT_INDEX, asked).fetchone()
    if row is None:
        return None
    number, instance_id, name, digest, media_type, body = row
    manifest = parse_manifest(body, media_type)
    assert isinstance(manifest, Manifest), "media types of manifests are asked for"
    subject = Descriptor(media_type, Digest.parse(digest), len(body))
    return Image(number, Place(instance_id, name), subject, manifest)


def indexed_layer(
    database: sqlite3.Connection, place: Place, layer: Descriptor
) -> tuple[Descriptor, ...]:
    """The blobs of the index that a repository already has of a layer."""
    asked = (place.instance_id, place.repository, ARTIFACT_TYPE, str(layer.digest).encode())
    row = database.execute(_INDEX_OF_LAYER, asked).fetchone()
    return () if row is None else of_layer(row[0], layer)


def of_layer(body: bytes, layer: Descriptor) -> tuple[Descriptor, ...]:
    """The blobs of an image's index that are for one layer."""
    artifact = parse_manifest(body, OCI_MANIFEST)
    assert isinstance(artifact, Manifest), "indexes are of this media type"
    name = str(layer.digest)
    return tuple(one for one in artifact.layers if one.annotations.get(LAYER_ANNOTATION) == name)


def put_index(database: sqlite3.Connection, image: Image, blobs: Sequence[Descriptor]) -> bool:
    """Put an index beside its image; False when the image has gone meanwhile. The repository does
    not count as pushed to.
    """
    place = image.place
    asked = (place.instance_id, place.repository, str(image.subject.digest))
    row = database.execute(_HAS_SUBJECT, asked).fetchone()
    if row is None:
        _forget(database, place, blobs)
        return False
    body = _body(image.subject, blobs)
    content, digest = parse_manifest(body, OCI_MANIFEST), Digest.of(body)
    pushed = PushedManifest(digest, OCI_MANIFEST, body, content, row[0])
    needed = Needed(tuple(str(one.digest) for one in (CONFIG, *blobs)))
    change.put_manifest(database, place, pushed, needed, ())
    return True


def _body(subject: Descriptor, blobs: Sequence[Descriptor]) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": _written(CONFIG),
        "layers": [_written(one) for one in blobs],
        "subject": _written(subject),
    }
    return msgspec.json.encode(document)


def _written(descriptor: Descriptor) -> dict[str, object]:
    written: dict[str, object] = {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }
    if descriptor.annotations:
        written["annotations"] = dict(descriptor.annotations)
    return written


def remove_image(database: sqlite3.Connection, place: Place, digest: Digest) -> bool:
    """Remove a manifest, the tags that point at it, and its index with those of its blobs that
    nothing else names; False when it was not there.
    """
    asked = (place.instance_id, place.repository, str(digest), ARTIFACT_TYPE)
    gone = database.execute(_REMOVE_INDEX, asked).fetchall()
    for (body,) in gone:
        artifact = parse_manifest(body, OCI_MANIFEST)
        assert isinstance(artifact, Manifest), "indexes are of this media type"
        _forget(database, place, artifact.layers)
    return change.remove_manifest(database, place, digest)


def _forget(database: sqlite3.Connection, place: Place, blobs: Sequence[Descriptor]) -> None:
    names = [(place.instance_id, place.repository, str(blob.digest)) for blob in blobs]
    database.executemany(_FORGET, names)
