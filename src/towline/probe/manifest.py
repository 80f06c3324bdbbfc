"""The manifest under a tag or digest; and where there is none, the tags that there are."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

import msgspec

from towline.diagnosis.observation import ChildSeen, HttpOutcome, ManifestSeen, TagsSeen
from towline.oci.digest import Digest, InvalidDigest
from towline.oci.manifest import Index, InvalidManifest, Manifest, parse_manifest
from towline.oci.media_type import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    without_parameters,
)
from towline.oci.platform import Platform, choose
from towline.oci.reference import is_tag
from towline.probe.exchange import Ask
from towline.probe.talk import Fetched, Talk
from towline.pull.wire import Url

MAX_MANIFEST = 4 * 1048 * 1048  # containerd's MaxManifestSize, spelled as it is there
MAX_TAG_LIST = 1024 * 1024
TAGS = 1000
NEAR = 3
_ACCEPT = f"{DOCKER_MANIFEST}, {DOCKER_MANIFEST_LIST}, {OCI_MANIFEST}, {OCI_INDEX}, */*"
_NO_MEDIA_TYPE = frozenset({"", "text/plain"})


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    """What is looked at before anybody says that it is a manifest."""

    schema_version: int = 0
    media_type: str = ""
    artifact_type: str = ""


class _TagList(msgspec.Struct, frozen=True):
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository, and what opens it."""

    talk: Talk
    registry: Url
    name: str
    authorization: str = ""

    def url(self, path: str) -> Url:
        """Where something of the repository is."""
        return self.registry.with_target(f"/v2/{self.name}/{path}")

    async def ask(
        self, method: str, path: str, headers: tuple[tuple[str, str], ...] = (), limit: int = 0
    ) -> Fetched:
        """Ask for something of it."""
        if self.authorization:
            headers = (*headers, ("Authorization", self.authorization))
        ask = Ask(method, self.url(path), headers)
        return await self.talk.fetch(replace(ask, limit=limit) if limit else ask)


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest as it was seen, and as it is understood, if it is."""

    seen: ManifestSeen
    manifest: Manifest | Index | None = None


async def see_reference(repository: Repository, target: str) -> Found:
    """What a reference names: HEAD as containerd begins, then GET by the digest that it stated.

    So a cache is caught that serves another body under a digest than it says.
    """
    head = await repository.ask("HEAD", f"manifests/{target}", (("Accept", _ACCEPT),))
    if head.seen.outcome is not HttpOutcome.ANSWERED:
        return Found(ManifestSeen(target, head.seen, head.seen))  # no pull gets any further
    stated = head.seen.header("docker-content-digest") if head.ok else ""
    found = await see_manifest(repository, stated if _is_digest(stated) else target)
    stated = stated or found.seen.stated_digest
    seen = replace(found.seen, target=target, head=head.seen, stated_digest=stated)
    return replace(found, seen=seen)


def _is_digest(text: str) -> bool:
    try:
        Digest.parse(text)
    except InvalidDigest:
        return False
    return True


async def see_manifest(repository: Repository, target: str) -> Found:
    """A manifest by GET alone, as those are fetched that an index names."""
    accept = (("Accept", _ACCEPT),)
    got = await repository.ask("GET", f"manifests/{target}", accept, MAX_MANIFEST + 1)
    seen = ManifestSeen(target, got.seen, media_type=got.seen.media_type)
    if not got.ok:
        return Found(seen)
    stated = got.seen.header("docker-content-digest")
    length = got.seen.header("content-length")
    size = max(len(got.content), int(length) if length.isdigit() else 0)
    seen = replace(seen, size=size, stated_digest=stated, digest=str(Digest.of(got.content)))
    return _understood(seen, got.content) if size <= MAX_MANIFEST else Found(seen)


def _understood(seen: ManifestSeen, content: bytes) -> Found:
    try:
        head = msgspec.json.decode(content, type=_Head, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Found(replace(seen, unreadable=str(error)))
    seen = replace(
        seen,
        schema=head.schema_version,
        own_media_type=head.media_type,
        artifact_type=head.artifact_type,
    )
    media_type = head.media_type if seen.media_type in _NO_MEDIA_TYPE else seen.media_type
    try:
        manifest = parse_manifest(content, without_parameters(media_type))
    except InvalidManifest as error:
        return Found(replace(seen, unreadable=error.reason))
    if isinstance(manifest, Manifest):
        config = manifest.config.media_type
        artifact = manifest.artifact_type or seen.artifact_type
        return Found(replace(seen, config_media_type=config, artifact_type=artifact), manifest)
    return Found(seen, manifest)


def with_children(found: Found, platform: Platform) -> Found:
    """An index with its children, the one that fits marked."""
    if not isinstance(found.manifest, Index):
        return found
    chosen = choose(found.manifest.manifests, platform)
    children = tuple(
        ChildSeen(
            str(child.digest),
            child.media_type,
            "/".join(filter(None, child.platform or ())),
            child is chosen,
        )
        for child in found.manifest.manifests
    )
    return replace(found, seen=replace(found.seen, children=children))


async def see_tags(repository: Repository, wanted: str) -> TagsSeen:
    """The tag list, which says whether the repository exists, and what was perhaps meant."""
    got = await repository.ask("GET", f"tags/list?n={TAGS}", limit=MAX_TAG_LIST)
    if not got.ok:
        return TagsSeen(got.seen)
    try:
        tags = msgspec.json.decode(got.content, type=_TagList).tags or ()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return TagsSeen(got.seen)
    return TagsSeen(got.seen, len(tags), near_misses(wanted, tags))


def near_misses(wanted: str, tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags most like the one that was asked for, `latest` for want of a better one.

    Where there are few, all of them: a person sees which was meant.
    """
    if not is_tag(wanted):
        return ()
    least_alike = 0.4 if len(tags) > NEAR else 0.0
    near = difflib.get_close_matches(wanted, tags, NEAR, cutoff=least_alike)
    if not near and "latest" in tags:
        near = ["latest"]
    return tuple(near)
