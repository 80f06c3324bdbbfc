"""Pushed images get an index of their layers, unasked; it is listed with them and goes with them."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

from tests.images import file, noise, tar
from tests.registry_calls import DEMO, Bench, Sent, bench, reopened

from towline.content.index_blob import (
    ARTIFACT_TYPE,
    HEAD_TYPE,
    LAYER_ANNOTATION,
    WINDOWS_TYPE,
    decode_head,
)
from towline.content.index_span import unpack_span
from towline.oci.digest import Digest
from towline.oci.media_type import OCI_MANIFEST

LINES = b"".join(b"%d the quick brown fox\n" % number for number in range(150_000))
TAR = tar(*(file(f"f{number}", LINES + noise(1_000_000, number)) for number in range(3)))
LAYER = gzip.compress(TAR, 6)
OTHER = gzip.compress(tar(file("other", noise(1_100_000, 9))), 1)
SMALL = gzip.compress(tar(file("small", b"x" * 2000)))


async def referrers(held: Bench, digest: str) -> list[dict[str, Any]]:
    """What `/referrers` lists of an image."""
    reply = await held.caller(DEMO).ask("GET", f"/v2/team/app/referrers/{digest}")
    assert reply.status == 200
    return list(reply.json["manifests"])


async def index_of(held: Bench, digest: str) -> list[dict[str, Any]]:
    """The blobs of an image's index."""
    (listed,) = await referrers(held, digest)
    assert listed["artifactType"] == ARTIFACT_TYPE
    reply = await held.caller(DEMO).ask("GET", f"/v2/team/app/manifests/{listed['digest']}")
    assert reply.json["subject"]["digest"] == digest
    return list(reply.json["layers"])


async def blob(held: Bench, digest: str, begin: int = 0, end: int = 1 << 40) -> bytes:
    """A part of a blob, as a client reads it."""
    sent = Sent({"range": f"bytes={begin}-{end - 1}"})
    reply = await held.caller(DEMO).ask("GET", f"/v2/team/app/blobs/{digest}", sent=sent)
    assert reply.status == 206
    return reply.body


def is_kept(folder: Path, digest: str) -> bool:
    """Whether a blob has a file."""
    digits = Digest.parse(digest).hex
    return (folder / "registry/blobs/sha256" / digits[:2] / digits).exists()


async def test_a_pushed_layer_can_be_read_in_parts_by_its_index(tmp_path: Path) -> None:
    """Listed, announced by its type, and each span comes out right over the registry's ranges."""
    async with bench(tmp_path) as held:
        digest = await held.caller(DEMO).push_image("team/app", "v1", LAYER)
        before = await referrers(held, digest)
        await held.registry.indexer.index_all()
        head, windows = await index_of(held, digest)

        layer = str(Digest.of(LAYER))
        index = decode_head(await blob(held, head["digest"]))
        spans = list[bytes]()
        for number, span in enumerate(index.spans):
            packed, frame = index.packed_range(number), b""
            if span.window_size:
                end = span.window + span.window_size
                frame = await blob(held, windows["digest"], span.window, end)
            part = await blob(held, layer, packed.start, packed.stop)
            spans.append(unpack_span(index, number, part, frame))

        assert before == []
        assert [head["mediaType"], windows["mediaType"]] == [HEAD_TYPE, WINDOWS_TYPE]
        assert {one["annotations"][LAYER_ANNOTATION] for one in (head, windows)} == {layer}
        assert len(spans) > 1
        assert b"".join(spans) == TAR
        assert index.packed_size == len(LAYER)


async def test_an_index_goes_with_its_image_and_leaves_what_others_share(tmp_path: Path) -> None:
    """Two images with one layer have one index of it; it stays until the last of them goes."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        first = await caller.push_image("team/app", "v1", OTHER)
        body = await caller.image("team/app", OTHER, annotations={"a": "b"})
        second = await caller.push_manifest("team/app", "v2", body)
        await held.registry.indexer.index_all()
        shared = await index_of(held, first)
        assert shared == await index_of(held, second)

        kept = list[bool]()
        for digest in (first, second):
            gone = await caller.ask("DELETE", f"/v2/team/app/manifests/{digest}")
            assert gone.status == 202
            assert await referrers(held, digest) == []
            await held.registry.upkeep.sweep()
            kept.append(is_kept(tmp_path, shared[0]["digest"]))

        assert kept == [True, False]


async def test_only_the_registry_makes_indexes(tmp_path: Path) -> None:
    """Whoever may push beside an image must not decide what it shows."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        body = await caller.image("team/app", OTHER, artifactType=ARTIFACT_TYPE)
        sent = Sent({"content-type": OCI_MANIFEST}, [body])
        reply = await caller.ask("PUT", "/v2/team/app/manifests/index", sent=sent)

        assert (reply.status, reply.code) == (403, "DENIED")


async def test_what_cannot_be_indexed_is_left_alone_and_the_rest_is_not(tmp_path: Path) -> None:
    """Rubbish for a layer, an image that goes away meanwhile: the next one gets its index."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        rubbish = await caller.push_image("team/app", "v1", b"\x1f\x8b rubbish" * 200_000)
        good = await caller.push_image("team/app", "v2", OTHER)
        before = (await caller.ask("GET", "/v2/team/app/manifests/v2")).body
        held.pass_time(500)
        stamp = [one.updated_at for one in held_repositories(held)]
        await held.registry.indexer.index_all()
        await held.registry.indexer.index_all()

        assert await referrers(held, rubbish) == []
        assert len(await referrers(held, good)) == 1
        assert (await caller.ask("GET", "/v2/team/app/manifests/v2")).body == before
        assert [one.updated_at for one in held_repositories(held)] == stamp


async def test_small_layers_are_not_worth_it(tmp_path: Path) -> None:
    """They are fetched before anybody would notice; and an image of nothing else gets no index."""
    async with bench(tmp_path) as held:
        small = await held.caller(DEMO).push_image("team/app", "v1", SMALL)
        await held.registry.indexer.index_all()

        assert await referrers(held, small) == []


def held_repositories(held: Bench) -> list[Any]:
    """The repositories, with when they were pushed to."""
    return list(held.registry.indexer._catalogue.held_repositories(DEMO.id, ""))


async def test_images_of_before_a_restart_are_indexed_after_it(tmp_path: Path) -> None:
    """By the task that looks for what is missing; what a killed process left is removed."""
    async with bench(tmp_path) as held:
        digest = await held.caller(DEMO).push_image("team/app", "v1", OTHER)
    (tmp_path / "registry/indexing/left").mkdir(parents=True)
    async with reopened(tmp_path) as held, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(held.registry.indexer.run())
        async with asyncio.timeout(60):
            while not await referrers(held, digest):
                await held.registry.upkeep.sweep()
        running.cancel()

        assert not (tmp_path / "registry/indexing/left").exists()
        assert len(await index_of(held, digest)) == 1
