"""How an image is fetched: reference, manifest, config, layers.

The order of the questions is containerd 1.7's, because registries and their logs expect it: HEAD
the manifest to learn its digest, fetch the manifest by that digest, choose the platform's manifest
from an index, fetch the config, then the layers, several at once. Every login that matches is tried
in turn, and every step is written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from towline.oci.digest import Digest, InvalidDigest
from towline.oci.error_code import read_errors
from towline.oci.image_config import ImageConfig, InvalidImageConfig
from towline.oci.manifest import Descriptor, Index, InvalidManifest, Manifest, parse_manifest
from towline.oci.media_type import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    DOCKER_SCHEMA1,
    OCI_INDEX,
    OCI_MANIFEST,
    is_index,
    is_manifest,
    layer_compression,
    without_parameters,
)
from towline.oci.platform import Platform, choose
from towline.oci.reference import Reference
from towline.pull.attempt import OK, Attempt, PullFailed, Record, Step, StepKind
from towline.pull.blob import Blob
from towline.pull.conversation import MAX_ERROR_BODY, Conversation, Purpose
from towline.pull.failure import (
    CauseRaised,
    ContentNotFound,
    ContentTooLong,
    ContentTooShort,
    CopyBroken,
    DigestDiffers,
    Failed,
    Failure,
    InvalidDigestHeader,
    LayerCountDiffers,
    ManifestNotFound,
    ManifestTooLarge,
    NoPlatform,
    Place,
    RequestFailed,
    SizeZero,
    UnexpectedMediaType,
    UnexpectedStatus,
    Unreadable,
)
from towline.pull.keyring import Keyring, Login
from towline.pull.layers import Layer, Layers, Receipt
from towline.pull.message import content_ref, kubelet_text, rpc_code, server_message
from towline.pull.policy import RegistryPolicy
from towline.pull.progress import Phase, Progress
from towline.pull.shortcut import NoShortcut, Offer, Shortcut, taken
from towline.pull.visit import Reply, Visits
from towline.pull.wire import Transport, Url, Wire

LAYERS_AT_ONCE = 3  # containerd's max_concurrent_downloads
MAX_MANIFEST_SIZE = 4 * 1048 * 1048  # containerd's MaxManifestSize, spelled as it is there
MAX_CONFIG_SIZE = 8 * 1024 * 1024
MAX_INDEX_DEPTH = 4
_MANIFEST_TYPES = (DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_MANIFEST, OCI_INDEX, "*/*")
_ACCEPT_MANIFESTS = ", ".join(_MANIFEST_TYPES)
_NO_MEDIA_TYPE = frozenset({"", "text/plain"})
_NO_SHORTCUT = NoShortcut()


@dataclass(frozen=True, slots=True)
class PulledImage:
    """An image whose layers are all here, or may be used as if they were."""

    reference: Reference
    digest: Digest
    """What the reference means: the digest of the manifest, or of the index it was chosen from."""
    size: int
    """Compressed bytes."""
    config: ImageConfig
    diff_ids: tuple[Digest, ...]
    attempts: tuple[Attempt, ...] = ()
    """How it was got, the successful try last."""
    receipts: Mapping[Digest, Receipt] = field(default_factory=dict)
    """What each layer took, by diff ID."""


async def pull(  # the seam of the sandbox and the command line
    reference: Reference,
    policy: RegistryPolicy,
    keyring: Keyring,
    *,
    wire: Wire,
    layers: Layers,
    platform: Platform,
    progress: Progress,
    shortcut: Shortcut = _NO_SHORTCUT,
) -> PulledImage:
    """Fetch an image with the first login that gets it; raises `PullFailed`."""
    means = _Means(wire, layers, platform, progress, shortcut)
    attempts = list[Attempt]()
    for login in keyring.lookup(str(reference)) or (None,):
        record = Record(reference, login.username if login else None)
        try:
            image = await _try(_Try(reference, policy, login, record), means)
        except Failed as failed:
            attempts.append(record.closed(failed.failure))
            if isinstance(failed.failure.cause, RequestFailed):
                break  # nobody asked who we are: another login meets the same
        else:
            return replace(image, attempts=(*attempts, record.closed(None)))
    code = rpc_code(failure) if (failure := attempts[-1].failure) else "Unknown"
    raise PullFailed(tuple(attempts), code, kubelet_text(attempts))


@dataclass(frozen=True, slots=True)
class _Means:
    wire: Wire
    layers: Layers
    platform: Platform
    progress: Progress
    shortcut: Shortcut


@dataclass(frozen=True, slots=True)
class _Try:
    reference: Reference
    policy: RegistryPolicy
    login: Login | None
    record: Record


async def _try(attempt: _Try, means: _Means) -> PulledImage:
    reference = attempt.reference
    policy = attempt.policy
    transport = policy.transport(reference.domain)
    visits = Visits(means.wire, attempt.record, transport, policy.pins, policy.proxies)
    try:
        url = _registry(visits, reference)
        await visits.settle(url)
        url = _registry(visits, reference)
        purpose = Purpose.pulling(url, reference.repository, attempt.login)
        talk = Conversation(visits, attempt.record, purpose)
        return await _Pull(attempt, means, talk).run(visits.transport)
    finally:
        visits.close()


def _registry(visits: Visits, reference: Reference) -> Url:
    url = Url.parse(f"{visits.scheme}://{reference.host}/")
    assert url is not None, "a reference's host is a host"
    return url


class _Pull:
    def __init__(self, attempt: _Try, means: _Means, talk: Conversation) -> None:
        self._reference = attempt.reference
        self._login = attempt.login
        self._record = attempt.record
        self._means = means
        self._talk = talk
        self._receipts = dict[Digest, Receipt]()

    async def run(self, transport: Transport) -> PulledImage:
        top = await self._resolve()
        descriptor, manifest, size = await self._manifest(top)
        config = await self._config(manifest.config)
        layers = tuple(layer for layer in manifest.layers if layer_compression(layer.media_type))
        if len(layers) != len(config.diff_ids):
            cause = LayerCountDiffers(len(layers), len(config.diff_ids))
            raise Failed(Failure(Place.UNPACK, cause))
        wanted = tuple(map(Layer, layers, config.diff_ids))
        offer = Offer(self._reference, self._login, transport, descriptor, wanted)
        usable = await taken(self._means.shortcut, offer, self._talk, self._record)
        await self._layers(tuple(layer for layer in wanted if layer.diff_id not in usable))
        size += manifest.config.size + sum(layer.size for layer in layers)
        return PulledImage(
            self._reference, top.digest, size, config, config.diff_ids, receipts=self._receipts
        )

    async def _resolve(self) -> Descriptor:
        path = f"manifests/{self._reference.target}"
        try:
            reply = await self._manifest_reply("HEAD", path)
            descriptor = _described(reply, self._reference)
            await self._talk.read(reply, MAX_ERROR_BODY)
            if descriptor is None:
                descriptor = await self._described_by_content(path)
            if descriptor.size > MAX_MANIFEST_SIZE:
                raise CauseRaised(ManifestTooLarge(descriptor.size))
        except CauseRaised as raised:
            raise Failed(Failure(Place.RESOLVE, raised.cause)) from raised
        return descriptor

    async def _manifest_reply(self, method: str, path: str) -> Reply:
        url = self._talk.url(path)
        reply = await self._talk.request(method, url, (("Accept", _ACCEPT_MANIFESTS),))
        status = reply.answer.status
        if status > 299:
            await self._talk.read(reply, MAX_ERROR_BODY)
            if status == 404:
                raise CauseRaised(ManifestNotFound())
            cause = UnexpectedStatus(method, str(reply.url), reply.answer.status_line)
            raise CauseRaised(cause)
        return reply

    async def _described_by_content(self, path: str) -> Descriptor:
        """For registries that do not send a digest or a length with a HEAD."""
        reply = await self._manifest_reply("GET", path)
        content = await self._talk.read(reply, MAX_MANIFEST_SIZE + 1)
        digest = self._reference.digest or Digest.of(content)
        return Descriptor(_media_type(reply), digest, len(content))

    async def _manifest(self, descriptor: Descriptor) -> tuple[Descriptor, Manifest, int]:
        """The manifest for our platform, and the size of all manifests that led to it."""
        size = 0
        for _ in range(MAX_INDEX_DEPTH):
            media_type = descriptor.media_type
            if not is_manifest(media_type) and not is_index(media_type):
                cause = UnexpectedMediaType(media_type, descriptor.digest)
                raise Failed(Failure(Place.UNPACK, cause))
            kind = "index" if is_index(media_type) else "manifest"
            content = await self._content(descriptor, kind, MAX_MANIFEST_SIZE)
            size += descriptor.size
            found = _read(content, descriptor)
            if isinstance(found, Manifest):
                return descriptor, found, size
            descriptor = self._chosen(found)
        raise Failed(Failure(Place.UNPACK, NoPlatform()))

    def _chosen(self, index: Index) -> Descriptor:
        chosen = choose(index.manifests, self._means.platform)
        if chosen is None:
            raise Failed(Failure(Place.UNPACK, NoPlatform()))
        return chosen

    async def _config(self, descriptor: Descriptor) -> ImageConfig:
        content = await self._content(descriptor, "config", MAX_CONFIG_SIZE)
        try:
            return ImageConfig.parse(content)
        except InvalidImageConfig as error:
            cause = Unreadable(f"unmarshal image config: {error.reason}")
            raise Failed(Failure(Place.UNPACK, cause)) from error

    async def _content(self, descriptor: Descriptor, kind: str, limit: int) -> bytes:
        """Fetch and verify something small."""
        if descriptor.size == 0:
            raise Failed(Failure(Place.UNPACK, SizeZero(descriptor.digest)))
        if descriptor.size > limit:
            detail = f"{kind} of {descriptor.size} bytes is larger than {limit}"
            raise Failed(Failure(Place.UNPACK, Unreadable(detail)))
        reply = await self._open(descriptor, ())
        try:
            content = await self._talk.read(reply, descriptor.size + 1)
        except CauseRaised as raised:
            fault = raised.cause.fault if isinstance(raised.cause, RequestFailed) else None
            cause = CopyBroken(fault) if fault else raised.cause
            raise Failed(Failure(Place.UNPACK, cause)) from raised
        _verify(content, descriptor, content_ref(kind, descriptor.digest))
        return content

    async def _open(self, descriptor: Descriptor, headers: tuple[tuple[str, str], ...]) -> Reply:
        """Ask for something by its digest; what is no success is an error."""
        media_type = descriptor.media_type
        folder = "manifests" if is_manifest(media_type) or is_index(media_type) else "blobs"
        url = self._talk.url(f"{folder}/{descriptor.digest}")
        try:
            accept = ("Accept", f"{media_type}, */*")
            reply = await self._talk.request("GET", url, (accept, *headers))
            if reply.answer.status <= 299:
                return reply
            content = await self._talk.read(reply, MAX_ERROR_BODY)
        except CauseRaised as raised:
            raise Failed(Failure(Place.FETCH, raised.cause)) from raised
        if reply.answer.status == 404:
            cause = ContentNotFound(descriptor.digest, media_type)
            raise Failed(Failure(Place.FETCH, cause))
        errors = server_message((entry.code, entry.message) for entry in read_errors(content))
        status = UnexpectedStatus("GET", str(reply.url), reply.answer.status_line, errors)
        raise Failed(Failure(Place.FETCH, status))

    async def _layers(self, layers: tuple[Layer, ...]) -> None:
        for layer in layers:
            self._report(layer, Phase.WAITING, 0)
        gate = asyncio.Semaphore(LAYERS_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for layer in sorted(layers, key=_size, reverse=True):  # the longest first
                    group.create_task(self._layer(layer, gate))
        # Not `except*`: before Python 3.11.4 it wraps what is raised in it.
        except BaseExceptionGroup as failures:
            failed, defects = failures.split(Failed)
            if failed is None or defects is not None:
                raise
            raise _first(failed) from None

    async def _layer(self, layer: Layer, gate: asyncio.Semaphore) -> None:
        if self._means.layers.has(layer.diff_id):
            self._report(layer, Phase.PRESENT, layer.descriptor.size)
            self._receipts[layer.diff_id] = Receipt(reused=layer.descriptor.size)
            return
        async with gate:
            began, digest = self._means.wire.now(), layer.descriptor.digest
            outcome = "failed"
            try:
                report = self._reporter(layer)
                blob = Blob(self._reference.host, layer.descriptor, self._open)
                receipt = await self._means.layers.add(layer, blob, report)
                self._receipts[layer.diff_id] = receipt
                outcome = OK
            finally:
                seconds = self._means.wire.now() - began
                size = str(layer.descriptor.size)
                step = Step(StepKind.LAYER, str(digest), outcome, size, began, seconds)
                self._record.add(step)
        self._report(layer, Phase.DONE, layer.descriptor.size)

    def _report(self, layer: Layer, phase: Phase, have: int) -> None:
        descriptor = layer.descriptor
        self._means.progress.layer(descriptor.digest, phase, have, descriptor.size)

    def _reporter(self, layer: Layer) -> Callable[[int], None]:
        def report(have: int) -> None:
            phase = Phase.TRANSFERRING if have < layer.descriptor.size else Phase.UNPACKING
            self._report(layer, phase, have)

        return report


def _described(reply: Reply, reference: Reference) -> Descriptor | None:
    """What the head of an answer says; None when it does not say enough."""
    size, text = reply.answer.length, reply.answer.header("docker-content-digest")
    if size is None or not (text or reference.digest):
        return None
    if reference.digest:
        return Descriptor(_media_type(reply), reference.digest, size)
    try:
        return Descriptor(_media_type(reply), Digest.parse(text), size)
    except InvalidDigest as error:
        raise CauseRaised(InvalidDigestHeader(text[:200])) from error


def _media_type(reply: Reply) -> str:
    media_type = without_parameters(reply.answer.header("content-type"))
    return DOCKER_SCHEMA1 if media_type in _NO_MEDIA_TYPE else media_type


def _read(content: bytes, descriptor: Descriptor) -> Manifest | Index:
    try:
        return parse_manifest(content, descriptor.media_type)
    except InvalidManifest as error:
        raise Failed(Failure(Place.UNPACK, Unreadable(error.reason))) from error


def _verify(content: bytes, descriptor: Descriptor, ref: str) -> None:
    seen = len(content)
    if seen < descriptor.size:
        raise Failed(Failure(Place.UNPACK, ContentTooShort(seen, descriptor.size)))
    if seen > descriptor.size:
        raise Failed(Failure(Place.UNPACK, ContentTooLong(ref, seen, descriptor.size)))
    digest = Digest.of(content, descriptor.digest.algorithm)
    if digest != descriptor.digest:
        raise Failed(Failure(Place.UNPACK, DigestDiffers(ref, digest, descriptor.digest)))


def _size(layer: Layer) -> int:
    return layer.descriptor.size


def _first(group: BaseExceptionGroup[Failed]) -> Failed:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
