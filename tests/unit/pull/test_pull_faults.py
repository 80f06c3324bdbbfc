"""A network that fails in the middle of a layer: the pull gets over it, or ends with one exact
error, in a time that is known before.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from tests.images import file, image, tar
from tests.registries import ScriptedRegistry, scripted

from towline.content.fetch import Habits
from towline.content.layers import LayerStore
from towline.linux.wire import SocketWire
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.attempt import PullFailed
from towline.pull.flow import PulledImage, pull
from towline.pull.keyring import Keyring
from towline.pull.patience import Refusal, wait_before_asking_again
from towline.pull.policy import AddressList, RegistryPolicy
from towline.pull.progress import NoProgress

MADE = image(tar(file("random", random.Random(3).randbytes(1_000_000))))
(BLOB,) = MADE.layers
CONTENT = MADE.blobs[BLOB]
HALF = len(CONTENT) // 2
Answer = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


async def _begin(request: web.Request, size: int) -> web.StreamResponse:
    begin = _begin_of(request)
    headers = {"Content-Range": f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}"} if begin else {}
    response = web.StreamResponse(status=206 if begin else 200, headers=headers)
    response.content_length = size
    await response.prepare(request)
    return response


def _begin_of(request: web.Request) -> int:
    return int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])


async def well(request: web.Request, rest: bytes) -> web.StreamResponse:
    """All of it."""
    response = await _begin(request, len(rest))
    await response.write(rest)
    return response


async def cut(request: web.Request, rest: bytes) -> web.StreamResponse:
    """Half of it, and then the connection is gone."""
    response = await _begin(request, len(rest))
    await response.write(rest[: len(rest) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


async def stalled(request: web.Request, rest: bytes) -> web.StreamResponse:
    """Half of it, and then nothing any more."""
    response = await _begin(request, len(rest))
    await response.write(rest[: len(rest) // 2])
    await asyncio.sleep(60)
    return response


async def trickling(request: web.Request, rest: bytes) -> web.StreamResponse:
    """A byte now and then."""
    response = await _begin(request, len(rest))
    for position in range(1000):
        await response.write(rest[position : position + 1])
        await asyncio.sleep(0.05)
    return response


async def damaged(request: web.Request, rest: bytes) -> web.StreamResponse:
    """One byte is another."""
    response = await _begin(request, len(rest))
    await response.write(rest[:100] + bytes([rest[100] ^ 1]) + rest[101:])
    return response


async def short(request: web.Request, rest: bytes) -> web.StreamResponse:
    """Less than the manifest says, in good order."""
    response = await _begin(request, len(rest) - 1000)
    await response.write(rest[:-1000])
    return response


async def long(request: web.Request, rest: bytes) -> web.StreamResponse:
    """More than the manifest says."""
    response = await _begin(request, len(rest) + 1000)
    await response.write(rest + bytes(1000))
    return response


async def whole(request: web.Request, _: bytes) -> web.StreamResponse:
    """All of it from the beginning, whatever was asked for."""
    return web.Response(body=CONTENT)


async def elsewhere(request: web.Request, _: bytes) -> web.StreamResponse:
    """Another part than was asked for, and it says so."""
    begin = _begin_of(request) // 2
    span = f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}"
    return web.Response(status=206, body=CONTENT[begin:], headers={"Content-Range": span})


async def unmeasured(request: web.Request, rest: bytes) -> web.StreamResponse:
    """All of it, without its size."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(rest)
    return response


async def around(request: web.Request, _: bytes) -> web.StreamResponse:
    """Go there, where you are."""
    return web.Response(status=307, headers={"Location": str(request.url)})


def status(code: int, **headers: str) -> Answer:
    """No."""

    async def answer(_: web.Request, __: bytes) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, headers=named)

    return answer


@dataclass(slots=True)
class Server:
    """Answers for the layer as the script says, and with its last line from then on."""

    script: tuple[Answer, ...]
    asked: int = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """The next answer."""
        answer = self.script[min(self.asked, len(self.script) - 1)]
        self.asked += 1
        return await answer(request, CONTENT[_begin_of(request) :])


async def pulled(root: Path, *script: Answer) -> PulledImage:
    """The image, pulled from a registry whose layer is served by a script; patiently, unless the
    script tries patience.
    """
    slow = {stalled, trickling} & set(script)
    habits = Habits(slowest=10_000, patience=0.3 * len(script)) if slow else Habits()
    store, wire = LayerStore(root, habits=habits), SocketWire()
    overrides = {f"GET {BLOB}": Server(script)}
    try:
        async with scripted(ScriptedRegistry(MADE, overrides=overrides)) as registry:
            return await pull(
                Reference.parse(f"{registry.address}/a:latest"),
                RegistryPolicy(plain_http=AddressList.parse("all")),
                Keyring(),
                wire=wire,
                layers=store,
                platform=Platform("linux", "amd64"),
                progress=NoProgress(),
            )
    finally:
        wire.close()
        store.close()


