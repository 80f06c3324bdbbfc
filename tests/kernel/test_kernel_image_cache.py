"""An image cache is fetched before any pod wants it, in a namespace and with a login of its own; its
layers stay as long as it does, and give nobody an image who may not pull it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import NOW, open_context
from tests.clusters import call
from tests.images import busybox_tar, file, image, tar
from tests.registries import ScriptedRegistry
from tests.sandboxes import ANYBODY, UID, World, identity
from tests.vpc_calls import subnet_of, vpc_of

from towline.cloud.context import Context
from towline.kube.annotations import USE_IMAGE_CACHE
from towline.linux.sweep import sweep
from towline.pull.attempt import PullFailed
from towline.pull.image_cache import CacheMatch
from towline.pull.keyring import Keyring, Login
from towline.pull.progress import NoProgress
from towline.resource.image_cache import WANTED, CacheStatus, ImageCache
from towline.sandbox.image_cache import ImageCaches
from towline.sandbox.image_cache_keeper import ImageCacheKeeper
from towline.sandbox.provider import Sandbox

pytestmark = pytest.mark.root
PORT = 7000
REGISTRY = f"127.0.0.1:{PORT}"
APP = f"{REGISTRY}/team/app"
MADE = image(busybox_tar(), tar(file("app", b"app")))
KEYRING = Keyring(((REGISTRY, Login("user", "key")),))


@dataclass(frozen=True, slots=True)
class Stage:
    """An agent that keeps image caches, over the records of a cloud."""

    world: World
    context: Context
    sandbox: Sandbox
    caches: ImageCaches

    async def asked(self, **more: Any) -> str:
        """A cache of the app, asked for by the API."""
        vpc_id = await vpc_of(self.context)
        place = {"VpcId": vpc_id, "SubnetId": await subnet_of(self.context, vpc_id)}
        login = {"Server": REGISTRY, "Username": "user", "Password": "key"}
        asked = {"Images": [APP], "ImageRegistryCredentials": [login], **place, **more}
        asked.setdefault("RegistryHttpEndPointList", [REGISTRY])
        return str((await call(self.context, "CreateImageCache", **asked))["ImageCacheId"])

    async def settled(self, cache_id: str, version: int = 0) -> ImageCache:
        """The cache once the agent is done with it; a registry is where it is fetched."""
        await self.world.network.attach(cache_id, "")
        async with (
            self.world.registry(cache_id, private(), PORT),
            self._keeping(),
            asyncio.timeout(60),
        ):
            async for caches in self.context.resources.image_caches.follow():
                (cache,) = [one for one in caches if one.id == cache_id]
                if cache.status not in WANTED and cache.version == version:
                    return cache
        raise AssertionError("following never ends")

    @asynccontextmanager
    async def _keeping(self) -> AsyncIterator[None]:
        """The agent keeps caches for the length of the block."""
        keeper = ImageCacheKeeper(self.caches, self.sandbox, self.world.network)
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(keeper.run())
            yield
            work.cancel()

    def layers(self) -> set[str]:
        """The digits of the layers that are here."""
        return {path.name for path in (self.world.settings.layers / "sha256").iterdir()}


def private() -> ScriptedRegistry:
    """A registry that knows one user."""
    return ScriptedRegistry(MADE, login=("user", "key"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An installation that keeps no layer that nobody needs, swept in the end."""
    made = World.below(tmp_path)
    yield replace(made, settings=replace(made.settings, bytes_kept=0))
    sweep(made.ledger)


@pytest.fixture
async def stage(world: World, tmp_path: Path) -> AsyncIterator[Stage]:
    """With no pod and no cache yet."""
    async with open_context(tmp_path) as context:
        caches = ImageCaches(context.resources.store, lambda: NOW)
        async with Sandbox(world.network, world.settings, caches=caches) as sandbox:
            yield Stage(world, context, sandbox, caches)


async def test_a_pod_gets_a_cached_image_without_a_byte_of_a_layer(stage: Stage) -> None:
    """But not without the right to pull it."""
    id_ = await stage.asked()
    cache = await stage.settled(id_)
    await stage.sandbox.open(identity(UID, **{USE_IMAGE_CACHE: "auto"}))
    match = await stage.sandbox.cache_for(UID, (APP,))
    registry = private()
    async with stage.world.registry(UID, registry, PORT):
        with pytest.raises(PullFailed, match="authorization failed"):
            await stage.sandbox.pull(UID, APP, ANYBODY, NoProgress())
        pulled = await stage.sandbox.pull(UID, APP, KEYRING, NoProgress())

    assert cache.status is CacheStatus.READY, cache.events
    assert [event.reason for event in cache.events] == ["EksciCreated", "Pulled", "SnapCreated"]
    assert match == CacheMatch(id_, (APP,), ())
    assert pulled.digest == str(MADE.digest)
    assert any(line.endswith(f"/manifests/{MADE.digest}") for line in registry.seen)
    assert not [line for line in registry.seen for one in MADE.layers if str(one) in line]


async def test_the_layers_of_a_cache_stay_as_long_as_it_does(stage: Stage) -> None:
    """Where there is no room for any other; what is lost all the same is fetched again."""
    id_ = await stage.asked()
    layers = {diff_id.hex for diff_id in MADE.diff_ids}
    await stage.settled(id_)
    await stage.sandbox.open(identity())
    await stage.sandbox.close(UID)
    kept = stage.layers()
    (stage.world.settings.layers / "sha256" / MADE.diff_ids[0].hex).unlink()
    again = await stage.settled(id_, version=1)
    mended = stage.layers()
    await call(stage.context, "DeleteImageCaches", ImageCacheIds=[id_])
    await stage.sandbox.open(identity())
    await stage.sandbox.close(UID)

    assert kept == mended == layers
    assert again.status is CacheStatus.READY, again.events
    assert stage.layers() == set()
    assert stage.world.left() == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ImageRegistryCredentials": []}, "authorization failed"),
        ({"RegistryHttpEndPointList": []}, "http: server gave HTTP response to HTTPS client"),
        ({"Images": [f"{REGISTRY}/team/other@sha256:{'0' * 64}"]}, "not found"),
    ],
    ids=["credentials", "policy", "image"],
)
async def test_a_cache_that_cannot_be_fetched_says_why(
    stage: Stage, more: dict[str, Any], said: str
) -> None:
    """In containerd's words, and leaves nothing."""
    id_ = await stage.asked(**more)
    cache = await stage.settled(id_)

    assert cache.status is CacheStatus.FAILED
    assert cache.events[-1].message.startswith('Failed to pull image "')
    assert cache.events[-1].message.endswith(said)
    assert stage.world.left() == []
