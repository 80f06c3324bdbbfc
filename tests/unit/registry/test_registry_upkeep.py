"""Upkeep: what belongs to nobody goes, and nothing else does."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.registry_calls import DEMO, Bench, bench, reopened
from tests.registry_role import namespace

from towline.oci.digest import Digest
from towline.resource import kind
from towline.resource.instance import Namespace
from towline.store.collection import Collection


def namespaces(held: Bench) -> Collection[Namespace]:
    """The namespaces in the records."""
    return Collection(held.store, kind.NAMESPACE, Namespace)


def blob_file(folder: Path, content: bytes) -> Path:
    """Where some content is kept."""
    digits = Digest.of(content).hex
    return folder / "registry/blobs/sha256" / digits[:2] / digits


async def _tags(held: Bench, repository: str) -> int:
    return (await held.caller(DEMO).ask("GET", f"/v2/{repository}/tags/list")).status


async def test_a_namespace_made_again_is_empty(tmp_path: Path) -> None:
    """Deleted and made anew before anybody looked: what it held is gone, its neighbours' is not."""
    async with bench(tmp_path) as held, asyncio.TaskGroup() as tasks:
        for repository in ("team/app", "side/app"):
            await held.caller(DEMO).push_image(repository, "v1")
        following = tasks.create_task(held.registry.upkeep.follow_namespaces(namespaces(held)))
        await asyncio.sleep(0)
        await namespaces(held).delete(DEMO.id, "team")
        await namespaces(held).create(DEMO.id, "team", namespace(DEMO, "team", public=True))
        async with asyncio.timeout(60):
            while await _tags(held, "team/app") != 404:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)
        statuses = [await _tags(held, one) for one in ("team/app", "side/app")]
        following.cancel()

        assert statuses == [404, 200]


async def test_what_a_dead_role_missed_is_made_good(tmp_path: Path) -> None:
    """The namespace was deleted while no registry ran."""
    async with bench(tmp_path) as held:
        await held.caller(DEMO).push_image("team/app", "v1", b"layer of team")
        await namespaces(held).delete(DEMO.id, "team")
    async with reopened(tmp_path) as held, asyncio.TaskGroup() as tasks:
        following = tasks.create_task(held.registry.upkeep.follow_namespaces(namespaces(held)))
        async with asyncio.timeout(60):
            while blob_file(tmp_path, b"layer of team").exists():
                await held.registry.upkeep.sweep()
        following.cancel()

        assert not blob_file(tmp_path, b"{}").exists()


async def test_files_that_were_never_written_down_are_removed(tmp_path: Path) -> None:
    """The process was killed between the file and its row; what is written down stays."""
    async with bench(tmp_path) as held:
        await held.caller(DEMO).push_blob("team/app", b"kept")
        stray = blob_file(tmp_path, b"stray")
        stray.write_bytes(b"stray")
        await held.registry.upkeep.sweep_strays()

        assert not stray.exists()
        assert blob_file(tmp_path, b"kept").exists()


async def test_drafts_that_nobody_can_come_back_to_are_removed(tmp_path: Path) -> None:
    """When the registry starts; the others stay."""
    async with bench(tmp_path) as held:
        begun = await held.caller(DEMO).ask("POST", "/v2/team/app/blobs/uploads/")
        known = tmp_path / "registry/uploads" / Path(begun.headers["location"]).name
        known.write_bytes(b"half")
    stray = tmp_path / "registry/uploads/0000"
    stray.write_bytes(b"half")
    async with reopened(tmp_path):
        assert (known.exists(), stray.exists()) == (True, False)