def files(root: Path) -> set[str]:
    """Every file of the store but its own two, and where it is."""
    found = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
    return found - {"lock", "boot_id"}


LAYER = f"sha256/{MADE.diff_ids[0].hex}"
CUT = f"partial/sha256-{BLOB.hex}/{0:016d}"
"""What a download that was cut has left for the next one."""


@pytest.mark.parametrize(
    "script",
    [
        (cut, well),
        (cut, cut, cut, cut, cut, well),
        (stalled, well),
        (trickling, stalled, well),
        (cut, whole),
        (cut, elsewhere, whole),
        (cut, status(416), whole),
        (cut, status(501), whole),
        (status(429, Retry_After="0"), well),
        (status(503), status(500), well),
        (cut, status(503), well),
        (unmeasured,),
    ],
    ids=[
        "cut", "cut-again-and-again", "stall", "trickle", "range-ignored", "another-range", "range-416",
        "range-501", "429", "5xx", "cut-then-503", "no-size",
    ],
)  # fmt: skip
async def test_a_pull_gets_over_a_fault(tmp_path: Path, script: tuple[Answer, ...]) -> None:
    """The layer is right, and nothing else is left."""
    image = await pulled(tmp_path, *script)

    assert sum(receipt.fetched for receipt in image.receipts.values()) < len(CONTENT) * 1.6
    assert files(tmp_path) == {LAYER}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (stalled, "failed to copy: context canceled"),
        (trickling, "failed to copy: context canceled"),
        (damaged, f"unexpected commit digest sha256:*, expected {BLOB}: failed precondition"),
        (short, "failed to read expected number of bytes: unexpected EOF"),
        (long, f"failed size validation: {len(CONTENT) + 1000} != {len(CONTENT)}: failed precon"),
        (status(503), "failed to copy: httpReadSeeker: failed open: unexpected status code "),
        (status(429, Retry_After="3600"), "429 Too Many Requests"),
        (around, "307 Temporary Redirect"),
    ],
    ids=["stall", "trickle", "corrupt", "short", "long", "503", "429", "redirect-loop"],
)
async def test_a_fault_that_stays_is_one_exact_error(
    tmp_path: Path, answer: Answer, text: str
) -> None:
    """And the next pull, when all is well again, succeeds."""
    with pytest.raises(PullFailed) as caught:
        await pulled(tmp_path, answer)
    assert all(part in str(caught.value) for part in text.split("*"))
    assert files(tmp_path) <= {CUT}

    image = await pulled(tmp_path, well)
    assert sum(receipt.fetched + receipt.reused for receipt in image.receipts.values()) == len(
        CONTENT
    )
    assert files(tmp_path) == {LAYER}


async def test_many_pods_that_want_one_cold_image_fetch_it_once(tmp_path: Path) -> None:
    """Each asks for the manifest with its own key; the bytes come for all."""
    store, policy = LayerStore(tmp_path), RegistryPolicy(plain_http=AddressList.parse("all"))
    server = Server((well,))
    wires = [SocketWire() for _ in range(20)]
    async with scripted(ScriptedRegistry(MADE, overrides={f"GET {BLOB}": server})) as registry:
        reference = Reference.parse(f"{registry.address}/a:latest")
        images = await asyncio.gather(
            *(
                pull(
                    reference,
                    policy,
                    Keyring(),
                    wire=wire,
                    layers=store,
                    platform=Platform("linux", "amd64"),
                    progress=NoProgress(),
                )
                for wire in wires
            )
        )
    for wire in wires:
        wire.close()
    store.close()

    fetched = [receipt.fetched for image in images for receipt in image.receipts.values()]
    assert sum(fetched) == len(CONTENT)
    assert server.asked == 1


@pytest.mark.parametrize(
    ("refusal", "waits"),
    [
        (Refusal(429, "", of_blob=False), [0, 0, 0, 0, 0, None]),
        (Refusal(429, "4", of_blob=False), [4, 4, None]),
        (Refusal(429, "11", of_blob=True), [None]),
        (Refusal(503, "", of_blob=True), [0.1, 0.2, 0.4, 0.8, 1.6, None]),
        (Refusal(503, "tomorrow", of_blob=True), [0.1, 0.2, 0.4, 0.8, 1.6, None]),
        (Refusal(503, "", of_blob=False), [None]),
        (Refusal(404, "1", of_blob=True), [None]),
    ],
    ids=["containerd", "said", "too-long", "overloaded", "date", "manifest", "never"],
)
def test_how_long_a_registry_is_waited_for(refusal: Refusal, waits: list[float | None]) -> None:
    """As long as it says, within reason."""
    seen, waited = list[float | None](), 0.0
    while not seen or seen[-1] is not None:
        seen.append(wait_before_asking_again(refusal, len(seen) + 1, waited))
        waited += seen[-1] or 0

    assert seen == waits
