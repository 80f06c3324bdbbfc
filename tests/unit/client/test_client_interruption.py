"""An interrupted pull leaves nothing, and a connection that breaks does not start again from zero."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from aiohttp import web
from tests.images import file, image, tar
from tests.registries import ScriptedRegistry, scripted, silence

from towline.client.pull import PullWish, pull_to_folder
from towline.client.registry_access import RegistryAccess
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.progress import NoProgress

CONTENT = bytes(range(256)) * 8000
IMAGE = image(tar(file("small", b"1")), tar(file("large", CONTENT)))
LARGE = IMAGE.blobs[IMAGE.layers[1]]
PROGRAM = """
import sys, typer
from towline.cli.pull import pull_command
app = typer.Typer()
app.command()(pull_command)
app()
"""


def names(folder: Path) -> set[str]:
    """What is in a folder."""
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
async def test_an_interrupted_pull_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while a layer hangs: no folder, nothing beside it, and soon."""
    hanging = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        hanging.set()
        return await silence(request)

    overrides = {f"GET /{IMAGE.layers[1]}": hang}
    async with scripted(ScriptedRegistry(IMAGE, overrides=overrides)) as registry:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, f"{registry.address}/a", "--to", "out", cwd=tmp_path,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(60):
            await hanging.wait()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            code = await process.wait()

    assert code != 0
    assert names(tmp_path) == set()


@pytest.mark.parametrize("ranges", ["ranges", "no-ranges"])
async def test_a_broken_download_goes_on_where_it_broke(tmp_path: Path, ranges: str) -> None:
    """The server hangs up half-way, twice; the third answer completes the layer."""
    asked = list[str]()

    async def breaking(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Range", ""))
        begin = int(asked[-1].removeprefix("bytes=").rstrip("-") or 0) if ranges == "ranges" else 0
        response = web.StreamResponse(status=206 if begin else 200)
        response.content_length = len(LARGE) - begin
        if begin:
            response.headers["Content-Range"] = f"bytes {begin}-{len(LARGE) - 1}/{len(LARGE)}"
        await response.prepare(request)
        end = len(LARGE) * len(asked) // 3 if len(asked) < 3 else len(LARGE)
        await response.write(LARGE[begin:end])
        if end < len(LARGE) and request.transport is not None:
            request.transport.close()
        return response

    overrides = {f"GET /{IMAGE.layers[1]}": breaking}
    async with scripted(ScriptedRegistry(IMAGE, overrides=overrides)) as registry:
        reference = Reference.parse(f"{registry.address}/a")
        wish = PullWish(reference, Platform("linux", "amd64"), RegistryAccess(plain_http=True))
        await asyncio.to_thread(pull_to_folder, wish, tmp_path / "out", NoProgress())

    assert (tmp_path / "out" / "large").read_bytes() == CONTENT
    assert asked[0] == ""
    assert all(text.startswith("bytes=") for text in asked[1:])
    assert len(asked) == 3
