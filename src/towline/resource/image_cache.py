"""An image cache: images that are fetched once, whose layers then stay for the pods that want them.

The cloud writes what a cache is to hold; the agent fetches it and writes what has come of that.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class CacheStatus(StrEnum):
    """The life of an image cache, in the words of the cloud's `ImageCache.Status`."""

    PENDING = "Pending"
    READY = "Ready"
    FAILED = "Failed"
    UPDATING = "Updating"
    UPDATE_FAILED = "UpdateFailed"


WANTED = frozenset({CacheStatus.PENDING, CacheStatus.UPDATING})
"""The agent has something to do."""


class RegistryLogin(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache shows a registry to get its images."""

    server: str
    username: str
    password: str
    name: str = ""

    def __repr__(self) -> str:
        return f"RegistryLogin(server={self.server!r}, username={self.username!r}, password=…)"


class CacheEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened while a cache was made."""

    type: str
    """`Normal` or `Warning`."""
    reason: str
    message: str
    at: str
    """RFC 3339, UTC."""


class CachedImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image that a cache holds."""

    reference: str
    digest: str
    """Of the manifest that the reference meant when it was fetched."""
    layers: tuple[str, ...]
    """Diff IDs, lowest first."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """From where, and how, the images are fetched."""

    vpc_id: str
    subnet_id: str
    security_group_ids: tuple[str, ...] = ()
    elastic_ip_id: str = ""
    """A public address to take meanwhile."""
    new_address: str | None = None
    """JSON of the public address to make meanwhile, as the annotation `eip-attributes` has it."""
    keeps_address: bool = False
    """Whether that address stays."""
    unverified: tuple[str, ...] = ()
    """Registries whose certificates are not verified."""
    plain_http: tuple[str, ...] = ()
    """Registries without TLS."""
    resolv_conf: str = ""


class ImageCache(msgspec.Struct, frozen=True, kw_only=True):
    """One image cache."""

    id: str
    """`imc-…`."""
    name: str
    images: tuple[str, ...]
    """As they were asked for."""
    surroundings: Surroundings
    logins: tuple[RegistryLogin, ...] = ()
    size: int = 20
    """GiB that its layers may take."""
    retention_days: int = 0
    """0 is for ever."""
    tags: dict[str, str] = {}
    created_at: str
    """RFC 3339, UTC."""
    expires_at: str = ""
    """Likewise; empty when it does not expire."""
    version: int = 0
    """Counts what it was asked to be."""
    status: CacheStatus = CacheStatus.PENDING
    held: tuple[CachedImage, ...] = ()
    """Of the last time that it became Ready; their layers stay as long as the cache does."""
    events: tuple[CacheEvent, ...] = ()
    """The oldest first."""
    snapshot_id: str = ""
    last_matched_at: str = ""
    """When a pod was last given it, RFC 3339, UTC; empty when none was."""

    def has_expired(self, now: str) -> bool:
        """Whether it is to be removed at a time, RFC 3339 in UTC."""
        return bool(self.expires_at) and self.expires_at <= now
