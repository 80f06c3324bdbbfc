"""The cloud role's door: HTTP around the gateway.

aiohttp, with two things avoided: `request.url`, which fails on the `Host: http://127.0.0.1:PORT`
that tccli and the SDK send, and its JSON answers, whose `charset` makes the SDK swallow errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from towline.cloud.access_key import KeyRing, enroll
from towline.cloud.authenticate import HttpRequest
from towline.cloud.catalogue import CATALOGUE
from towline.cloud.context import Resources
from towline.cloud.gateway import Gateway, refuse
from towline.cloud.refusal import Refusal
from towline.cloud.settings import Settings
from towline.problem import Problem
from towline.store.store import Store

MAX_BODY = 10 * 1024 * 1024  # bytes, the cloud's own limit for TC3 requests
_GRACE = 2.0  # seconds for requests that are being answered when the role ends


async def serve(store: Store, settings: Settings, ready: Callable[[], None]) -> None:
    """Serve until cancelled; `ready` is called once the port is open."""
    resources = Resources(store)
    await enroll(resources, settings.access_keys_file, _now)
    gateway = Gateway(resources, settings, KeyRing(resources.access_keys), CATALOGUE, _now)
    runner = web.AppRunner(_application(gateway), access_log=None, shutdown_timeout=_GRACE)
    await runner.setup()
    try:
        await _listen(runner, settings)
        ready()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    site = web.TCPSite(runner, settings.address, settings.port)
    try:
        await site.start()
    except OSError as error:
        raise Problem(
            "cloud-port-taken",
            cause=f"the cloud API cannot listen on {settings.address}:{settings.port}: {error}",
            remedy="end the process that has the port, or choose another port",
        ) from error


def _application(gateway: Gateway) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        del path  # the canonical path is always "/"
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            answered = refuse(Refusal("RequestSizeLimitExceeded", "The body is over 10 MB."))
        else:
            source = request.remote or ""
            answered = await gateway.answer(
                HttpRequest(request.method, query, headers, body, source)
            )
        return web.Response(body=answered, headers={"Content-Type": "application/json"})

    application = web.Application(client_max_size=MAX_BODY)
    application.router.add_post("/{path:.*}", answer)
    application.router.add_get("/{path:.*}", answer)
    return application


def _now() -> datetime:
    return datetime.now(UTC)
