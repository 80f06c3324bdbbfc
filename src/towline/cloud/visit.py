"""A visit to the registry of one instance: what is asked of it, and what it is told to do.

All by the distribution protocol and the registry's extension `_towline/contents`, as any client with
the same rights could.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
import msgspec

from towline.oci.manifest import MAX_MANIFEST_SIZE, Index, Manifest, parse_manifest
from towline.oci.media_type import INDEXES, MANIFESTS

_REPOSITORIES = "/v2/_towline/contents/repositories"
_CONTENTS = "_towline/contents/repository"
_PAGE = 1000
_ACCEPT = {"Accept": ", ".join(sorted(MANIFESTS | INDEXES))}
T = TypeVar("T")


class HeldRepository(msgspec.Struct, frozen=True, rename="camel"):
    """A repository that the registry knows, because something was pushed to it once."""

    name: str
    created_at: datetime
    updated_at: datetime


class HeldTag(msgspec.Struct, frozen=True, rename="camel"):
    """A tag, and what it points at."""

    name: str
    digest: str
    media_type: str
    pushed_at: datetime


class HeldContents(HeldRepository, frozen=True, rename="camel"):
    """A repository with all its tags."""

    tags: tuple[HeldTag, ...]


class _Page(msgspec.Struct, frozen=True):
    repositories: tuple[HeldRepository, ...]


@dataclass(frozen=True, slots=True)
class FetchedManifest:
    """A manifest as the registry serves it."""

    media_type: str
    digest: str
    body: bytes

    @property
    def content(self) -> Manifest | Index:
        """What it says; raises `InvalidManifest`."""
        return parse_manifest(self.body, self.media_type)


class Visit:
    """One session with a token. Methods raise `aiohttp.ClientError` for what nobody foresaw."""

    def __init__(self, http: aiohttp.ClientSession, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def repositories(self, after: str = "") -> list[HeldRepository]:
        """All repositories behind a name, in ASCII order."""
        found = list[HeldRepository]()
        while page := await self.some_repositories(after, _PAGE):
            found += page
            if len(page) < _PAGE:
                break
            after = page[-1].name
        return found

    async def some_repositories(self, after: str, most: int) -> tuple[HeldRepository, ...]:
        """The first repositories behind a name."""
        asked = {"n": str(most), "last": after}
        async with self._send("GET", _REPOSITORIES, params=asked) as answer:
            return _read(await answer.read(), _Page).repositories

    async def repository(self, name: str) -> HeldContents | None:
        """A repository with its tags; None when nothing was ever pushed to it."""
        async with self._send("GET", f"/v2/{name}/{_CONTENTS}", absent=True) as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            return _read(await answer.read(), HeldContents)

    async def remove_repository(self, name: str) -> bool:
        """Remove a repository with all that it holds; False when there is none."""
        async with self._send("DELETE", f"/v2/{name}/{_CONTENTS}", absent=True) as answer:
            return answer.status != HTTPStatus.NOT_FOUND

    async def manifest(self, name: str, reference: str) -> FetchedManifest | None:
        """The manifest of a tag or digest, if there is one."""
        path = f"/v2/{name}/manifests/{reference}"
        async with self._send("GET", path, absent=True, headers=_ACCEPT) as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            digest = answer.headers.get("docker-content-digest", "")
            return FetchedManifest(answer.content_type, digest, await answer.read())

    async def put_manifest(self, name: str, reference: str, manifest: FetchedManifest) -> None:
        """Push a manifest; what it names must be in the repository."""
        path, headers = f"/v2/{name}/manifests/{reference}", {"Content-Type": manifest.media_type}
        async with self._send("PUT", path, data=manifest.body, headers=headers):
            return

    async def remove_manifest(self, name: str, digest: str) -> bool:
        """Remove a manifest with all tags that point at it; False when there is none."""
        path = f"/v2/{name}/manifests/{digest}"
        async with self._send("DELETE", path, absent=True) as answer:
            return answer.status != HTTPStatus.NOT_FOUND

    async def document(self, name: str, digest: str) -> bytes | None:
        """A small blob, such as an image's config; None when it is missing, or not small."""
        path = f"/v2/{name}/blobs/{digest}"
        async with self._send("GET", path, absent=True) as answer:
            size = answer.content_length
            if answer.status == HTTPStatus.NOT_FOUND or size is None or size > MAX_MANIFEST_SIZE:
                return None
            return await answer.read()

    async def mount(self, name: str, digest: str, source: str) -> bool:
        """Give a repository a blob that another has; False when that has not."""
        asked = {"mount": digest, "from": source}
        async with self._send("POST", f"/v2/{name}/blobs/uploads/", params=asked) as answer:
            return answer.status == HTTPStatus.CREATED

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        *,
        absent: bool = False,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request; an error is raised, but for a 404 where what is asked for may be `absent`."""
        sent = {**self._headers, **(headers or {})}
        async with self._http.request(method, path, headers=sent, **more) as answer:
            if not (absent and answer.status == HTTPStatus.NOT_FOUND):
                answer.raise_for_status()
            yield answer


def _read(body: bytes, wanted: type[T]) -> T:
    return msgspec.json.decode(body, type=wanted)
