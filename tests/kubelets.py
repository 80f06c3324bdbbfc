"""A kubelet for tests: serves the log of any container over TLS to who shows a certificate of the authority."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from tests.apis import ServedApi, free_port

from towline.cluster.api.local import LocalKubernetes
from towline.cluster.resources import NODES

NODE = "eklet-subnet-test"


@dataclass
class Kubelet:
    """What it was asked, and what it answers."""

    port: int
    lines: tuple[str, ...] = ("line 0", "line 1")
    complaint: tuple[int, str] | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Tell the lines; those who follow hear one more when `more` is set."""
        self.asked.append((request.path, dict(request.query)))
        if self.complaint is not None:
            return web.Response(status=self.complaint[0], text=self.complaint[1])
        response = web.StreamResponse()
        await response.prepare(request)
        for line in self.lines:
            await response.write(f"{line}\n".encode())
        if request.query.get("follow"):
            await self.more.wait()
            await response.write(b"the last line\n")
        return response


@asynccontextmanager
async def kubelet(api: ServedApi) -> AsyncIterator[Kubelet]:
    """A kubelet that listens, and the Node that says so."""
    serving = Kubelet(free_port())
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(api.authority.certificate))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(api.kubelet.certificate, api.kubelet.key)
    application = web.Application()
    application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", serving.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", serving.port, ssl_context=tls).start()
    await _register(api, serving.port)
    yield serving
    await runner.cleanup()


async def _register(api: ServedApi, port: int) -> None:
    cluster = LocalKubernetes(api.store)
    await cluster.create(NODES, "", {"metadata": {"name": NODE}})
    status: dict[str, Any] = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {"kubeletVersion": "v1.33.0"},
    }
    await cluster.patch(NODES, "", NODE, {"status": status}, subresource="status")
