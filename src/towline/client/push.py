"""An image sent to a registry: what is missing there, then the manifests, then the tag."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from towline.client.archive import open_archive, scratch_folder
from towline.client.image_source import Blob, Document, ImageSource, read_image
from towline.client.registry_access import RegistryAccess
from towline.linux.wire import SocketWire
from towline.oci.digest import Digest
from towline.oci.error_code import ErrorCode, read_errors
from towline.oci.reference import Reference
from towline.oci.scope import Scope, repository_scope
from towline.pull.attempt import Record
from towline.pull.conversation import MAX_ERROR_BODY, Conversation, Purpose
from towline.pull.failure import Cause, CauseRaised, UnexpectedStatus
from towline.pull.message import push_text, server_message
from towline.pull.progress import Phase, Progress
from towline.pull.visit import Reply, Visits
from towline.pull.wire import Content, Url

BLOBS_AT_ONCE = 3


class PushFailed(Exception):
    """The registry does not have the image now. The text says why.

    `is_place_unknown` tells that the registry has no such place to push to.
    """

    def __init__(self, cause: Cause, text: str, *, is_place_unknown: bool) -> None:
        super().__init__(text)
        self.cause = cause
        self.is_place_unknown = is_place_unknown


@dataclass(frozen=True, slots=True)
class PushWish:
    """What is to be pushed where, and how the registry is reached."""

    path: Path
    reference: Reference
    access: RegistryAccess
    mount_from: tuple[str, ...] = ()
    """Repositories of the same registry that may have some of the layers."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What happened."""

    reference: Reference
    digest: Digest
    uploaded: int
    mounted: int
    present: int


def push_image(wish: PushWish, progress: Progress) -> Pushed:
    """Send an image; raises `PushFailed` or `Problem`."""
    with scratch_folder() as scratch:
        source = read_image(open_archive(wish.path, scratch), wish.reference, scratch)
        return asyncio.run(_push(wish, source, progress))


async def _push(wish: PushWish, source: ImageSource, progress: Progress) -> Pushed:
    reference, wire = wish.reference, SocketWire(ca_file=wish.access.ca_file)
    record = Record(reference, None)
    policy = wish.access.policy(reference)
    transport = policy.transport(reference.domain)
    visits = Visits(wire, record, transport, policy.pins, policy.proxies)
    try:
        await visits.settle(_registry(visits, reference))
        logins = wish.access.keyring(reference).lookup(str(reference)) or (None,)
        purpose = Purpose(
            _registry(visits, reference), reference.repository, logins[0], _scopes(wish)
        )
        return await _Push(wish, Conversation(visits, record, purpose), progress).run(source)
    except CauseRaised as raised:
        text = push_text(raised.cause, reference)
        is_place_unknown = isinstance(raised, _PlaceUnknown)
        raise PushFailed(raised.cause, text, is_place_unknown=is_place_unknown) from raised
    finally:
        visits.close()
        wire.close()


def _registry(visits: Visits, reference: Reference) -> Url:
    url = Url.parse(f"{visits.scheme}://{reference.host}/")
    assert url is not None, "a reference's host is a host"
    return url


def _scopes(wish: PushWish) -> tuple[Scope, ...]:
    own = repository_scope(wish.reference.repository, "pull", "push")
    return (own, *(repository_scope(name, "pull") for name in wish.mount_from))


class _PlaceUnknown(CauseRaised):
    """The registry's answer that it has no such place."""


class _Push:
    def __init__(self, wish: PushWish, talk: Conversation, progress: Progress) -> None:
        self._wish = wish
        self._talk = talk
        self._progress = progress
        self._counts = {"uploaded": 0, "mounted": 0, "present": 0}

    async def run(self, source: ImageSource) -> Pushed:
        for blob in source.blobs.values():
            self._report(blob, Phase.WAITING, 0)
        gate = asyncio.Semaphore(BLOBS_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for blob in source.blobs.values():
                    group.create_task(self._blob(blob, gate))
        # Not `except*`: before Python 3.11.4 it wraps what is raised in it.
        except BaseExceptionGroup as failures:
            raised, defects = failures.split(CauseRaised)
            if raised is None or defects is not None:
                raise
            raise _first(raised) from None
        for document in source.documents[:-1]:
            await self._document(document, str(document.digest))
        last = source.documents[-1]
        await self._document(last, self._wish.reference.target)
        return Pushed(self._wish.reference, last.digest, **self._counts)

    async def _blob(self, blob: Blob, gate: asyncio.Semaphore) -> None:
        async with gate:
            outcome = await self._settled(blob)
        self._counts[outcome] += 1
        phase = Phase.DONE if outcome == "uploaded" else Phase.PRESENT
        self._report(blob, phase, blob.content.size)

    async def _settled(self, blob: Blob) -> str:
        """See that the registry has a blob, and say how it got it."""
        head = await self._ask("HEAD", self._talk.url(f"blobs/{blob.digest}"), (200, 404))
        if head.answer.status == 200:
            return "present"
        session = await self._session(blob)
        if session is None:
            return "mounted"
        sign = "&" if "?" in session.target else "?"
        url = session.with_target(f"{session.target}{sign}{urlencode({'digest': blob.digest})}")
        content = replace(blob.content, report=lambda have: self._moving(blob, have))
        await self._ask("PUT", url, (201, 204), content)
        return "uploaded"

    async def _session(self, blob: Blob) -> Url | None:
        """Where to send a blob; None when the registry has found it in another repository."""
        url, reply = self._talk.url("blobs/uploads/"), None
        for repository in self._wish.mount_from or (None,):
            query = {"mount": blob.digest, **({"from": repository} if repository else {})}
            mount = url.with_target(f"{url.target}?{urlencode(query)}")
            reply = await self._ask("POST", mount, (201, 202))
            if reply.answer.status == 201:
                return None
        assert reply is not None, "at least one question was asked"
        session = url.join(reply.answer.header("location"))
        if session is None:
            raise CauseRaised(_status(reply, "POST", "the answer says not where to upload"))
        return session

    async def _document(self, document: Document, target: str) -> None:
        url = self._talk.url(f"manifests/{target}")
        headers = (("Content-Type", document.media_type),)
        await self._ask("PUT", url, (200, 201), document.content, headers)

    async def _ask(
        self,
        method: str,
        url: Url,
        wanted: tuple[int, ...],
        content: Content = b"",
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/octet-stream"),),
    ) -> Reply:
        reply = await self._talk.request(method, url, headers, content)
        body = await self._talk.read(reply, MAX_ERROR_BODY)
        if reply.answer.status not in wanted:
            errors = read_errors(body)
            words = server_message((entry.code, entry.message) for entry in errors)
            unknown = any(entry.code == ErrorCode.NAME_UNKNOWN.name for entry in errors)
            raised = _PlaceUnknown if unknown else CauseRaised
            raise raised(_status(reply, method, words))
        return reply

    def _moving(self, blob: Blob, have: int) -> None:
        self._report(blob, Phase.TRANSFERRING, have)

    def _report(self, blob: Blob, phase: Phase, have: int) -> None:
        self._progress.layer(blob.digest, phase, have, blob.content.size)


def _status(reply: Reply, method: str, server_words: str) -> UnexpectedStatus:
    return UnexpectedStatus(method, str(reply.url), reply.answer.status_line, server_words)


def _first(group: BaseExceptionGroup[CauseRaised]) -> CauseRaised:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
