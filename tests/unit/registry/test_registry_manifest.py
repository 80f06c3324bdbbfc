"""Manifests: pushed as they are, by tag or digest, complete, and gone when they are deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.registry_calls import DEMO, Sent, bench, described, reopened

from towline.oci.digest import Algorithm, Digest
from towline.oci.manifest import MAX_MANIFEST_SIZE
from towline.oci.media_type import OCI_INDEX, OCI_LAYER, OCI_MANIFEST

MANIFESTS = "/v2/team/app/manifests"


async def test_the_bytes_that_were_pushed_are_pulled(tmp_path: Path) -> None:
    """By the tag and by the digest, with the type that they came with, whatever is accepted."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        body = await caller.image("team/app") + b"\n  "
        digest = await caller.push_manifest("team/app", "v1", body)
        for reference in ("v1", digest):
            accept = Sent({"accept": "application/vnd.docker.distribution.manifest.v2+json"})
            pulled = await caller.ask("GET", f"{MANIFESTS}/{reference}", sent=accept)

            assert (pulled.status, pulled.body) == (200, body)
            assert pulled.headers["content-type"] == OCI_MANIFEST
            assert pulled.headers["docker-content-digest"] == digest == str(Digest.of(body))


async def test_a_look_at_a_manifest_tells_its_length(tmp_path: Path) -> None:
    """containerd needs the length and the digest, or asks again with GET."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        digest = await caller.push_image("team/app", "v1")
        look = await caller.ask("HEAD", f"{MANIFESTS}/v1")
        whole = await caller.ask("GET", f"{MANIFESTS}/v1")

        assert (look.status, look.body) == (200, b"")
        assert look.headers == whole.headers
        assert look.headers["docker-content-digest"] == digest


async def test_a_tag_moves(tmp_path: Path) -> None:
    """At once, although manifests are kept in memory; the old one stays under its digest."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        old = await caller.push_image("team/app", "latest", b"one")
        await caller.ask("GET", f"{MANIFESTS}/latest")
        new = await caller.push_image("team/app", "latest", b"two")
        pulled = await caller.ask("GET", f"{MANIFESTS}/latest")
        by_digest = await caller.ask("GET", f"{MANIFESTS}/{old}")

        assert pulled.headers["docker-content-digest"] == new != old
        assert by_digest.status == 200


async def test_a_manifest_may_be_pushed_under_several_tags(tmp_path: Path) -> None:
    """By its digest; every tag is acknowledged."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        body = await caller.image("team/app")
        digest = str(Digest.of(body, Algorithm.SHA512))
        sent = Sent({"content-type": OCI_MANIFEST}, [body])
        query = [("tag", "one"), ("tag", "two"), ("tag", "one")]
        pushed = await caller.ask("PUT", f"{MANIFESTS}/{digest}", query, sent)
        pulled = await caller.ask("GET", f"{MANIFESTS}/two")
        many = [("tag", f"t{number}") for number in range(33)]
        too_many = await caller.ask("PUT", f"{MANIFESTS}/{digest}", many, sent)

        assert (pushed.status, pushed.headers["oci-tag"]) == (201, "one, two")
        assert pulled.headers["docker-content-digest"] == digest
        assert too_many.status == 414


async def test_an_image_without_its_parts_is_not_taken(tmp_path: Path) -> None:
    """All that is missing is named; parts in another repository do not count."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        body = await caller.image("side/app", b"layer")
        sent = Sent({"content-type": OCI_MANIFEST}, [body])
        refused = await caller.ask("PUT", f"{MANIFESTS}/v1", sent=sent)

        assert (refused.status, refused.code) == (404, "MANIFEST_BLOB_UNKNOWN")
        missing = refused.json["errors"][0]["detail"]["missing"]
        assert missing == [str(Digest.of(b"{}")), str(Digest.of(b"layer"))]
        assert (await caller.ask("GET", f"{MANIFESTS}/v1")).status == 404


async def test_an_index_needs_its_manifests(tmp_path: Path) -> None:
    """It is taken when all are here."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        image = await caller.image("team/app")
        index = json.dumps(
            {"schemaVersion": 2, "manifests": [described(image, OCI_MANIFEST)]}
        ).encode()
        sent = Sent({"content-type": OCI_INDEX}, [index])
        early = await caller.ask("PUT", f"{MANIFESTS}/all", sent=sent)
        await caller.push_manifest("team/app", str(Digest.of(image)), image)
        late = await caller.ask("PUT", f"{MANIFESTS}/all", sent=sent)

        assert (early.status, late.status) == (404, 201)


async def test_a_layer_that_may_not_be_distributed_need_not_be_here(tmp_path: Path) -> None:
    """Windows' base images have such layers."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        foreign = described(b"not here", OCI_LAYER.replace("layer.v1", "layer.nondistributable.v1"))
        body = await caller.image("team/app", layers=[foreign])

        assert await caller.push_manifest("team/app", "v1", body) == str(Digest.of(body))


