"""Blobs: pull them, wholly or in part, and take them out of a repository."""

from __future__ import annotations

from http import HTTPStatus

from towline.content.blobs import BlobStore
from towline.oci.error_code import ErrorCode
from towline.registry import change
from towline.registry.answer import Answer, FileAnswer, Refusal, header
from towline.registry.byte_range import Unsatisfiable, wanted_part
from towline.registry.call import Call, read_digest
from towline.registry.catalogue import Catalogue
from towline.registry.journal import Journal

_OCTETS = (b"content-type", b"application/octet-stream")
_RANGES = (b"accept-ranges", b"bytes")


class BlobEndpoint:
    """The blobs of all repositories. A repository shows only its own, though files are shared."""

    def __init__(self, catalogue: Catalogue, journal: Journal, blobs: BlobStore) -> None:
        self._catalogue = catalogue
        self._journal = journal
        self._blobs = blobs

    async def get(self, call: Call) -> FileAnswer:
        """Serve a blob."""
        digest = read_digest(call.reference)
        size = self._catalogue.blob_size(call.place, call.reference)
        if size is None:
            raise _unknown(call)
        headers = (_OCTETS, _RANGES, (b"docker-content-digest", call.reference.encode()))
        path, request = self._blobs.path(digest), call.request
        # Blobs have no validator but their name, so a conditional range is never the same blob.
        conditional = b"if-range" in request.headers or request.method != "GET"
        try:
            part = None if conditional else wanted_part(request.header(b"range"), size)
        except Unsatisfiable:
            total = header("content-range", f"bytes */{size}")
            raise Refusal(ErrorCode.RANGE_INVALID, headers=(total,)) from None
        if part is None:
            return FileAnswer(HTTPStatus.OK, headers, path, 0, size, is_whole=True)
        shown = header("content-range", f"bytes {part.start}-{part.last}/{size}")
        status = HTTPStatus.PARTIAL_CONTENT
        return FileAnswer(status, (*headers, shown), path, part.start, part.length, is_whole=False)

    async def delete(self, call: Call) -> Answer:
        """Take a blob out of the repository."""
        digest = read_digest(call.reference)
        gone = await self._journal.write(
            lambda database: change.remove_blob(database, call.place, digest)
        )
        if not gone:
            raise _unknown(call)
        return Answer(HTTPStatus.ACCEPTED)


def _unknown(call: Call) -> Refusal:
    return Refusal(ErrorCode.BLOB_UNKNOWN, detail={"digest": call.reference[:300]})
