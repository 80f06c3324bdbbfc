"""One door's ASGI application: from a path and a method to an endpoint, and back to the wire."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import structlog

from towline.oci.error_code import ErrorCode
from towline.oci.reference import is_repository_name
from towline.registry.answer import (
    API_VERSION,
    JSON,
    Answer,
    Disconnected,
    FileAnswer,
    Refusal,
    header,
)
from towline.registry.asgi import Receive, Scope, Send
from towline.registry.blob_endpoint import BlobEndpoint
from towline.registry.call import Call
from towline.registry.change import Place
from towline.registry.contents_endpoint import ContentsEndpoint
from towline.registry.door import Door
from towline.registry.gate import Gate, Wish
from towline.registry.listing_endpoint import ListingEndpoint
from towline.registry.manifests import Manifests
from towline.registry.request import Request
from towline.registry.right import DELETE, PULL, PUSH
from towline.registry.route import Resource, Route, parse_path
from towline.registry.tenancy import Tenancy
from towline.registry.token import TokenAuthority
from towline.registry.token_endpoint import TokenEndpoint
from towline.registry.upload_endpoint import UploadEndpoint
from towline.registry.vault import Vault

_READ = 1024 * 1024  # bytes read and sent at once where the server cannot send a file itself
_READING = {"GET", "HEAD"}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_log = structlog.get_logger("towline.registry")

Reply = Answer | FileAnswer
_Endpoint = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What answers, the same for all doors."""

    tenancy: Tenancy
    tokens: TokenAuthority
    manifests: Manifests
    blobs: BlobEndpoint
    uploads: UploadEndpoint
    listings: ListingEndpoint
    contents: ContentsEndpoint
    vault: Vault
    now: Callable[[], float]


