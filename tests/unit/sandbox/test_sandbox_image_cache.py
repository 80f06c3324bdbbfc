"""How the agent keeps image caches: which it makes, gives up and removes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from towline.cluster.node.provider import PodIdentity
from towline.oci.digest import Digest
from towline.oci.image_config import ImageConfig
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.flow import PulledImage
from towline.pull.keyring import Keyring
from towline.resource import kind
from towline.resource.image_cache import (
    WANTED,
    CachedImage,
    CacheStatus,
    ImageCache,
    Surroundings,
)
from towline.sandbox.image_cache import ImageCaches
from towline.sandbox.image_cache_builder import builder
from towline.sandbox.image_cache_keeper import ImageCacheKeeper
from towline.store.collection import Collection
from towline.store.store import Store

NOW = "2026-01-02T03:04:05Z"
LAYER = Digest.of(b"layer")
HELD = CachedImage(reference="a", digest="d", layers=(str(LAYER),))


@dataclass
class World:
    """A network, a disk and registries as a keeper sees them."""

    records: Collection[ImageCache]
    caches: ImageCaches
    namespaces: set[str] = field(default_factory=set)
    taken: int | None = 1000
    """What the layers take."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when registries answer."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the namespace of the cache has been removed."""

    async def attach(self, uid: str, subnet_id: str, pod: PodIdentity | None = None) -> str:
        """See `PodNamespaces`."""
        assert pod is not None
        assert pod.subnet_id == subnet_id
        self.namespaces.add(uid)
        return "10.0.0.2"

    async def detach(self, uid: str) -> None:
        """See `PodNamespaces`."""
        self.namespaces.discard(uid)
        if uid == "imc-1":
            self.gone.set()

    def standing(self) -> Mapping[str, str]:
        """See `PodNamespaces`."""
        return dict.fromkeys(self.namespaces, "10.0.0.2")

    def namespace_path(self, uid: str) -> Path:
        """See `PodNamespaces`."""
        return Path("/nonexistent") / uid

    def nameservers(self, uid: str) -> tuple[str, ...]:
        """See `PodNamespaces`."""
        return (uid,)

    async def fetch(self, identity: PodIdentity, image: str, keyring: Keyring) -> PulledImage:
        """See `CacheImages`."""
        assert identity.uid in self.namespaces
        assert not keyring.entries
        self.asked.set()
        await self.answers.wait()
        reference, config = (
            Reference.parse(image),
            ImageConfig(Platform("linux", "amd64"), diff_ids=(LAYER,)),
        )
        return PulledImage(reference, Digest.of(b"manifest"), 10, config, (LAYER,))

    def room(self, layers: frozenset[Digest]) -> int | None:
        """See `CacheImages`."""
        return self.taken if layers else 0

    async def until(self, *statuses: CacheStatus) -> ImageCache:
        """The only cache, in one of these statuses."""
        async with asyncio.timeout(20):
            async for caches in self.records.follow():
                for cache in caches:
                    if cache.status in statuses:
                        return cache
        raise AssertionError("following never ends")

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """The keeper works for the length of the block."""
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(ImageCacheKeeper(self.caches, self, self).run())
            yield
            work.cancel()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Over a real store."""
    async with Store.open(tmp_path / "records.db") as store:
        caches = ImageCaches(store, lambda: datetime.fromisoformat(NOW).astimezone(UTC))
        yield World(Collection(store, kind.IMAGE_CACHE, ImageCache), caches)


async def made(
    world: World,
    *,
    status: CacheStatus = CacheStatus.PENDING,
    expires_at: str = "",
    held: tuple[CachedImage, ...] = (),
) -> None:
    """A cache in the records."""
    cache = ImageCache(
        id="imc-1",
        name="c",
        images=("a",),
        surroundings=Surroundings(vpc_id="vpc-1", subnet_id="subnet-1"),
        created_at=NOW,
        status=status,
        expires_at=expires_at,
        held=held,
    )
    await world.records.create("", cache.id, cache)


async def test_a_cache_becomes_ready_and_its_namespace_goes(world: World) -> None:
    """Its layers may not be removed from then on."""
    await made(world)
    world.answers.set()
    async with world.kept():
        cache = await world.until(CacheStatus.READY)

    assert [image.layers for image in cache.held] == [(str(LAYER),)]
    assert world.caches.leased() == {LAYER}
    assert world.namespaces == set()


async def test_a_cache_that_needs_more_room_than_it_may_have_fails(world: World) -> None:
    """And says how much."""
    await made(world)
    world.answers.set()
    world.taken = 21 * 1024**3
    async with world.kept():
        cache = await world.until(CacheStatus.FAILED)

    assert cache.events[-1].message == (
        f"its layers take {world.taken} bytes, more than the 20 GiB that it may have"
    )
    assert world.caches.leased() == frozenset()


async def test_a_cache_that_is_deleted_while_it_is_fetched_is_given_up(world: World) -> None:
    """A namespace that a killed agent left is removed as well; a pod's is not."""
    await made(world)
    world.namespaces |= {"imc-0", "a-pod"}
    async with world.kept(), asyncio.timeout(20):
        await world.asked.wait()
        await world.records.delete("", "imc-1")
        await world.gone.wait()

    assert world.namespaces == {"a-pod"}


async def test_a_cache_whose_time_is_over_is_removed(world: World) -> None:
    """Others that are Ready are left alone."""
    await made(world, status=CacheStatus.READY, expires_at=NOW)
    async with world.kept(), asyncio.timeout(20):
        async for caches in world.records.follow():
            if not caches:
                break

    assert world.records.list() == ()


async def test_a_cache_that_lost_a_layer_is_fetched_again(world: World) -> None:
    """It serves nobody meanwhile."""
    await made(world, status=CacheStatus.READY, held=(HELD,))
    world.taken = None
    async with world.kept():
        meanwhile = await world.until(*WANTED)
        world.taken = 1000
        world.answers.set()
        await world.until(CacheStatus.READY)

    assert meanwhile.status is CacheStatus.UPDATING


def test_a_cache_is_fetched_as_a_pod_would_pull() -> None:
    """What it says of its surroundings are the annotations of pods."""
    surroundings = Surroundings(
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        security_group_ids=("sg-1", "sg-2"),
        new_address='{"InternetMaxBandwidthOut": 5}',
        unverified=("r.io",),
        plain_http=("all",),
        resolv_conf="nameserver 10.0.0.9",
    )
    cache = ImageCache(
        id="imc-1", name="c", images=("a",), surroundings=surroundings, created_at=NOW
    )

    prefix = "eks.tke.cloud.tencent.com/"
    assert builder(cache).annotations == {
        f"{prefix}security-group-id": "sg-1,sg-2",
        f"{prefix}eip-attributes": '{"InternetMaxBandwidthOut": 5}',
        f"{prefix}registry-insecure-skip-verify": "r.io",
        f"{prefix}registry-http-endpoint": "all",
        f"{prefix}resolv-conf": "nameserver 10.0.0.9",
    }
