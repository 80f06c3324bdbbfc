"""Uploads: in one request, in pieces, interrupted, wrong, mounted, cancelled, forgotten."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.registry_calls import DEMO, Bench, Caller, Reply, Sent, bench, reopened
from tests.registry_role import credential

from towline.oci.digest import Algorithm, Digest
from towline.registry.uploads import LONGEST
from towline.resource.credential import Permission

UPLOADS = "/v2/team/app/blobs/uploads/"
CONTENT = b"the quick brown fox jumps over the lazy dog"
DIGEST = str(Digest.of(CONTENT))


async def begin(caller: Caller) -> str:
    """Begin an upload; its location."""
    reply = await caller.ask("POST", UPLOADS)
    assert (reply.status, reply.headers["range"]) == (202, "0-0")
    return reply.headers["location"]


async def append(caller: Caller, location: str, piece: bytes, sent_range: str = "") -> Reply:
    """Send a piece, with its place or without."""
    headers = {"content-range": sent_range} if sent_range else {}
    return await caller.ask("PATCH", location, sent=Sent(headers, [piece]))


async def finish(caller: Caller, location: str, digest: str, piece: bytes = b"") -> Reply:
    """End an upload."""
    return await caller.ask("PUT", location, {"digest": digest}, Sent(pieces=[piece]))


async def blob(caller: Caller, digest: str, repository: str = "team/app") -> Reply:
    """Pull a blob."""
    return await caller.ask("GET", f"/v2/{repository}/blobs/{digest}")


def files(folder: Path) -> list[str]:
    """The blobs on the disk."""
    return sorted(one.name for one in (folder / "registry/blobs").rglob("*") if one.is_file())


def drafts(folder: Path) -> list[str]:
    """The unfinished uploads on the disk."""
    return [one.name for one in (folder / "registry/uploads").iterdir()]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans(), st.sampled_from(Algorithm))
async def test_pieces_make_the_blob_however_they_are_cut(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[bytes],
    is_last_in_put: bool,
    algorithm: Algorithm,
) -> None:
    """Also when the last piece comes with the end, and in an algorithm that nobody announced."""
    content = b"".join(pieces)
    digest = str(Digest.of(content, algorithm))
    last = pieces.pop() if is_last_in_put and pieces else b""
    async with bench(tmp_path_factory.mktemp("pieces")) as held:
        caller = held.caller(DEMO)
        location, arrived = await begin(caller), 0
        for piece in pieces:
            arrived += len(piece)
            reply = await append(caller, location, piece)
            assert reply.headers["range"] == f"0-{max(arrived - 1, 0)}"
        ended = await finish(caller, location, digest, last)
        pulled = await caller.ask("GET", ended.headers["location"])

        assert (ended.status, ended.headers["docker-content-digest"]) == (201, digest)
        assert (pulled.status, pulled.body) == (200, content)


async def test_a_piece_out_of_order_is_refused_and_the_place_told(tmp_path: Path) -> None:
    """416 on a piece in the middle and on the last one; the client goes on from what it is told."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        location = await begin(caller)
        await append(caller, location, CONTENT[:10], "0-9")
        ahead = await append(caller, location, CONTENT[20:30], "20-29")
        sent = Sent({"content-range": f"20-{len(CONTENT) - 1}"}, [CONTENT[20:]])
        at_end = await caller.ask("PUT", location, {"digest": DIGEST}, sent)
        await append(caller, location, CONTENT[10:], f"10-{len(CONTENT) - 1}")
        ended = await finish(caller, location, DIGEST)

        for refused in (ahead, at_end):
            assert (refused.status, refused.headers["range"]) == (416, "0-9")
            assert refused.headers["location"] == location
        assert ended.status == 201


async def test_what_arrived_before_a_cut_stays(tmp_path: Path) -> None:
    """The client asks where it was, and sends the rest."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        location = await begin(caller)
        token = await caller.token("repository:team/app:pull,push")
        cut = Sent({"authorization": f"Bearer {token}"}, [CONTENT[:10]], is_cut_off=True)
        await caller.send("PATCH", location, sent=cut)
        status = await caller.ask("GET", location)
        ended = await finish(caller, location, DIGEST, CONTENT[10:])

        assert (status.status, status.headers["range"]) == (204, "0-9")
        assert ended.status == 201


async def test_a_cut_single_request_leaves_nothing(tmp_path: Path) -> None:
    """Nobody can come back to it, so nothing is kept."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        token = await caller.token("repository:team/app:pull,push")
        cut = Sent({"authorization": f"Bearer {token}"}, [CONTENT[:10]], is_cut_off=True)
        await caller.send("POST", UPLOADS, {"digest": DIGEST}, cut)

        assert (files(tmp_path), drafts(tmp_path)) == ([], [])
        assert (await blob(caller, DIGEST)).status == 404


