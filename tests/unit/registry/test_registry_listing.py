"""Lists: tags, referrers and the catalogue, in order and page by page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.registry_calls import DEMO, Caller, Reply, bench, described

from towline.oci.digest import Digest
from towline.oci.media_type import OCI_INDEX, OCI_MANIFEST

TAGS = "/v2/team/app/tags/list"


async def pages(caller: Caller, path: str) -> list[Any]:
    """All pages of a list, by following its links."""
    found, here = [], path
    while here:
        reply = await caller.ask("GET", here)
        assert reply.status == 200
        found.append(reply.json)
        here = following(reply)
    return found


def following(reply: Reply) -> str:
    """The path of the next page; empty for the last."""
    link = reply.headers.get("link", "")
    assert not link or link.endswith('>; rel="next"')
    return link.partition("<")[2].partition(">")[0]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
async def test_the_pages_of_tags_make_the_whole_list(tmp_path: Path, size: int) -> None:
    """In ASCII order, each tag once, and no page is empty."""
    tags = ["v1", "V2", "_x", "a.b", "v1.0"]
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        for tag in tags:
            await caller.push_image("team/app", tag)
        found = [page["tags"] for page in await pages(caller, f"{TAGS}?n={size}")]

        assert [tag for page in found for tag in page] == sorted(tags)
        assert all(found)


async def test_a_list_goes_on_after_what_is_not_there(tmp_path: Path) -> None:
    """`last` need not exist; no `n` means everything; `n=0` means nothing."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        for tag in ("a", "c"):
            await caller.push_image("team/app", tag)
        after = await caller.ask("GET", TAGS, {"last": "b"})
        none = await caller.ask("GET", TAGS, {"n": "0"})

        assert after.json == {"name": "team/app", "tags": ["c"]}
        assert none.json["tags"] == []
        assert "link" not in none.headers


@pytest.mark.parametrize("count", ["-1", "x", "1.5", "٣", "9" * 30])
async def test_a_page_size_that_is_no_number_is_refused(tmp_path: Path, count: str) -> None:
    """400, with a code that says what is wrong."""
    async with bench(tmp_path) as held:
        refused = await held.caller(DEMO).ask("GET", TAGS, {"n": count})

        assert (refused.status, refused.code) == (400, "PAGINATION_NUMBER_INVALID")


async def test_a_repository_that_is_not_there_has_no_tags(tmp_path: Path) -> None:
    """Asked by one who may pull; one that lost its last tag has an empty list."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        unknown = await caller.ask("GET", TAGS)
        await caller.push_image("team/app", "v1")
        await caller.ask("DELETE", "/v2/team/app/manifests/v1")
        empty = await caller.ask("GET", TAGS)

        assert (unknown.status, unknown.code) == (404, "NAME_UNKNOWN")
        assert empty.json["tags"] == []


async def test_the_catalogue_comes_in_pages(tmp_path: Path) -> None:
    """Only repositories that hold a manifest are shown."""
    names = [f"team/{letter}" for letter in "abcde"]
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        for name in names:
            await caller.push_image(name, "v1")
        await caller.push_blob("team/only-a-blob", b"x")
        found = [page["repositories"] for page in await pages(caller, "/v2/_catalog?n=2")]

        assert found == [names[:2], names[2:4], names[4:]]


async def _refer(caller: Caller, subject: str, kind: str, **more: Any) -> str:
    descriptor = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 2}
    body = await caller.image("team/app", subject=descriptor, artifactType=kind, **more)
    return await caller.push_manifest("team/app", str(Digest.of(body)), body)


async def test_referrers_are_listed_with_what_they_say_of_themselves(tmp_path: Path) -> None:
    """Type, size and annotations, as an index; those of another subject are not there."""
    subject = str(Digest.of(b"subject"))
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        one = await _refer(caller, subject, "a/signature", annotations={"by": "me"})
        two = await _refer(caller, subject, "a/list")
        await _refer(caller, str(Digest.of(b"another")), "a/list")
        reply = await caller.ask("GET", f"/v2/team/app/referrers/{subject}")

        assert reply.headers["content-type"] == OCI_INDEX
        assert [item["digest"] for item in reply.json["manifests"]] == sorted([one, two])
        signature = next(item for item in reply.json["manifests"] if item["digest"] == one)
        assert signature["artifactType"] == "a/signature"
        assert signature["annotations"] == {"by": "me"}
        assert signature["mediaType"] == OCI_MANIFEST


async def test_referrers_are_filtered_by_type(tmp_path: Path) -> None:
    """The answer says that the filter was applied."""
    subject = str(Digest.of(b"subject"))
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        await _refer(caller, subject, "a/signature")
        wanted = await _refer(caller, subject, "a/list")
        path = f"/v2/team/app/referrers/{subject}"
        reply = await caller.ask("GET", path, {"artifactType": "a/list"})

        assert [item["digest"] for item in reply.json["manifests"]] == [wanted]
        assert reply.headers["oci-filters-applied"] == "artifactType"


async def test_nobody_refers_to_what_is_not_known(tmp_path: Path) -> None:
    """An empty index, and 400 for what is no digest."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        none = await caller.ask("GET", f"/v2/team/none/referrers/{Digest.of(b'x')}")
        wrong = await caller.ask("GET", "/v2/team/none/referrers/latest")

        assert none.json == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
        assert (wrong.status, wrong.code) == (400, "DIGEST_INVALID")


async def test_many_referrers_come_in_pages_under_four_megabytes(tmp_path: Path) -> None:
    """The link keeps the filter, and no referrer is lost between two pages."""
    subject = str(Digest.of(b"subject"))
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        pushed = {
            await _refer(caller, subject, "a/list", annotations={str(number): "x" * 900_000})
            for number in range(5)
        }
        path = f"/v2/team/app/referrers/{subject}?artifactType=a/list"
        found = await pages(caller, path)

        assert len(found) == 2
        assert all(len(json.dumps(page)) < 4 * 1024 * 1024 for page in found)
        listed = [item["digest"] for page in found for item in page["manifests"]]
        assert (set(listed), len(listed)) == (pushed, 5)


async def test_an_index_refers_with_its_own_type_only(tmp_path: Path) -> None:
    """An image without a type of its own is listed under that of its config."""
    subject = {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(b"s")), "size": 1}
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        image = await caller.image("team/app", subject=subject)
        await caller.push_manifest("team/app", "image", image)
        listed = [described(image, OCI_MANIFEST)]
        index = json.dumps({"schemaVersion": 2, "manifests": listed, "subject": subject}).encode()
        await caller.push_manifest("team/app", "index", index, OCI_INDEX)
        reply = await caller.ask("GET", f"/v2/team/app/referrers/{subject['digest']}")

        types = {one["mediaType"]: one.get("artifactType") for one in reply.json["manifests"]}
        assert types == {OCI_MANIFEST: "application/vnd.oci.image.config.v1+json", OCI_INDEX: None}
