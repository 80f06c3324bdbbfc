"""Which layers are used before they are here, and what becomes of them.

The ropes are told by the tests what comes; that readers of a real one wait is tried with the kernel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.lazy_worlds import (
    HOST,
    LARGE,
    SMALL,
    WAY,
    Beside,
    World,
    beside,
    index,
    layer,
    offer,
)

from towline.content.index_blob import (
    LayerIndex,
)
from towline.content.layers import LayerStore
from towline.kube.annotations import LAZY, REGISTRY_CERTIFICATE
from towline.oci.digest import Digest
from towline.pull.shortcut import NotThere, Offer
from towline.pull.wire import Transport
from towline.sandbox.lazy.hanging import CannotTie, end_of
from towline.sandbox.lazy.order import Way


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """With nothing in it."""
    layers = LayerStore(tmp_path / "layers")
    yield World(tmp_path, layers)
    layers.close()


@pytest.fixture
def large(tmp_path: Path) -> LayerIndex:
    """The index of the large layer."""
    return index(LARGE, tmp_path)


async def test_a_large_layer_is_used_at_once(world: World, large: LayerIndex) -> None:
    """By a file with a hole, filled by the way of the pod that asked; the small one is pulled."""
    wanted = offer(layer(LARGE), layer(SMALL))
    async with world.agent() as starts:
        taken = await starts.take(WAY, wanted, beside(large, layer(LARGE)))
        path = starts.path(Digest.of(LARGE))
        (rope,) = world.ropes.tied

        assert taken == {Digest.of(LARGE)}
        assert path.stat().st_blocks * 512 < len(LARGE) < path.stat().st_size
        assert starts.hangs(Digest.of(LARGE))
        assert rope.ways == [msgspec.structs.replace(WAY, username="ann", password="secret")]
        assert [one.diff_id for one in rope.layers] == [large.diff_id]


async def test_what_is_whole_is_a_layer_like_the_others(world: World, large: LayerIndex) -> None:
    """The same file, and no trace of the rope."""
    async with world.agent() as starts:
        await starts.take(WAY, offer(layer(LARGE)), beside(large, layer(LARGE)))
        hangings = starts.below([Digest.of(LARGE)])
        inode = starts.path(Digest.of(LARGE)).stat().st_ino
        world.ropes.tied[0].fill()
        end = await end_of(hangings)

        assert end is not None
        assert (end.size, end.trouble) == (len(LARGE), "")
        assert starts.path(Digest.of(LARGE)).stat().st_ino == inode
        assert not starts.hangs(Digest.of(LARGE))
    assert world.layers.has(Digest.of(LARGE))
    assert world.log == ["tied", "untied"]
    assert world.kept == []


async def test_twenty_pods_share_one_rope(world: World, large: LayerIndex) -> None:
    """All at once; each adds its own login to the ways."""
    async with world.agent() as starts, asyncio.TaskGroup() as group:
        reader = beside(large, layer(LARGE))
        pods = [group.create_task(starts.take(WAY, offer(layer(LARGE)), reader)) for _ in range(20)]
        taken = [await pod for pod in pods]

        assert taken == [frozenset({Digest.of(LARGE)})] * 20
        assert world.log == ["tied"]
        assert reader.reads == 1
        assert len(world.ropes.tied[0].ways) == 20


@pytest.mark.parametrize(
    ("way", "wanted"),
    [
        pytest.param(
            msgspec.structs.replace(WAY, annotations={LAZY: "off"}), offer(layer(LARGE)), id="off"
        ),
        pytest.param(WAY, offer(layer(LARGE), host="docker.io"), id="elsewhere"),
        pytest.param(
            WAY, replace(offer(layer(LARGE)), transport=Transport.TLS_UNVERIFIED), id="unverified"
        ),
        pytest.param(WAY, replace(offer(layer(LARGE)), transport=Transport.PLAIN), id="plain"),
        pytest.param(
            msgspec.structs.replace(WAY, annotations={REGISTRY_CERTIFICATE: f"{HOST}={'a' * 64}"}),
            offer(layer(LARGE)),
            id="pinned",
        ),
        pytest.param(WAY, offer(layer(SMALL)), id="small"),
    ],
)
async def test_others_are_not_even_asked(
    world: World, large: LayerIndex, way: Way, wanted: Offer
) -> None:
    """Who does not want it, who is not believed, and what is not worth it."""
    reader = beside(large, layer(LARGE))
    async with world.agent() as starts:
        taken = await starts.take(way, wanted, reader)

    assert taken == frozenset()
    assert reader.reads == 0


def spoilt(case: str, known: LayerIndex) -> Beside:
    """A registry whose index is not that of the image."""
    if case == "another image's":
        return beside(known, layer(LARGE), Digest.of(b"another"))
    if case == "another layer's":
        return beside(msgspec.structs.replace(known, diff_id=str(Digest.of(SMALL))), layer(LARGE))
    if case == "of another size":
        size = known.packed_size + 1
        return beside(msgspec.structs.replace(known, packed_size=size), layer(LARGE))
    made = beside(known, layer(SMALL) if case == "none for it" else layer(LARGE))
    if case == "none":
        made.found = ()
    if case == "no manifest":
        made.bodies[made.found[0].digest] = b"nonsense"
    if case == "no head":
        made.bodies = {made.found[0].digest: made.bodies[made.found[0].digest]}
    return made


@pytest.mark.parametrize(
    "case",
    [
        "another image's", "another layer's", "of another size", "none for it", "none",
        "no manifest", "no head",
    ],
)  # fmt: skip
async def test_an_index_that_is_not_the_images_is_no_index(
    world: World, large: LayerIndex, case: str
) -> None:
    """The image is pulled in full, and the reason is said."""
    async with world.agent() as starts:
        with pytest.raises(NotThere):
            await starts.take(WAY, offer(layer(LARGE)), spoilt(case, large))

    assert world.log == []
    assert world.layers.lazy.begun() == ()


async def test_what_hangs_keeps_its_room(world: World, large: LayerIndex) -> None:
    """Half of it has come, so as much of the disk as the other half needs is not another's."""
    async with world.agent() as starts:
        await starts.take(WAY, offer(layer(LARGE)), beside(large, layer(LARGE)))
        (hanging,) = starts.below([Digest.of(LARGE)])
        whole = large.metadata_offset + len(large.metadata)

        assert whole // 2 - 1 <= hanging.owed <= whole // 2 + 1
        hanging.close("")
        assert hanging.owed == 0