@pytest.mark.parametrize("is_single", [True, False], ids=["in one request", "in pieces"])
async def test_bytes_that_are_not_their_digest_are_dropped(tmp_path: Path, is_single: bool) -> None:
    """400, and nothing of it is on the disk or to be pulled."""
    wrong = str(Digest.of(b"something else"))
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        if is_single:
            sent = Sent(pieces=[CONTENT])
            refused = await caller.ask("POST", UPLOADS, {"digest": wrong}, sent)
        else:
            refused = await finish(caller, await begin(caller), wrong, CONTENT)

        assert (refused.status, refused.code) == (400, "DIGEST_INVALID")
        assert refused.json["errors"][0]["detail"] == {"digest": wrong, "computed": DIGEST}
        assert (files(tmp_path), drafts(tmp_path)) == ([], [])


@pytest.mark.parametrize("digest", ["", "sha256:x", "md5:00", f"sha256:{'A' * 64}", "latest"])
async def test_a_digest_that_is_none_is_refused(tmp_path: Path, digest: str) -> None:
    """Before any byte is taken."""
    async with bench(tmp_path) as held:
        refused = await held.caller(DEMO).ask("POST", UPLOADS, {"digest": digest})

        assert (refused.status, refused.code) == (400, "DIGEST_INVALID")


async def test_a_cancelled_upload_is_gone(tmp_path: Path) -> None:
    """204, then unknown."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        location = await begin(caller)
        await append(caller, location, CONTENT)
        cancelled = await caller.ask("DELETE", location)
        after = await append(caller, location, CONTENT)

        assert cancelled.status == 204
        assert (after.status, after.code) == (404, "BLOB_UPLOAD_UNKNOWN")
        assert drafts(tmp_path) == []


async def test_an_upload_belongs_to_its_repository(tmp_path: Path) -> None:
    """The same name elsewhere is unknown, or a right in one repository were one in all."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        location = await begin(caller)
        elsewhere = await append(caller, location.replace("team/app", "side/app"), b"x")

        assert (elsewhere.status, elsewhere.code) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_an_upload_goes_on_in_another_process(tmp_path: Path) -> None:
    """What was acknowledged is on the disk; its hash is made again from there."""
    async with bench(tmp_path) as held:
        location = await begin(held.caller(DEMO))
        await append(held.caller(DEMO), location, CONTENT[:10])
    async with reopened(tmp_path) as held:
        caller = held.caller(DEMO)
        status = await caller.ask("GET", location)
        ended = await finish(caller, location, DIGEST, CONTENT[10:])

        assert status.headers["range"] == "0-9"
        assert ended.status == 201


async def test_an_upload_that_rests_too_long_is_forgotten(tmp_path: Path) -> None:
    """What counts is when the last byte came, not when the upload began."""
    rest = timedelta(hours=6).total_seconds()
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        idle, busy = await begin(caller), await begin(caller)
        await append(caller, busy, CONTENT)
        last_byte = held.clock[0] + rest / 2
        os.utime(tmp_path / "registry/uploads" / Path(busy).name, (last_byte, last_byte))
        statuses = []
        for seconds in (rest - 1, 2, rest / 2):
            held.pass_time(seconds)
            await held.registry.upkeep.expire()
            both = [await caller.ask("GET", location) for location in (idle, busy)]
            statuses.append([one.status for one in both])

        assert statuses == [[204, 204], [404, 204], [404, 404]]
        assert drafts(tmp_path) == []


async def test_an_upload_that_never_ends_is_forgotten(tmp_path: Path) -> None:
    """However busy it is; its name opens nothing from then on, and what has arrived is removed."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        location = await begin(caller)
        held.pass_time(LONGEST - 1)
        before = await append(caller, location, CONTENT[:10])
        held.pass_time(1)
        after = await append(caller, location, CONTENT[10:])
        ended = await finish(caller, location, DIGEST, CONTENT[10:])
        await held.registry.upkeep.expire()

        assert [one.status for one in (before, after, ended)] == [202, 404, 404]
        assert drafts(tmp_path) == []


async def test_a_full_disk_is_named_and_nothing_is_taken(tmp_path: Path) -> None:
    """507: the client can do nothing, and its user should know whose disk it is."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        location = await begin(caller)
        (tmp_path / "registry/uploads" / Path(location).name).symlink_to("/dev/full")
        refused = await append(caller, location, CONTENT)

        assert (refused.status, refused.code) == (507, "UNAVAILABLE")
        assert "disk is full" in refused.json["errors"][0]["message"]


