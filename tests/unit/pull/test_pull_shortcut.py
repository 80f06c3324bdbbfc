"""A layer that somebody makes usable otherwise is not fetched; and nobody who tries to do so can make
a pull fail.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from tests.images import file, image, tar
from tests.registries import ScriptedRegistry, scripted

from towline.content.layers import LayerStore
from towline.linux.wire import SocketWire
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.oci.media_type import OCI_INDEX
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.attempt import StepKind
from towline.pull.flow import PulledImage, pull
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import AddressList, RegistryPolicy
from towline.pull.progress import NoProgress
from towline.pull.shortcut import IndexReader, NotThere, Offer
from towline.pull.wire import Transport

KIND = "application/vnd.example.index.v1"
BLOB = b"what makes a layer usable"
TWO = image(tar(file("a", b"one")), tar(file("b", b"two" * 1000)))
Work = Callable[[Offer, IndexReader], Awaitable[frozenset[Digest]]]


@dataclass
class Taker:
    """A shortcut that does what a test says, and remembers what it was offered."""

    work: Work
    offers: list[Offer] = field(default_factory=list)

    async def take(self, offer: Offer, reader: IndexReader) -> frozenset[Digest]:
        """See `Shortcut`."""
        self.offers.append(offer)
        return await self.work(offer, reader)


@dataclass
class Place:
    """A store, and a registry with something beside the image."""

    layers: LayerStore
    registry: ScriptedRegistry

    async def pull(self, work: Work) -> tuple[PulledImage, Taker]:
        """Pull with this shortcut."""
        taker, wire = Taker(work), SocketWire(dial_timeout=2)
        everybody = AddressList(frozenset({"all"}))
        try:
            async with scripted(self.registry) as registry:
                pulled = await pull(
                    Reference.parse(f"{registry.address}/team/app"),
                    RegistryPolicy(plain_http=everybody),
                    Keyring(((registry.address, Login("ann", "secret")),)),
                    wire=wire,
                    layers=self.layers,
                    platform=Platform("linux", "amd64"),
                    progress=NoProgress(),
                    shortcut=taker,
                )
        finally:
            wire.close()
        return pulled, taker


async def beside(_: web.Request) -> web.Response:
    """The list of what refers to the image: one thing of the wanted kind, one of another."""
    about = {"mediaType": "application/octet-stream", "size": len(BLOB)}
    named = {**about, "digest": str(Digest.of(BLOB)), "artifactType": KIND}
    other = {**named, "artifactType": "application/other"}
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [other, named]}
    return web.Response(text=json.dumps(body), content_type=OCI_INDEX)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """With an index beside the image."""
    layers = LayerStore(tmp_path / "layers")
    registry = ScriptedRegistry(TWO, login=("ann", "secret"))
    registry.overrides = {f"GET /referrers/{TWO.digest}": beside}
    TWO.blobs[Digest.of(BLOB)] = BLOB
    yield Place(layers, registry)
    layers.close()


def outcome(pulled: PulledImage) -> tuple[str, str]:
    """What the attempt says of the shortcut."""
    (step,) = (one for one in pulled.attempts[-1].steps if one.kind is StepKind.SHORTCUT)
    return step.outcome, step.detail


async def test_what_is_taken_is_not_fetched(place: Place) -> None:
    """The other layer is; and the attempt says so."""

    async def first(offer: Offer, _: IndexReader) -> frozenset[Digest]:
        return frozenset({offer.layers[0].diff_id})

    pulled, taker = await place.pull(first)

    assert [place.layers.has(diff_id) for diff_id in TWO.diff_ids] == [False, True]
    assert pulled.diff_ids == TWO.diff_ids
    assert outcome(pulled) == ("ok", "1 of 2 layers")
    (offer,) = taker.offers
    assert offer.manifest.digest == TWO.digest
    assert offer.login == Login("ann", "secret")
    assert offer.transport is Transport.PLAIN


async def test_what_is_beside_the_image_is_read_with_the_same_login(place: Place) -> None:
    """Only what is of the wanted kind, and verified."""
    read = list[bytes]()

    async def reading(_: Offer, reader: IndexReader) -> frozenset[Digest]:
        (found,) = await reader.referrers(KIND)
        read.append(await reader.content(found, 100))
        return frozenset()

    pulled, _ = await place.pull(reading)

    assert read == [BLOB]
    assert all(map(place.layers.has, pulled.diff_ids))


def wrong(digest: Digest, size: int) -> Work:
    """Reads something that is not there, or not as it is said to be."""

    async def work(_: Offer, reader: IndexReader) -> frozenset[Digest]:
        await reader.content(Descriptor("application/octet-stream", digest, size), 100)
        raise AssertionError("what is wrong must not be given")

    return work


@pytest.mark.parametrize(
    ("digest", "size"),
    [
        pytest.param(Digest.of(b"nobody has it"), 13, id="missing"),
        pytest.param(Digest.of(BLOB), len(BLOB) - 1, id="too-long"),
        pytest.param(Digest.of(BLOB), len(BLOB) + 1000, id="beyond-the-limit"),
        pytest.param(Digest.of(BLOB), 0, id="empty"),
    ],
)
async def test_what_is_not_there_is_no_failure(place: Place, digest: Digest, size: int) -> None:
    """The image is pulled in full, and the attempt says why."""
    pulled, _ = await place.pull(wrong(digest, size))

    assert all(map(place.layers.has, pulled.diff_ids))
    assert outcome(pulled)[0] == "none"


async def test_wrong_bytes_are_not_given(place: Place) -> None:
    """A registry cannot put something else in the place of an index."""
    forged = Digest.of(b"the index")
    TWO.blobs[forged] = b"not the i"

    pulled, _ = await place.pull(wrong(forged, 9))

    assert all(map(place.layers.has, pulled.diff_ids))
    assert "other bytes than its digest" in outcome(pulled)[1]


@pytest.mark.parametrize("status", [404, 500], ids=str)
async def test_a_registry_may_know_no_referrers(place: Place, status: int) -> None:
    """Most do not."""

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async def ask(_: Offer, reader: IndexReader) -> frozenset[Digest]:
        return frozenset(one.digest for one in await reader.referrers(KIND))

    place.registry.overrides = {f"GET /referrers/{TWO.digest}": refuse}
    pulled, _ = await place.pull(ask)

    assert all(map(place.layers.has, pulled.diff_ids))
    assert outcome(pulled)[0] == "none"


async def test_a_shortcut_that_finds_nothing_says_why(place: Place) -> None:
    """Its reason is kept for whoever asks later."""

    async def nothing(_: Offer, __: IndexReader) -> frozenset[Digest]:
        raise NotThere("no index yet")

    pulled, _ = await place.pull(nothing)

    assert outcome(pulled) == ("none", "no index yet")
