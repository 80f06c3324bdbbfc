"""How an image cache is made: its images are pulled in a namespace of its own.

The namespace is in the subnet that the cache names, with its security groups and its public address,
as if it were a pod's; so its pull sees what a pod's would see. It is gone when the cache is made.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

import msgspec
import structlog

from towline.cluster.node.provider import PodIdentity
from towline.kube.annotations import (
    EIP_ATTRIBUTES,
    EIP_CLAIM_DELETE_POLICY,
    EIP_ID_LIST,
    REGISTRY_HTTP_ENDPOINT,
    REGISTRY_INSECURE_SKIP_VERIFY,
    RESOLV_CONF,
    SECURITY_GROUP_ID,
)
from towline.oci.digest import Digest
from towline.problem import Problem
from towline.pull.attempt import PullFailed
from towline.pull.flow import PulledImage
from towline.pull.keyring import Keyring, Login
from towline.resource.image_cache import (
    CachedImage,
    CacheEvent,
    CacheStatus,
    ImageCache,
    Surroundings,
)
from towline.sandbox.image_cache import ImageCaches
from towline.sandbox.pod_namespaces import PodNamespaces

_GIB = 1024**3
_MOST_EVENTS = 50
_log = structlog.get_logger("towline.image_cache")


class CacheImages(Protocol):
    """What makes a cache real."""

    async def fetch(self, identity: PodIdentity, image: str, keyring: Keyring) -> PulledImage:
        """Pull an image from a namespace; raises `PullFailed`."""
        ...

    def room(self, layers: frozenset[Digest]) -> int | None:
        """How many bytes of the disk layers take; None when not all of them are here."""
        ...


class _NotMade(Exception):
    """Why a cache could not be made; the text is told to its owner."""


class ImageCacheBuilder:
    """Makes one cache after the other, or several at once."""

    def __init__(self, caches: ImageCaches, images: CacheImages, network: PodNamespaces) -> None:
        self._caches = caches
        self._images = images
        self._network = network

    async def build(self, cache: ImageCache) -> None:
        """Fetch what a cache is to hold, and write down what came of it."""
        try:
            held = await self._fetch_all(cache)
        except _NotMade as error:
            await self._fail(cache, str(error))
        except Problem as error:
            await self._fail(cache, error.cause)
        except Exception as error:  # noqa: BLE001  # one cache's trouble is not that of all
            _log.exception("image-cache-failed", cache=cache.id)
            await self._fail(cache, repr(error))
        else:
            await self._succeed(cache, held)
        finally:
            self._caches.let_go(cache.id)

    async def _fetch_all(self, cache: ImageCache) -> tuple[CachedImage, ...]:
        identity, keyring = builder(cache), _keyring(cache)
        try:
            await self._network.attach(cache.id, identity.subnet_id, identity)
            await self._say(cache, "EksciCreated", f"Eksci {identity.name} created")
            return tuple(
                [await self._fetch(cache, identity, image, keyring) for image in cache.images]
            )
        finally:
            await self._network.detach(cache.id)

    async def _fetch(
        self, cache: ImageCache, identity: PodIdentity, image: str, keyring: Keyring
    ) -> CachedImage:
        try:
            pulled = await self._images.fetch(identity, image, keyring)
        except PullFailed as error:
            raise _NotMade(f'Failed to pull image "{image}": {error}') from error
        self._caches.hold(cache.id, frozenset(pulled.diff_ids))
        await self._say(
            cache,
            "Pulled",
            f'Successfully pulled image "{image}". Image size: {pulled.size} bytes.',
        )
        return CachedImage(
            reference=str(pulled.reference),
            digest=str(pulled.digest),
            layers=tuple(map(str, pulled.diff_ids)),
        )

    async def _succeed(self, cache: ImageCache, held: tuple[CachedImage, ...]) -> None:
        layers = layers_of(held)
        taken = self._images.room(layers)
        if taken is None or taken > cache.size * _GIB:
            await self._fail(cache, _too_much(taken, cache.size))
            return
        snapshot = f"snap-{_told(f'{cache.id} {cache.version}')}"
        message = f"Snap {snapshot} created: {len(layers)} layers, {taken} bytes"
        event = self._event("Normal", "SnapCreated", message)
        await self._settle(cache, event, status=CacheStatus.READY, held=held, snapshot_id=snapshot)

    async def _fail(self, cache: ImageCache, text: str) -> None:
        failed = CacheStatus.UPDATE_FAILED if cache.held or cache.version else CacheStatus.FAILED
        await self._settle(cache, self._event("Warning", "Failed", text), status=failed)

    async def _settle(self, cache: ImageCache, event: CacheEvent, **fields: object) -> None:
        """Write the end down, unless the cache is to be something else by now."""

        def change(held: ImageCache) -> ImageCache:
            if held.version != cache.version:
                return held
            return msgspec.structs.replace(_with(held, event), **fields)

        await self._caches.alter(cache.id, change)

    async def _say(self, cache: ImageCache, reason: str, message: str) -> None:
        await self._settle(cache, self._event("Normal", reason, message))

    def _event(self, type_: str, reason: str, message: str) -> CacheEvent:
        return CacheEvent(type=type_, reason=reason, message=message, at=self._caches.now())


def builder(cache: ImageCache) -> PodIdentity:
    """Whose pull it is: a pod in all but its containers."""
    name = f"eksci-{_told(cache.id)}"
    annotations = _annotations(cache.surroundings)
    return PodIdentity(cache.id, "", name, cache.surroundings.subnet_id, name, annotations)


def layers_of(held: tuple[CachedImage, ...]) -> frozenset[Digest]:
    """All layers of images."""
    return frozenset(Digest.parse(layer) for image in held for layer in image.layers)


def _annotations(given: Surroundings) -> dict[str, str]:
    said = {
        REGISTRY_INSECURE_SKIP_VERIFY: ",".join(given.unverified),
        REGISTRY_HTTP_ENDPOINT: ",".join(given.plain_http),
        RESOLV_CONF: given.resolv_conf,
        SECURITY_GROUP_ID: ",".join(given.security_group_ids),
        EIP_ID_LIST: given.elastic_ip_id,
        EIP_CLAIM_DELETE_POLICY: "Never" if given.keeps_address else "",
        EIP_ATTRIBUTES: given.new_address or "",
    }
    return {name: value for name, value in said.items() if value}


def _keyring(cache: ImageCache) -> Keyring:
    return Keyring(
        tuple((login.server, Login(login.username, login.password)) for login in cache.logins)
    )


def _with(cache: ImageCache, event: CacheEvent) -> ImageCache:
    events = (*cache.events, event)[-_MOST_EVENTS:]
    return msgspec.structs.replace(cache, events=events)


def _too_much(taken: int | None, size: int) -> str:
    if taken is None:
        return "a layer was removed while the cache was made"
    return f"its layers take {taken} bytes, more than the {size} GiB that it may have"


def _told(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]
