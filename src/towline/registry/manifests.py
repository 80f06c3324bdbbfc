"""Manifests: pull, push, delete. Served as the bytes that were pushed, whatever `Accept` says."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import msgspec

from towline.content.index_blob import ARTIFACT_TYPE
from towline.oci.digest import Algorithm, Digest
from towline.oci.error_code import ErrorCode
from towline.oci.manifest import (
    MAX_MANIFEST_SIZE,
    Descriptor,
    Index,
    InvalidManifest,
    Manifest,
    parse_manifest,
)
from towline.oci.media_type import (
    OCI_MANIFEST,
    is_index,
    is_manifest,
    is_non_distributable,
    without_parameters,
)
from towline.oci.reference import is_tag
from towline.registry import change, index_change
from towline.registry.answer import Answer, Refusal, header
from towline.registry.call import Call, read_digest
from towline.registry.catalogue import Catalogue
from towline.registry.journal import Journal

MAX_TAGS = 32  # of one push; the specification asks for ten


class _Stated(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = OCI_MANIFEST


class Manifests:
    """The manifests of all repositories."""

    def __init__(self, catalogue: Catalogue, journal: Journal, now: Callable[[], float]) -> None:
        self._catalogue = catalogue
        self._journal = journal
        self._now = now

    async def get(self, call: Call) -> Answer:
        """Serve a manifest by its tag or digest."""
        reference = call.reference
        found = self._catalogue.manifest(call.place, reference)
        if found is None:
            if ":" in reference:
                read_digest(reference)
            raise _unknown(call)
        headers = (
            (b"content-type", found.media_type.encode()),
            (b"docker-content-digest", found.digest.encode()),
        )
        return Answer(HTTPStatus.OK, headers, found.body)

    async def put(self, call: Call) -> Answer:
        """Store a manifest under a tag, or under its digest with any number of tags."""
        tags, named = _target(call)
        body = await call.request.body(MAX_MANIFEST_SIZE)
        digest = Digest.of(body, named.algorithm if named else Algorithm.SHA256)
        if named is not None and named != digest:
            raise Refusal(ErrorCode.DIGEST_INVALID, detail={"digest": str(named)})
        pushed = _read(call, body, digest, self._now())
        if change.artifact_type(pushed.content) == ARTIFACT_TYPE:
            # What is in it decides what a container sees, whatever digest its image was pinned to.
            raise Refusal(ErrorCode.DENIED, "layer indexes are made by the registry itself")
        needed = _needed(pushed.content)
        try:
            await self._journal.write(
                lambda database: change.put_manifest(database, call.place, pushed, needed, tags)
            )
        except change.Incomplete as incomplete:
            missing = [str(one) for one in incomplete.missing]
            raise Refusal(ErrorCode.MANIFEST_BLOB_UNKNOWN, detail={"missing": missing}) from None
        self._catalogue.drop(call.place)
        return _stored(call, pushed, tags if named else ())

    async def delete(self, call: Call) -> Answer:
        """Remove a tag, or a manifest with all its tags."""
        reference, place = call.reference, call.place
        if ":" in reference:
            digest = read_digest(reference)
            gone = await self._journal.write(
                lambda database: index_change.remove_image(database, place, digest)
            )
        else:
            gone = await self._journal.write(
                lambda database: change.remove_tag(database, place, reference)
            )
        self._catalogue.drop(place)
        if not gone:
            raise _unknown(call)
        return Answer(HTTPStatus.ACCEPTED)


def _unknown(call: Call) -> Refusal:
    detail = {"name": call.place.repository, "reference": call.reference[:300]}
    return Refusal(ErrorCode.MANIFEST_UNKNOWN, detail=detail)


def _target(call: Call) -> tuple[tuple[str, ...], Digest | None]:
    """The tags of a push, and the digest if it is pushed by that."""
    tags: tuple[str, ...] = (call.reference,)
    named = None
    if ":" in call.reference:
        tags = tuple(dict.fromkeys(call.request.query_all("tag")))
        named = read_digest(call.reference)
    if len(tags) > MAX_TAGS:
        message = f"at most {MAX_TAGS} tags at once"
        raise Refusal(ErrorCode.TAG_INVALID, message, status=HTTPStatus.REQUEST_URI_TOO_LONG)
    for tag in tags:
        if not is_tag(tag):
            raise Refusal(ErrorCode.TAG_INVALID, "invalid tag", detail={"tag": tag[:300]})
    return tags, named


def _read(call: Call, body: bytes, digest: Digest, now: float) -> change.PushedManifest:
    stated = without_parameters(call.request.header(b"content-type") or "")
    try:
        media_type = stated or msgspec.json.decode(body, type=_Stated).media_type
        content = parse_manifest(body, media_type)
    except (InvalidManifest, msgspec.MsgspecError, UnicodeDecodeError) as error:
        reason = error.reason if isinstance(error, InvalidManifest) else str(error)
        raise Refusal(ErrorCode.MANIFEST_INVALID, f"manifest invalid: {reason}") from error
    return change.PushedManifest(digest, media_type, body, content, now)


def _needed(content: Manifest | Index) -> change.Needed:
    """What must be here already. A subject need not, nor layers that may not be distributed."""
    if isinstance(content, Manifest):
        parts = (content.config, *content.layers)
        return change.Needed(blobs=tuple(str(part.digest) for part in parts if _is_kept(part)))
    manifests, blobs = list[str](), list[str]()
    for part in content.manifests:
        listed = is_manifest(part.media_type) or is_index(part.media_type)
        (manifests if listed else blobs).append(str(part.digest))
    return change.Needed(tuple(blobs), tuple(manifests))


def _is_kept(part: Descriptor) -> bool:
    return not part.urls and not is_non_distributable(part.media_type)


def _stored(call: Call, pushed: change.PushedManifest, tags: tuple[str, ...]) -> Answer:
    subject = pushed.content.subject
    headers = (
        header("location", f"{call.repository_path}/manifests/{pushed.digest}"),
        header("docker-content-digest", pushed.digest),
        *(header("oci-tag", tag) for tag in tags),
        *((header("oci-subject", subject.digest),) if subject else ()),
    )
    return Answer(HTTPStatus.CREATED, headers)