class Application:
    """Answers the requests that come through one door."""

    def __init__(self, door: Door, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._gate = Gate(door, endpoints.tenancy, endpoints.tokens, endpoints.now)
        self._token = TokenEndpoint(endpoints.tenancy, endpoints.tokens, endpoints.now)
        self._instance_id = door.instance_id
        self._table = _table(endpoints)
        self._running = set[asyncio.Task[object]]()
        self._is_closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        task = asyncio.current_task()
        assert task is not None, "servers run applications in tasks"
        self._running.add(task)
        try:
            await self._serve(Request(scope, receive), send)
        except Disconnected:
            return
        except asyncio.CancelledError:
            if not self._is_closing:
                raise
        finally:
            self._running.discard(task)

    def break_off(self) -> None:
        """Break off the requests that are still running, because the door closes."""
        self._is_closing = True
        for task in self._running:
            task.cancel()

    async def _serve(self, request: Request, send: Send) -> None:
        reply = await self._reply(request)
        if isinstance(reply, Answer):
            await _send(request, reply, send)
        else:
            await self._send_file(request, reply, send)
        self._tell(request, reply.status)
        if reply.status >= HTTPStatus.BAD_REQUEST:
            await request.drain()

    def _tell(self, request: Request, status: int) -> None:
        """Log what has changed something, or was refused. What was only read or looked for is not
        worth a line.
        """
        is_found_out = status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.NOT_FOUND
        if request.method in _READING and is_found_out:
            return
        _log.info(
            "request",
            instance=self._instance_id,
            method=request.method,
            path=request.path,
            status=int(status),
        )

    async def _reply(self, request: Request) -> Reply:
        try:
            return await self._dispatch(request)
        except Refusal as refusal:
            return refusal.answer()
        except Disconnected:
            raise
        except asyncio.CancelledError:
            if not self._is_closing:
                raise
            return Refusal(ErrorCode.UNAVAILABLE, "the registry is ending; try again").answer()
        except Exception as error:  # noqa: BLE001  # a defect answers one request badly, and no other
            return _full() if _is_full(error) else _failed(request)

    async def _dispatch(self, request: Request) -> Reply:
        route = parse_path(request.path)
        instance = self._gate.instance()
        match route.resource:
            case Resource.API:
                _only(request, "GET", "HEAD")
                self._gate.admit_to_api(request)
                return Answer(HTTPStatus.OK, (JSON, API_VERSION), b"{}")
            case Resource.CATALOG:
                _only(request, "GET")
                grant = self._gate.admit_to_catalog(request)
                return await self._endpoints.listings.catalog(request, self._gate, grant)
            case Resource.REPOSITORIES:
                _only(request, "GET")
                grant = self._gate.admit_to_catalog(request)
                return await self._endpoints.contents.repositories(request, self._gate, grant)
            case Resource.TOKEN:
                _only(request, "GET", "POST")
                answer = self._token.get if request.method == "GET" else self._token.post
                return await answer(request, instance)
        return await self._call(request, route)

    async def _call(self, request: Request, route: Route) -> Reply:
        methods = self._table[route.resource]
        _only(request, *methods)
        action, endpoint = methods[request.method]
        place = Place(self._instance_id, route.repository)
        began = None
        if route.resource is Resource.UPLOAD:
            began = self._endpoints.uploads.began(place, route.reference)
        source = _source(request) if route.resource is Resource.UPLOADS else ""
        grant = self._gate.admit(request, Wish(route.repository, action, began, source))
        return await endpoint(Call(request, place, route.reference, grant, self._gate))

    async def _send_file(self, request: Request, reply: FileAnswer, send: Send) -> None:
        headers = (*reply.headers, header("content-length", reply.length))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if request.method == "HEAD":
            await send({"type": "http.response.body", "body": b""})
        elif reply.is_whole and request.can_send_files:
            await send({"type": "http.response.pathsend", "path": str(reply.path)})
        else:
            await self._stream(reply, send)

    async def _stream(self, reply: FileAnswer, send: Send) -> None:
        in_thread, position = self._endpoints.vault.in_thread, reply.start
        end = reply.start + reply.length
        file = os.open(reply.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while position < end:
                piece = await in_thread(
                    partial(os.pread, file, min(_READ, end - position), position)
                )
                if not piece:
                    break  # the file is shorter than was written down: the client will notice
                position += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            os.close(file)
        await send({"type": "http.response.body", "body": b""})


def _table(endpoints: Endpoints) -> dict[Resource, dict[str, tuple[str, _Endpoint]]]:
    """Which endpoint answers which method of a repository's resource, and what it takes."""
    manifests, blobs, uploads = endpoints.manifests, endpoints.blobs, endpoints.uploads
    return {
        Resource.MANIFEST: {
            "GET": (PULL, manifests.get),
            "HEAD": (PULL, manifests.get),
            "PUT": (PUSH, manifests.put),
            "DELETE": (DELETE, manifests.delete),
        },
        Resource.BLOB: {
            "GET": (PULL, blobs.get),
            "HEAD": (PULL, blobs.get),
            "DELETE": (DELETE, blobs.delete),
        },
        Resource.UPLOADS: {"POST": (PUSH, uploads.start)},
        Resource.UPLOAD: {
            "GET": (PUSH, uploads.status),
            "PATCH": (PUSH, uploads.append),
            "PUT": (PUSH, uploads.finish),
            "DELETE": (PUSH, uploads.cancel),
        },
        Resource.TAGS: {"GET": (PULL, endpoints.listings.tags)},
        Resource.REFERRERS: {"GET": (PULL, endpoints.listings.referrers)},
        Resource.CONTENTS: {
            "GET": (PULL, endpoints.contents.repository),
            "DELETE": (DELETE, endpoints.contents.delete),
        },
    }


def _source(request: Request) -> str:
    """The repository that a blob is to be mounted from; empty when the request names none."""
    named = request.query("from") if request.query("mount") is not None else None
    return named if named is not None and is_repository_name(named) else ""


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        allow = header("allow", ", ".join(methods))
        raise Refusal(ErrorCode.UNSUPPORTED, headers=(allow,))


def _is_full(error: Exception) -> bool:
    """Whether the disk, or the database on it, has no room left."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in _FULL


def _full() -> Answer:
    message = "the registry's disk is full"
    status = HTTPStatus.INSUFFICIENT_STORAGE
    return Refusal(ErrorCode.UNAVAILABLE, message, status=status).answer()


def _failed(request: Request) -> Answer:
    """What a client hears of a defect: nothing. The log has it all."""
    _log.exception("request-failed", method=request.method, path=request.path)
    return Refusal(ErrorCode.UNKNOWN).answer()


async def _send(request: Request, reply: Answer, send: Send) -> None:
    headers = reply.headers
    if reply.status != HTTPStatus.NO_CONTENT:
        headers = (*headers, (b"content-length", b"%d" % len(reply.body)))
    body = b"" if request.method == "HEAD" else reply.body
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
