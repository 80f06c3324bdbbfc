"""Speaks to any Kubernetes API over HTTP, as a kubeconfig says.

The official Python client is not used: it is synchronous and models every type; here objects stay
the API's own JSON, and a watch is one more stream of the same event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from towline.cluster.joined_calls import JoinedCalls
from towline.cluster.kubeconfig import Access, load
from towline.cluster.kubernetes import (
    ApiError,
    Object,
    ObjectList,
    PatchKind,
    Resource,
    Unreachable,
    WatchEvent,
)

_NODES = Resource("", "v1", "nodes")
_DEADLINE = aiohttp.ClientTimeout(total=60)  # the API's own limit for what is not a watch
_ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=30)
_FAILURES = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


class HttpKubernetes:
    """`Kubernetes` over HTTP. Made by `from_kubeconfig`; belongs to one event loop."""

    def __init__(self, access: Access, session: aiohttp.ClientSession) -> None:
        self.access = access
        self._session = session
        self._reads = JoinedCalls[str, bytes]()

    @classmethod
    @asynccontextmanager
    async def from_kubeconfig(cls, path: Path) -> AsyncIterator[HttpKubernetes]:
        """Speak as the kubeconfig's user for the length of the `async with`."""
        access = load(path)
        headers = {"Accept": "application/json", "User-Agent": "towline"}
        if access.token:
            headers["Authorization"] = f"Bearer {access.token}"
        # Watches stay open for good, so connections must not be counted out.
        connector = aiohttp.TCPConnector(ssl=access.tls or False, limit=0)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            yield cls(access, session)

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """One object. Twenty pods that begin at once want the same Secret and ConfigMap."""
        path = _path(resource, namespace, name)
        return _object(await self._reads.ask(path, lambda: self._fetch("GET", path)))

    async def list(
        self, resource: Resource, namespace: str = "", *, selectors: Mapping[str, str] | None = None
    ) -> ObjectList:
        """All objects."""
        found = await self._send("GET", _path(resource, namespace), query=dict(selectors or {}))
        kind = {"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List")}
        items = tuple(kind | item for item in found.get("items") or ())
        return ObjectList(found["metadata"]["resourceVersion"], items)

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        selectors: Mapping[str, str] | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """Changes after `resource_version`, until the server ends the stream."""
        query = {
            **(selectors or {}),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
        }
        url = self.access.server + _path(resource, namespace)
        try:
            async with self._session.get(url, params=query, timeout=_ENDLESS) as answer:
                if answer.status >= 400:
                    raise _error(answer.status, await answer.read())
                async for line in _lines(answer.content):
                    yield _event(line)
        except _FAILURES as error:
            raise _unreachable(self.access, error) from error

    async def create(
        self,
        resource: Resource,
        namespace: str,
        body: Object,
        *,
        subresource: str = "",
        name: str = "",
    ) -> Object:
        """The object as created."""
        return await self._send("POST", _path(resource, namespace, name, subresource), body)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Object | Sequence[Object],
        *,
        kind: PatchKind = PatchKind.MERGE,
        subresource: str = "",
    ) -> Object:
        """The object as patched."""
        path = _path(resource, namespace, name, subresource)
        return await self._send("PATCH", path, body, content_type=kind.value)

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, options: Object | None = None
    ) -> None:
        """Ask for deletion."""
        await self._send("DELETE", _path(resource, namespace, name), options)

    async def ask_node(self, node: str, path: str, query: Mapping[str, str]) -> Object:
        """What a node's kubelet answers, which has to be JSON; `path` has no slash in front."""
        return await self._send("GET", f"{_path(_NODES, '', node, 'proxy')}/{path}", query=query)

    async def _send(
        self,
        method: str,
        path: str,
        body: Object | Sequence[Object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        return _object(
            await self._fetch(method, path, body, query=query, content_type=content_type)
        )

    async def _fetch(
        self,
        method: str,
        path: str,
        body: Object | Sequence[Object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        data = None if body is None else orjson.dumps(body)
        headers = {} if body is None else {"Content-Type": content_type}
        url = self.access.server + path
        try:
            async with self._session.request(
                method, url, params=query, data=data, headers=headers, timeout=_DEADLINE
            ) as answer:
                content = await answer.read()
        except _FAILURES as error:
            raise _unreachable(self.access, error) from error
        if answer.status >= 400:
            raise _error(answer.status, content)
        return content


def _path(resource: Resource, namespace: str, name: str = "", subresource: str = "") -> str:
    root = f"/apis/{resource.group}" if resource.group else "/api"
    parts = [root, resource.version]
    if namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts += [resource.plural]
    parts += [quote(part, safe="") for part in (name, subresource) if part]
    return "/".join(parts)


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length; `StreamReader.readline` gives up at 128 KiB."""
    rest = bytearray()
    async for chunk in stream.iter_any():
        rest += chunk
        *lines, last = rest.split(b"\n")
        rest = last
        for line in lines:
            if line:
                yield bytes(line)


def _object(content: bytes) -> Object:
    try:
        found: dict[str, Any] = orjson.loads(content)
    except orjson.JSONDecodeError:
        text = content[:200].decode(errors="replace")
        raise ApiError(500, "InternalError", f"the API answered what is not JSON: {text}") from None
    return found


def _event(line: bytes) -> WatchEvent:
    event = _object(line)
    if event["type"] == "ERROR":
        raise _refusal(event["object"])
    return WatchEvent(event["type"], event["object"])


def _refusal(status: Object) -> ApiError:
    return ApiError(
        status.get("code", 500), status.get("reason", "Unknown"), status.get("message", "")
    )


def _error(code: int, content: bytes) -> ApiError:
    try:
        return _refusal({"code": code} | orjson.loads(content))
    except (orjson.JSONDecodeError, TypeError):
        return ApiError(code, "Unknown", content[:500].decode(errors="replace"))


def _unreachable(access: Access, error: Exception) -> Unreachable:
    reason = str(error) or type(error).__name__
    return Unreachable(f"the Kubernetes API at {access.server} gave no answer: {reason}")