async def test_a_kernel_without_events_is_asked_once(world: World, large: LayerIndex) -> None:
    """After that every image is pulled in full."""
    world.ropes.refusal = CannotTie("Invalid argument")
    reader = beside(large, layer(LARGE))
    async with world.agent() as starts:
        with pytest.raises(NotThere, match="Invalid argument"):
            await starts.take(WAY, offer(layer(LARGE)), reader)
        taken = await starts.take(WAY, offer(layer(LARGE)), reader)

    assert taken == frozenset()
    assert reader.reads == 1
    assert world.kept == []


async def test_what_cannot_be_filled_ends_its_tenants_first(
    world: World, large: LayerIndex
) -> None:
    """Then the rope is let go; and the layer is not tried again."""
    reader = beside(large, layer(LARGE))
    async with world.agent() as starts:
        await starts.take(WAY, offer(layer(LARGE)), reader)
        hangings = starts.below([Digest.of(LARGE)])
        world.ropes.tied[0].end.set_result("span 3 is wrong")
        end = await end_of(hangings)
        taken = await starts.take(WAY, offer(layer(LARGE)), reader)

        assert end is not None
        assert end.trouble == "span 3 is wrong"
        assert taken == frozenset()
    assert world.log == ["tied", f"evicted {Digest.of(LARGE)}", "untied"]
    assert world.layers.lazy.begun() == ()


