"""The extension for those who manage an instance: times, tags with their digests, and removal."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from tests.registry_calls import DEMO, OTHER, Bench, Caller, bench, reopened
from tests.registry_role import credential

from towline.registry import database
from towline.resource.credential import Permission

ALL = "/v2/_towline/contents/repositories"
BEGAN = "2023-11-14T22:13:20Z"  # the bench's clock
AN_HOUR_LATER = "2023-11-14T23:13:20Z"


def path_of(repository: str) -> str:
    """The extension's path of one repository."""
    return f"/v2/{repository}/_towline/contents/repository"


async def repositories(caller: Caller, **query: str) -> list[dict[str, Any]]:
    """The list that a caller sees."""
    reply = await caller.ask("GET", ALL, query)
    assert reply.status == 200, reply.body
    found: list[dict[str, Any]] = reply.json["repositories"]
    return found


async def pushed_twice(held: Bench) -> tuple[str, str]:
    """Two images in `team/app`, an hour apart; the second takes over one of two tags."""
    caller = held.caller(DEMO)
    first = await caller.push_image("team/app", "v1", b"one")
    await caller.push_image("team/app", "latest", b"one")
    held.pass_time(3600)
    return first, await caller.push_image("team/app", "latest", b"two")


async def test_a_repository_knows_when_it_was_pushed_to(tmp_path: Path) -> None:
    """For the first time, and for the last; each tag by itself."""
    async with bench(tmp_path) as held:
        first, second = await pushed_twice(held)
        shown = (await held.caller(DEMO).ask("GET", path_of("team/app"))).json

        assert (shown["createdAt"], shown["updatedAt"]) == (BEGAN, AN_HOUR_LATER)
        assert [(one["name"], one["digest"], one["pushedAt"]) for one in shown["tags"]] == [
            ("latest", second, AN_HOUR_LATER),
            ("v1", first, BEGAN),
        ]
        assert {one["mediaType"] for one in shown["tags"]} == {
            "application/vnd.oci.image.manifest.v1+json"
        }


async def test_an_empty_repository_is_still_one(tmp_path: Path) -> None:
    """Until it is removed; one that only ever had blobs is none."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        digest = await caller.push_image("team/app", "v1")
        await caller.push_blob("team/blobs", b"alone")
        await caller.ask("DELETE", f"/v2/team/app/manifests/{digest}")

        assert [one["name"] for one in await repositories(caller)] == ["team/app"]
        assert (await caller.ask("GET", path_of("team/app"))).json["tags"] == []
        assert (await caller.ask("GET", path_of("team/blobs"))).status == 404


async def test_the_list_of_repositories_has_pages(tmp_path: Path) -> None:
    """As the catalogue has, and only what the caller may pull from."""
    reader = credential(DEMO, "reader", "secret", [Permission(namespace="side", actions=("pull",))])
    async with bench(tmp_path, reader) as held:
        caller = held.caller(DEMO)
        for name in ("team/a", "team/b", "side/c", "open/d"):
            await caller.push_image(name, "v1")
        await held.caller(OTHER).push_image("team/other", "v1")
        first = await caller.ask("GET", ALL, {"n": "3"})
        rest = await repositories(caller, n="3", last="team/a")
        seen = await repositories(held.caller(DEMO, ("reader", "secret")))

        names = [one["name"] for one in first.json["repositories"]]
        assert names == ["open/d", "side/c", "team/a"]
        assert first.headers["link"] == f'<{ALL}?n=3&last=team%2Fa>; rel="next"'
        assert [one["name"] for one in rest] == ["team/b"]
        assert [one["name"] for one in seen] == ["open/d", "side/c"]


async def test_a_repository_is_removed_with_all_that_it_holds(tmp_path: Path) -> None:
    """Its tags are gone at once, its blobs when nobody else has them; a second time there is
    nothing.
    """
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        digest = await caller.push_image("team/app", "v1")
        await caller.push_image("team/kept", "v1")
        removed = await caller.ask("DELETE", path_of("team/app"))
        again = await caller.ask("DELETE", path_of("team/app"))
        pulled = await caller.ask("GET", f"/v2/team/app/manifests/{digest}")
        await held.registry.upkeep.sweep()

        assert (removed.status, again.status, pulled.status) == (202, 404, 404)
        assert (await caller.ask("GET", "/v2/team/kept/manifests/v1")).status == 200
        assert [one["name"] for one in await repositories(caller)] == ["team/kept"]


async def test_who_may_only_push_can_remove_nothing(tmp_path: Path) -> None:
    """And who has no right at all sees nothing."""
    pusher = credential(DEMO, "pusher", "secret", [Permission(namespace="team", actions=("push",))])
    async with bench(tmp_path, pusher) as held:
        await held.caller(DEMO).push_image("team/app", "v1")
        pushing, nobody = held.caller(DEMO, ("pusher", "secret")), held.caller(DEMO, None)

        assert (await pushing.ask("DELETE", path_of("team/app"))).status == 401
        assert (await nobody.ask("GET", path_of("team/app"))).status == 401
        assert (await nobody.ask("GET", ALL)).status == 401
        assert (await nobody.ask("POST", ALL)).status == 405


async def test_an_older_registry_learns_of_times(tmp_path: Path) -> None:
    """What was there before is said to have come when it was brought up to date."""
    async with bench(tmp_path) as held:
        await held.caller(DEMO).push_image("team/app", "v1")
    _take_times_back(tmp_path / "registry" / "registry.db")
    async with reopened(tmp_path) as held:
        (shown,) = await repositories(held.caller(DEMO))

        assert shown["name"] == "team/app"
        assert shown["createdAt"] == shown["updatedAt"] > AN_HOUR_LATER


def _take_times_back(path: Path) -> None:
    """Make a file what the first revision of the tables made it."""
    connection = sqlite3.connect(path)
    for table, column in (
        ("tag", "pushed_at"),
        ("repository", "updated_at"),
        ("repository", "created_at"),
    ):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.commit()
    connection.close()
    assert database.HEAD != "0001"
