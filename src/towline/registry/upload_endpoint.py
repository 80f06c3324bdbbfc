"""Uploads: in one request or in many, in pieces with or without numbers, or not at all because
the instance has the blob already.

Every answer tells how much has arrived, and that much is on the disk: a client that was cut off asks
and goes on from there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from towline.content.blobs import WrongDigest
from towline.oci.digest import Algorithm, Digest
from towline.oci.error_code import ErrorCode
from towline.registry import change
from towline.registry.answer import Answer, Disconnected, Headers, Refusal, header
from towline.registry.byte_range import Part, sent_part
from towline.registry.call import Call, read_digest
from towline.registry.catalogue import Catalogue
from towline.registry.change import Place
from towline.registry.journal import Journal
from towline.registry.uploads import Upload, Uploads
from towline.registry.vault import Vault


class UploadEndpoint:
    """The uploads into all repositories."""

    def __init__(
        self, uploads: Uploads, vault: Vault, catalogue: Catalogue, journal: Journal
    ) -> None:
        self._uploads = uploads
        self._vault = vault
        self._catalogue = catalogue
        self._journal = journal

    def began(self, place: Place, id_: str) -> float | None:
        """When an upload began, if there is one."""
        upload = self._uploads.find(place, id_)
        return None if upload is None else upload.started_at

    async def start(self, call: Call) -> Answer:
        """Begin an upload; or mount the blob, or take it from the body, and be done."""
        request = call.request
        if (mounted := request.query("mount")) is not None:
            digest = read_digest(mounted)
            if await self._mount(call, digest):
                return _created(call, digest)
        elif (named := request.query("digest")) is not None:
            return await self._take_at_once(call, read_digest(named))
        upload = await self._uploads.start(
            call.place, _algorithm(request.query("digest-algorithm"))
        )
        return Answer(HTTPStatus.ACCEPTED, _progress(call, upload))

    async def append(self, call: Call) -> Answer:
        """Take the next piece of an upload."""
        async with self._held(call) as upload:
            await self._receive(call, upload)
            await self._vault.settle(upload.draft)
            return Answer(HTTPStatus.ACCEPTED, _progress(call, upload))

    async def finish(self, call: Call) -> Answer:
        """Take the last piece, if there is one, and make the upload a blob."""
        digest = read_digest(call.request.query("digest") or "")
        async with self._held(call) as upload:
            await self._receive(call, upload)
            try:
                await self._vault.keep(upload.draft, call.place, digest, upload.ending())
            except WrongDigest as wrong:
                await self._uploads.cancel(upload)
                raise _mismatch(wrong) from None
            self._uploads.forget(upload)
        return _created(call, digest)

    async def status(self, call: Call) -> Answer:
        """Tell how much has arrived."""
        return Answer(HTTPStatus.NO_CONTENT, _progress(call, self._find(call)))

    async def cancel(self, call: Call) -> Answer:
        """Drop an upload."""
        async with self._held(call) as upload:
            await self._uploads.cancel(upload)
        return Answer(HTTPStatus.NO_CONTENT)

    async def _mount(self, call: Call, digest: Digest) -> bool:
        """Take over a blob from a repository that the caller may pull from.

        All else is an upload: a caller never learns what is in repositories that it may not read.
        """
        instance_id = call.place.instance_id
        named = call.request.query("from")
        if named is not None:
            candidates: tuple[Place, ...] = (Place(instance_id, named),)
        else:
            candidates = self._catalogue.holders(instance_id, str(digest))
        may_pull = call.gate.readable(call.grant)
        sources = [place for place in candidates if may_pull(place.repository)]
        if not sources:
            return False
        return await self._journal.write(
            lambda database: change.mount_blob(database, sources, call.place, str(digest))
        )

    async def _take_at_once(self, call: Call, digest: Digest) -> Answer:
        upload = self._uploads.draft(call.place, digest.algorithm)
        try:
            await self._vault.receive(call.request, upload.draft)
            await self._vault.keep(upload.draft, call.place, digest, upload.ending())
        except WrongDigest as wrong:
            raise _mismatch(wrong) from None
        finally:
            upload.draft.close()
            self._vault.blobs.discard(upload.id)
        return _created(call, digest)

    async def _receive(self, call: Call, upload: Upload) -> None:
        """Append the body, after a look at which piece it says it is."""
        stated = call.request.header(b"content-range")
        if stated is not None and not _fits(sent_part(stated), call, upload):
            raise Refusal(ErrorCode.RANGE_INVALID, headers=_progress(call, upload))
        try:
            await self._vault.receive(call.request, upload.draft)
        except Disconnected:
            await self._vault.settle(upload.draft)
            raise
        finally:
            upload.draft.close()

    def _find(self, call: Call) -> Upload:
        upload = self._uploads.find(call.place, call.reference)
        if upload is None:
            raise Refusal(ErrorCode.BLOB_UPLOAD_UNKNOWN)
        return upload

    @asynccontextmanager
    async def _held(self, call: Call) -> AsyncIterator[Upload]:
        """The upload, for this request alone. A client that was cut off comes back before the old
        connection is known to be dead, and then has to wait.
        """
        upload = self._find(call)
        async with upload.lock:
            yield self._find(call)


def _fits(part: Part | None, call: Call, upload: Upload) -> bool:
    if part is None or part.start != upload.draft.size:
        return False
    length = call.request.content_length
    return length is None or length == part.length


def _algorithm(stated: str | None) -> Algorithm:
    if stated is None:
        return Algorithm.SHA256
    try:
        return Algorithm(stated)
    except ValueError:
        message = f"digest algorithm {stated[:50]} is not supported"
        raise Refusal(ErrorCode.DIGEST_INVALID, message) from None


def _progress(call: Call, upload: Upload) -> Headers:
    """Where to go on, and what has arrived; 0-0 for nothing, by convention."""
    return (
        header("location", f"{call.repository_path}/blobs/uploads/{upload.id}"),
        header("range", f"0-{max(upload.draft.size - 1, 0)}"),
        header("docker-upload-uuid", upload.id),
    )


def _created(call: Call, digest: Digest) -> Answer:
    headers = (
        header("location", f"{call.repository_path}/blobs/{digest}"),
        header("docker-content-digest", digest),
    )
    return Answer(HTTPStatus.CREATED, headers)


def _mismatch(wrong: WrongDigest) -> Refusal:
    detail = {"digest": str(wrong.wanted), "computed": str(wrong.seen)}
    return Refusal(ErrorCode.DIGEST_INVALID, detail=detail)
