"""Registries for tests: a scripted one in this process, and Debian's docker-registry as a process
of its own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from tests.certificates import Issued
from tests.images import MadeImage

from towline.oci.digest import Digest

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TOKEN = "a-token"


@dataclass(slots=True)
class ScriptedRegistry:
    """Serves one image under any repository, with the faults that a test asks for.

    `overrides` maps `METHOD path-suffix` to a handler that answers instead. `seen` is what was
    asked.
    """

    made: MadeImage
    extra: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """More manifests, by tag or digest, with their media type."""
    overrides: Mapping[str, Handler] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    login: tuple[str, str] | None = None
    """With a login: a token server that knows it, and no access without a token."""
    address: str = ""
    scheme: str = "http"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer anything."""
        self.seen.append(f"{request.method} {request.path_qs}")
        for suffix, handler in self.overrides.items():
            method, _, end = suffix.partition(" ")
            if method == request.method and request.path.endswith(end):
                return await handler(request)
        if request.path == "/token":
            return await self._token(request)
        if self.login and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._challenge(request)
        return self._content(request)

    def _challenge(self, request: web.Request) -> web.Response:
        repository = request.path.removeprefix("/v2/").partition("/manifests/")[0]
        challenge = (
            f'Bearer realm="{self.scheme}://{self.address}/token",service="scripted",'
            f'scope="repository:{repository.partition("/blobs/")[0]}:pull"'
        )
        if "Authorization" in request.headers:
            challenge += ',error="insufficient_scope"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    async def _token(self, request: web.Request) -> web.Response:
        """As Harbor: a wrong key with a scope gets a token that opens nothing."""
        pair: tuple[str, ...]
        if request.method == "POST":
            form = await request.post()
            pair = (str(form["username"]), str(form["password"]))
        else:
            text = request.headers.get("Authorization", "").removeprefix("Basic ")
            pair = tuple(base64.b64decode(text).decode().split(":", 1))
        token = TOKEN if pair == self.login else "a-token-for-nothing"
        return web.json_response({"token": token, "access_token": token})

    def _content(self, request: web.Request) -> web.Response:
        target = request.path.rpartition("/")[2]
        if "/blobs/" in request.path:
            content = self.made.blobs.get(Digest.parse(target))
            if content is None:
                return web.Response(status=404)
            return ranged(request, content)
        found = self.extra.get(target)
        if found is None and target in {"latest", str(self.made.digest)}:
            found = self.made.manifest, self.made.media_type
        if found is None:
            return web.Response(status=404)
        digest = f"sha256:{hashlib.sha256(found[0]).hexdigest()}"
        headers = {"Docker-Content-Digest": digest, "Content-Type": found[1]}
        return web.Response(body=found[0], headers=headers)


def ranged(request: web.Request, content: bytes) -> web.Response:
    """The content, or the part of it that is asked for."""
    asked = request.headers.get("Range", "")
    if not asked:
        return web.Response(body=content)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    begin, end = int(first), min(int(last or len(content)), len(content) - 1)
    span = f"bytes {begin}-{end}/{len(content)}"
    return web.Response(status=206, body=content[begin : end + 1], headers={"Content-Range": span})


@contextlib.asynccontextmanager
async def scripted(
    registry: ScriptedRegistry, certificate: Issued | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[ScriptedRegistry]:
    """Serve it on a free port, over TLS when there is a certificate."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", registry.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
    site = web.TCPSite(runner, host, 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    registry.address = f"{host}:{port}"
    registry.scheme = "https" if certificate else "http"
    try:
        yield registry
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def docker_registry(folder: Path, certificate: Issued | None = None) -> Iterator[str]:
    """Debian's docker-registry on a free loopback port, with its files in this folder; its
    `host:port`.
    """
    address = f"127.0.0.1:{_free_port()}"
    environment = {
        **os.environ,
        "REGISTRY_HTTP_ADDR": address,
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(folder / "registry"),
        "REGISTRY_STORAGE_DELETE_ENABLED": "true",
        "OTEL_TRACES_EXPORTER": "none",
    }
    if certificate is not None:
        environment["REGISTRY_HTTP_TLS_CERTIFICATE"] = str(certificate.certificate)
        environment["REGISTRY_HTTP_TLS_KEY"] = str(certificate.key)
    config = folder / "config.yml"
    config.write_text("version: 0.1\nstorage: {filesystem: {}}\nhttp: {}\nlog: {level: error}\n")
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(config)], env=environment, stdout=log, stderr=log
        )
        try:
            _wait_for(address, process)
            yield address
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"docker-registry did not start (exit code {process.poll()})")


def put_image(address: str, repository: str, tag: str, made: MadeImage) -> None:
    """Push by hand, with nothing of ours in between."""
    for digest, content in made.blobs.items():
        location = _ask("POST", f"http://{address}/v2/{repository}/blobs/uploads/")
        sign = "&" if "?" in location else "?"
        kind = {"Content-Type": "application/octet-stream"}
        _ask("PUT", f"{location}{sign}digest={digest}", content, kind)
    url = f"http://{address}/v2/{repository}/manifests/{tag}"
    _ask("PUT", url, made.manifest, {"Content-Type": made.media_type})


def _ask(
    method: str, url: str, data: bytes | None = None, headers: dict[str, str] | None = None
) -> str:
    """Ask, expect success, and say where it leads."""
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        response.read()
        return str(response.headers.get("Location", ""))


async def silence(_: web.Request) -> web.StreamResponse:
    """A handler that never answers."""
    await asyncio.Event().wait()
    raise AssertionError
