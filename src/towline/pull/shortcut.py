"""A way past the fetching of layers, where there is one.

Beside an image its registry may have what makes layers usable before they are here. Whoever knows
such a thing is asked once for each image, after its manifest and before its layers; what he takes
is not fetched by the pull. He never makes a pull fail: what he does not take is fetched as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor, Index, InvalidManifest, parse_manifest
from towline.oci.media_type import OCI_INDEX
from towline.oci.reference import Reference
from towline.pull.attempt import OK, Record, Step, StepKind
from towline.pull.conversation import MAX_ERROR_BODY, Conversation
from towline.pull.failure import CauseRaised
from towline.pull.keyring import Login
from towline.pull.layers import Layer
from towline.pull.wire import Transport

MAX_REFERRERS = 4 * 1024 * 1024  # what the distribution specification asks a registry to take


class NotThere(Exception):
    """What would have been a shortcut is not there, or is not what it claims to be."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An image whose layers are about to be fetched."""

    reference: Reference
    login: Login | None
    """With which the registry gave the manifest."""
    transport: Transport
    """How the registry is spoken to."""
    manifest: Descriptor
    """Of the platform's own manifest."""
    layers: tuple[Layer, ...]


class IndexReader(Protocol):
    """Reads what a registry has beside the offered image, with the same login."""

    async def referrers(self, artifact_type: str) -> tuple[Descriptor, ...]:
        """What refers to the image and is of this type; raises `NotThere`."""
        ...

    async def content(self, descriptor: Descriptor, limit: int) -> bytes:
        """Something small, whose digest has been verified; raises `NotThere`."""
        ...


class Shortcut(Protocol):
    """Makes layers usable that are not here."""

    async def take(self, offer: Offer, reader: IndexReader) -> frozenset[Digest]:
        """Those of the image's layers, by diff ID, that may be used from now on as if they were
        here. Raises `NotThere` for none, with the reason.
        """
        ...


class NoShortcut:
    """Takes nothing."""

    async def take(self, offer: Offer, reader: IndexReader) -> frozenset[Digest]:
        """See `Shortcut`."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class Beside:
    """Implements `IndexReader` over the conversation of a pull."""

    talk: Conversation
    subject: Digest

    async def referrers(self, artifact_type: str) -> tuple[Descriptor, ...]:
        """See `IndexReader`. A registry that does not filter is filtered here."""
        path = f"referrers/{self.subject}?artifactType={quote(artifact_type, safe='')}"
        content = await self._answer(path, OCI_INDEX, MAX_REFERRERS)
        try:
            found = parse_manifest(content, OCI_INDEX)
        except InvalidManifest as error:
            raise NotThere(error.cause) from error
        assert isinstance(found, Index), "this media type is an index's"
        return tuple(one for one in found.manifests if one.artifact_type == artifact_type)

    async def content(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `IndexReader`."""
        if not 0 < descriptor.size <= limit:
            raise NotThere(f"{descriptor.digest} has {descriptor.size} bytes")
        folder = "manifests" if "manifest" in descriptor.media_type else "blobs"
        path = f"{folder}/{descriptor.digest}"
        content = await self._answer(path, descriptor.media_type, descriptor.size)
        if Digest.of(content, descriptor.digest.algorithm) != descriptor.digest:
            raise NotThere(f"{descriptor.digest} has other bytes than its digest")
        return content

    async def _answer(self, path: str, media_type: str, limit: int) -> bytes:
        url = self.talk.url(path)
        try:
            reply = await self.talk.request("GET", url, (("Accept", f"{media_type}, */*"),))
            wanted = reply.answer.status == 200
            content = await self.talk.read(reply, limit + 1 if wanted else MAX_ERROR_BODY)
        except CauseRaised as raised:
            raise NotThere(f"{url}: {type(raised.cause).__name__}") from raised
        if not wanted or len(content) > limit:
            raise NotThere(f"{url}: {reply.answer.status_line}")
        return content


async def taken(
    shortcut: Shortcut, offer: Offer, talk: Conversation, record: Record
) -> frozenset[Digest]:
    """Which layers need not be fetched; what came of asking is written down as a step."""
    target = str(offer.manifest.digest)
    try:
        found = await shortcut.take(offer, Beside(talk, offer.manifest.digest))
    except NotThere as error:
        record.add(Step(StepKind.SHORTCUT, target, "none", str(error)))
        return frozenset()
    if found:
        detail = f"{len(found)} of {len(offer.layers)} layers"
        record.add(Step(StepKind.SHORTCUT, target, OK, detail))
    return found