async def test_a_blob_is_mounted_from_where_one_may_pull(tmp_path: Path) -> None:
    """No byte is sent, and the file is not there twice."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        await caller.push_blob("side/app", CONTENT)
        mounted = await caller.ask("POST", UPLOADS, {"mount": DIGEST, "from": "side/app"})

        assert (mounted.status, mounted.headers["docker-content-digest"]) == (201, DIGEST)
        assert (await blob(caller, DIGEST)).body == CONTENT
        assert files(tmp_path) == [DIGEST.partition(":")[2]]


async def test_a_mount_without_a_source_looks_where_one_may_pull(tmp_path: Path) -> None:
    """The specification calls it anonymous."""
    async with bench(tmp_path) as held:
        await held.caller(DEMO).push_blob("side/app", CONTENT)
        mounted = await held.caller(DEMO).ask("POST", UPLOADS, {"mount": DIGEST})

        assert mounted.status == 201


@pytest.mark.parametrize("source", ["side/app", "side/none", "absent/app", None])
async def test_a_mount_does_not_say_what_others_have(tmp_path: Path, source: str | None) -> None:
    """The blob is in `side/app`, which this login may not read: it is an upload, as for all that
    is not there, and the upload works.
    """
    allowed = Permission(namespace="team", actions=("pull", "push"))
    login = ("ci", "s")
    async with bench(tmp_path, credential(DEMO, *login, permissions=[allowed])) as held:
        await held.caller(DEMO).push_blob("side/app", CONTENT)
        caller = held.caller(DEMO, login)
        query = {"mount": DIGEST} | ({} if source is None else {"from": source})
        begun = await caller.ask("POST", UPLOADS, query)
        ended = await finish(caller, begun.headers["location"], DIGEST, CONTENT)

        assert begun.status == 202
        assert ended.status == 201


async def test_a_blob_leaves_the_disk_with_its_last_repository(tmp_path: Path) -> None:
    """Deleted in one, it stays for the other."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        for repository in ("team/app", "side/app"):
            await caller.push_blob(repository, CONTENT)
        await _delete(held, "team/app")
        left = await blob(caller, DIGEST, "side/app"), await blob(caller, DIGEST)
        await _delete(held, "side/app")

        assert [one.status for one in left] == [200, 404]
        assert files(tmp_path) == []


async def _delete(held: Bench, repository: str) -> None:
    deleted = await held.caller(DEMO).ask("DELETE", f"/v2/{repository}/blobs/{DIGEST}")
    assert deleted.status == 202
    await held.registry.upkeep.sweep()


async def test_a_part_of_a_blob_is_served(tmp_path: Path) -> None:
    """206 with the place, 416 with the size; with a condition that cannot hold, everything."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        await caller.push_blob("open/app", CONTENT)
        path = f"/v2/open/app/blobs/{DIGEST}"
        part = await caller.ask("GET", path, sent=Sent({"range": "bytes=4-8"}))
        beyond = await caller.ask("GET", path, sent=Sent({"range": "bytes=900-"}))
        conditional = Sent({"range": "bytes=4-8", "if-range": '"x"'})
        whole = await caller.ask("GET", path, sent=conditional)

        assert (part.status, part.body) == (206, b"quick")
        assert part.headers["content-range"] == f"bytes 4-8/{len(CONTENT)}"
        assert part.headers["content-length"] == "5"
        assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
        assert (whole.status, whole.body) == (200, CONTENT)


async def test_a_look_tells_the_size_and_sends_nothing(tmp_path: Path) -> None:
    """HEAD of a blob."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        await caller.push_blob("open/app", CONTENT)
        look = await caller.ask("HEAD", f"/v2/open/app/blobs/{DIGEST}")

        assert (look.status, look.body) == (200, b"")
        assert look.headers["content-length"] == str(len(CONTENT))
        assert look.headers["docker-content-digest"] == DIGEST
