"""A registry whose content is not what it promises: `python -m demo.broken_registry HOST:PORT`.

`/v2/broken/other:1` has a layer with other bytes than its digest says; `/v2/broken/short:1` one that
ends before its time.
"""

from __future__ import annotations

import sys

from aiohttp import web
from tests.images import MadeImage, busybox_tar, file, image, tar
from tests.registries import ScriptedRegistry

from towline.oci.digest import Digest


def flipped(content: bytes) -> bytes:
    """As long as it was, but not the same."""
    return content[:-1] + bytes([content[-1] ^ 1])


def application(made: MadeImage) -> web.Application:
    """One image under two repositories, each with a fault of its own in the upper layer."""
    spoiled = made.layers[1]
    content = made.blobs[spoiled]
    whole = ScriptedRegistry(made, extra={"1": (made.manifest, made.media_type)})

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith(str(spoiled)):
            other = request.path.startswith("/v2/broken/other/")
            return web.Response(body=flipped(content)) if other else await cut(request)
        return await whole.handle(request)

    async def cut(request: web.Request) -> web.StreamResponse:
        """Promise everything, send half, hang up."""
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
        if request.transport is not None:
            request.transport.close()
        return response

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    return app


def main() -> None:
    """Serve until terminated."""
    host, _, port = sys.argv[1].partition(":")
    noise = Digest.of(b"towline").hex.encode() * 2000
    made = image(busybox_tar(), tar(file("noise", noise)), Env=["PATH=/bin"])
    web.run_app(application(made), host=host, port=int(port), print=None)


if __name__ == "__main__":
    main()