async def test_what_nobody_uses_any_more_is_kept_for_the_next(
    world: World, large: LayerIndex
) -> None:
    """Untied, and hung again with all that had come."""
    reader = beside(large, layer(LARGE))
    async with world.agent() as starts:
        await starts.take(WAY, offer(layer(LARGE)), reader)
        inode = starts.path(Digest.of(LARGE)).stat().st_ino
        await starts.let_go(lambda: {Digest.of(LARGE)})
        assert world.log == ["tied"]

        await starts.let_go(lambda: {Digest.of(SMALL)})
        assert world.log == ["tied", "untied"]
        assert not starts.hangs(Digest.of(LARGE))
        assert world.kept == []

        await starts.take(WAY, offer(layer(LARGE)), reader)
        assert starts.path(Digest.of(LARGE)).stat().st_ino == inode


async def test_who_wants_what_is_being_let_go_hangs_it_anew(
    world: World, large: LayerIndex
) -> None:
    """After the old rope is untied, and not before."""
    reader = beside(large, layer(LARGE))
    async with world.agent() as starts, asyncio.TaskGroup() as group:
        await starts.take(WAY, offer(layer(LARGE)), reader)
        for _ in range(2):
            group.create_task(starts.let_go(tuple))
        await asyncio.sleep(0)
        taken = await starts.take(WAY, offer(layer(LARGE)), reader)

        assert taken == {Digest.of(LARGE)}
        assert starts.hangs(Digest.of(LARGE))
        assert world.log == ["tied", "untied", "tied"]


async def test_the_next_agent_goes_on(world: World, large: LayerIndex) -> None:
    """The rope was held meanwhile, and nobody was ended."""
    async with world.agent() as starts:
        await starts.take(WAY, offer(layer(LARGE)), beside(large, layer(LARGE)))
    assert world.log == ["tied"]

    async with world.agent() as starts:
        assert starts.hangs(Digest.of(LARGE))
        hangings = starts.below([Digest.of(LARGE)])
        world.ropes.tied[0].fill()
        await end_of(hangings)

    assert world.layers.has(Digest.of(LARGE))
    assert world.log == ["tied", "untied"]


async def test_tenants_of_a_rope_that_nobody_fills_are_ended(
    world: World, large: LayerIndex
) -> None:
    """Before the agent does anything else. What had come is kept."""
    async with world.agent() as starts:
        await starts.take(WAY, offer(layer(LARGE)), beside(large, layer(LARGE)))
    world.ropes.standing.clear()

    async with world.agent() as starts:
        assert world.log == ["tied", f"evicted {Digest.of(LARGE)}"]
        assert not starts.hangs(Digest.of(LARGE))
        assert world.layers.lazy.begun() == (Digest.of(LARGE),)
        assert world.kept == []


async def test_what_was_whole_when_the_agent_was_killed_is_taken(
    world: World, large: LayerIndex
) -> None:
    """Nobody was told of it; it is hashed again before."""
    async with world.agent() as starts:
        await starts.take(WAY, offer(layer(LARGE)), beside(large, layer(LARGE)))
        (rope,) = world.ropes.tied
    rope.fill()
    world.ropes.standing.clear()
    for folder in world.kept:
        (folder / "rope.json").unlink()

    async with world.agent(), asyncio.timeout(60):
        while not world.layers.has(Digest.of(LARGE)):  # noqa: ASYNC110  # of files there is no event
            await asyncio.sleep(0.01)


async def test_who_wants_a_whole_layer_waits_for_the_rope(world: World, large: LayerIndex) -> None:
    """Its bytes are not fetched a second time."""
    told = list[int]()
    async with world.agent() as starts, asyncio.TaskGroup() as group:
        await starts.take(WAY, offer(layer(LARGE)), beside(large, layer(LARGE)))
        waiting = group.create_task(starts.become_whole(layer(LARGE), told.append))
        await asyncio.sleep(0)
        assert not waiting.done()
        world.ropes.tied[0].fill()

        assert await waiting
        assert told[0] == len(LARGE) // 2
    assert world.layers.has(Digest.of(LARGE))


async def test_a_layer_that_does_not_hang_is_not_waited_for(world: World) -> None:
    """It is pulled."""
    async with world.agent() as starts:
        assert not await starts.become_whole(layer(LARGE), lambda _: None)
