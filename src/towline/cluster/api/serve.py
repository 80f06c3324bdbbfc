"""The API's door: HTTPS around the application.

aiohttp, because later versions of this door have to hand over the raw connection (SPDY), which no ASGI
server does. A write that has been taken in is finished even if its sender goes away; a watch ends with
its client.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from isal import igzip

from towline.cluster.api import data_file
from towline.cluster.api.application import Application, Endpoints, refused
from towline.cluster.api.authentication import Authenticator
from towline.cluster.api.call import Answer, Call, Reply, Stream
from towline.cluster.api.collection_endpoint import CollectionEndpoint
from towline.cluster.api.document_endpoint import DocumentEndpoint
from towline.cluster.api.foresight import Blind, Foresight, Preflight
from towline.cluster.api.kubelets import Kubelets
from towline.cluster.api.log_endpoint import LogEndpoint
from towline.cluster.api.namespace_creation import NamespaceCreation
from towline.cluster.api.node_proxy import NodeProxy
from towline.cluster.api.object_endpoint import ObjectEndpoint
from towline.cluster.api.objects import Objects
from towline.cluster.api.review_endpoint import ReviewEndpoint
from towline.cluster.api.service_account_token import TokenMaker
from towline.cluster.api.settings import Hooks, Settings
from towline.kube.refusal import Refusal
from towline.problem import Problem
from towline.store.store import Store

MAX_BODY = 3 * 1024 * 1024  # bytes: kube-apiserver's limit for a request
WORTH_COMPRESSING = 128 * 1024  # bytes: where kube-apiserver begins
_GRACE = 2.0  # seconds for requests that are being answered when the role ends


async def serve(
    store: Store,
    settings: Settings,
    hooks: Hooks,
    ready: Callable[[], None],
    preflight: Preflight | None = None,
) -> None:
    """Serve until cancelled; `ready` is called once the port is open and the cluster is whole.

    A `preflight` lets senders hear of images that cannot work.
    """
    objects = Objects(store, data_file.schemas())
    namespaces = NamespaceCreation(objects, hooks, settings.ca_certificate.read_text())
    await namespaces.provide_system()
    async with asyncio.TaskGroup() as tasks, _session() as session:
        tokens = TokenMaker(settings.service_account_key, store, time.time)
        authenticator = Authenticator(settings.tokens, tokens)
        kubelets = Kubelets(objects, session, _kubelet_tls(settings))
        endpoints = Endpoints(
            DocumentEndpoint(f"{settings.address}:{settings.port}"),
            ObjectEndpoint(objects, namespaces, tokens, Foresight(preflight or Blind())),
            CollectionEndpoint(objects),
            LogEndpoint(objects, kubelets),
            NodeProxy(kubelets),
            ReviewEndpoint(authenticator),
        )
        door = _Door(Application(authenticator, endpoints), tasks)
        async with _listening(door, settings):
            ready()
            await asyncio.Event().wait()


def _session() -> aiohttp.ClientSession:
    """For the kubelets; logs that are followed stay open, so connections must not be counted out."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


@asynccontextmanager
async def _listening(door: _Door, settings: Settings) -> AsyncIterator[None]:
    application = web.Application(client_max_size=MAX_BODY)
    application.router.add_route("*", "/{path:.*}", door.answer)
    application.on_shutdown.append(door.close)
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=_GRACE, handler_cancellation=True
    )
    await runner.setup()
    site = web.TCPSite(runner, settings.address, settings.port, ssl_context=_server_tls(settings))
    try:
        await _start(site, settings)
        yield
    finally:
        await runner.cleanup()


async def _start(site: web.TCPSite, settings: Settings) -> None:
    try:
        await site.start()
    except OSError as error:
        raise Problem(
            "cluster-port-taken",
            cause=f"the Kubernetes API cannot listen on {settings.address}:{settings.port}: {error}",
            remedy="end the process that has the port, or choose another port",
        ) from error


def _server_tls(settings: Settings) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(settings.certificate, settings.key)
    tls.set_alpn_protocols(["http/1.1"])
    return tls


def _kubelet_tls(settings: Settings) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=str(settings.ca_certificate))
    tls.load_cert_chain(settings.kubelet_certificate, settings.kubelet_key)
    return tls


class _Door:
    """Between aiohttp's requests and the application's calls."""

    def __init__(self, application: Application, tasks: asyncio.TaskGroup) -> None:
        self._application = application
        self._tasks = tasks
        self._streaming: set[asyncio.Task[None] | None] = set()
        self._closing = False

    async def close(self, _: web.Application) -> None:
        """End the streams, which would never end by themselves."""
        self._closing = True
        for task in self._streaming:
            if task is not None:
                task.cancel()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            call = await _call(request)
        except web.HTTPRequestEntityTooLarge:
            message = f"the request is larger than {MAX_BODY} bytes"
            return _whole(request, refused(Refusal(413, "RequestEntityTooLarge", message)))
        reply = await self._reply(call)
        if isinstance(reply, Stream):
            return await self._stream(request, reply)
        return _whole(request, reply)

    async def _reply(self, call: Call) -> Reply:
        if call.method == "GET":
            return await self._application.answer(call)
        return await asyncio.shield(self._tasks.create_task(self._application.answer(call)))

    async def _stream(self, request: web.Request, stream: Stream) -> web.StreamResponse:
        headers = {"Cache-Control": "no-cache, private", "Content-Type": stream.content_type}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        task = asyncio.current_task()
        self._streaming.add(task)
        try:
            async with aclosing(stream.chunks) as chunks:
                async for chunk in chunks:
                    if chunk:
                        await response.write(chunk)
        except ConnectionError:
            pass  # the client has gone
        except asyncio.CancelledError:
            if not self._closing:
                raise
        finally:
            self._streaming.discard(task)
        return response


async def _call(request: web.Request) -> Call:
    path = request.raw_path.partition("?")[0].strip("/")
    return Call(
        request.method,
        tuple(unquote(part) for part in path.split("/") if part),
        dict(request.query),
        {name.lower(): value for name, value in request.headers.items()},
        await request.read() if request.body_exists else b"",
    )


def _whole(request: web.Request, answer: Answer) -> web.Response:
    response = web.Response(
        status=answer.code, body=answer.body, headers={"Content-Type": answer.content_type}
    )
    response.headers.update(answer.headers)
    for text in answer.warnings:
        response.headers.add("Warning", f'299 - "{_quoted(text)}"')
    if len(answer.body) >= WORTH_COMPRESSING and _takes_gzip(request):
        response.body = igzip.compress(answer.body, compresslevel=1)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    return response


def _takes_gzip(request: web.Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")


def _quoted(text: str) -> str:
    """The text of a warning as a header may carry it (RFC 7230's quoted-string)."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')