async def test_a_subject_need_not_be_here_and_is_acknowledged(tmp_path: Path) -> None:
    """Without `OCI-Subject` clients write tags of their own instead."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        subject = described(b"not here", OCI_MANIFEST)
        body = await caller.image("team/app", subject=subject)
        sent = Sent({"content-type": OCI_MANIFEST}, [body])
        pushed = await caller.ask("PUT", f"{MANIFESTS}/{Digest.of(body)}", sent=sent)

        assert (pushed.status, pushed.headers["oci-subject"]) == (201, subject["digest"])


@pytest.mark.parametrize(
    ("reference", "media_type", "body", "code"),
    [
        ("v1", OCI_MANIFEST, b"", "MANIFEST_INVALID"),
        ("v1", OCI_MANIFEST, b"[]", "MANIFEST_INVALID"),
        ("v1", OCI_MANIFEST, b"\xff", "MANIFEST_INVALID"),
        ("v1", OCI_INDEX, b'{"schemaVersion": 1, "manifests": []}', "MANIFEST_INVALID"),
        ("v1", "text/plain", b'{"schemaVersion": 2}', "MANIFEST_INVALID"),
        ("-v1", OCI_INDEX, b'{"schemaVersion": 2, "manifests": []}', "TAG_INVALID"),
        (f"sha256:{'0' * 64}", OCI_INDEX, b"{}", "DIGEST_INVALID"),
        ("sha256:x", OCI_INDEX, b"{}", "DIGEST_INVALID"),
    ],
)
async def test_what_is_no_manifest_is_refused(
    tmp_path: Path, reference: str, media_type: str, body: bytes, code: str
) -> None:
    """400, never a defect."""
    async with bench(tmp_path) as held:
        sent = Sent({"content-type": media_type}, [body])
        refused = await held.caller(DEMO).ask("PUT", f"{MANIFESTS}/{reference}", sent=sent)

        assert (refused.status, refused.code) == (400, code)


async def test_a_manifest_may_be_four_megabytes_and_no_more(tmp_path: Path) -> None:
    """413 is the specification's word for more."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        body = await caller.image("team/app")
        largest = body + b" " * (MAX_MANIFEST_SIZE - len(body))
        await caller.push_manifest("team/app", "v1", largest)
        sent = Sent({"content-type": OCI_MANIFEST}, [largest + b" "])
        refused = await caller.ask("PUT", f"{MANIFESTS}/v2", sent=sent)

        assert (await caller.ask("GET", f"{MANIFESTS}/v1")).body == largest
        assert refused.status == 413


async def test_a_deleted_manifest_takes_its_tags_with_it(tmp_path: Path) -> None:
    """The next request does not see it, although it was in memory."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        digest = await caller.push_image("team/app", "v1")
        await caller.ask("GET", f"{MANIFESTS}/v1")
        deleted = await caller.ask("DELETE", f"{MANIFESTS}/{digest}")
        after = [await caller.ask("GET", f"{MANIFESTS}/{one}") for one in ("v1", digest)]
        again = await caller.ask("DELETE", f"{MANIFESTS}/{digest}")

        assert deleted.status == 202
        assert [one.status for one in (*after, again)] == [404, 404, 404]


async def test_a_deleted_tag_leaves_its_manifest(tmp_path: Path) -> None:
    """And the other tags."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        digest = await caller.push_image("team/app", "v1")
        await caller.push_image("team/app", "v2")
        deleted = await caller.ask("DELETE", f"{MANIFESTS}/v1")
        left = [await caller.ask("GET", f"{MANIFESTS}/{one}") for one in ("v1", "v2", digest)]

        assert deleted.status == 202
        assert [one.status for one in left] == [404, 200, 200]


async def test_a_method_that_is_not_known_names_those_that_are(tmp_path: Path) -> None:
    """405 with Allow."""
    async with bench(tmp_path) as held:
        refused = await held.caller(DEMO).ask("POST", f"{MANIFESTS}/v1")

        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, PUT, DELETE")


async def test_what_is_kept_outlives_the_process(tmp_path: Path) -> None:
    """Everything that was acknowledged."""
    async with bench(tmp_path) as held:
        digest = await held.caller(DEMO).push_image("team/app", "v1")
    async with reopened(tmp_path) as held:
        pulled = await held.caller(DEMO).ask("GET", f"{MANIFESTS}/v1")
        layer = await held.caller(DEMO).ask("GET", f"/v2/team/app/blobs/{Digest.of(b'layer')}")

        assert pulled.headers["docker-content-digest"] == digest
        assert layer.body == b"layer"
