"""Layers on a rope: whoever reads sees the right bytes or waits, whoever else is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.images import image, noise
from tests.killed_ropes import Toll, Torment
from tests.lazy_layers import REPOSITORY, Holes, files, with_holes
from tests.registries import docker_registry, put_image
from tests.sandboxes import until
from tests.slow_relay import SlowRelay

from towline.content.index_blob import encode_head
from towline.content.layer_file import LayerFile
from towline.linux.fanotify import PreContent
from towline.linux.foreign_descriptor import descriptor_of
from towline.oci.digest import Digest
from towline.sandbox.lazy.journal import Journal
from towline.sandbox.lazy.nursery import Nursery
from towline.sandbox.lazy.order import Packed
from towline.sandbox.lazy.rope import Broken, Rope, Whole
from towline.sandbox.lazy.seat import Seat, Seats
from towline.sandbox.lazy.strand import Held

pytestmark = pytest.mark.root


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A registry's."""
    with docker_registry(tmp_path) as at:
        yield at


async def digest(path: Path) -> tuple[int, str]:
    """What a process of its own gets to read: its exit code and the digest."""
    reader = await asyncio.create_subprocess_exec(
        "sha256sum", str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await reader.communicate()
    return reader.returncode or 0, said[:64].decode()


async def test_layers_are_read_before_they_are_whole_and_become_whole(
    tmp_path: Path, address: str
) -> None:
    """Every byte is right at once, and in the end both files verify and no process is left."""
    holes = with_holes(tmp_path, address, [files(1), files(2)])
    rope = await Rope.tie(holes.layers, holes.way(address), tmp_path / "rope", None)
    with holes.mounted() as at:
        seen = {
            (layer, name): (await digest(at[layer] / name))[1] for layer, name in holes.digests()
        }
        end = await rope.finished()

    assert seen == holes.digests()
    assert end == Whole()
    for layer in holes.layers:
        LayerFile.open(Path(layer.path)).verify()


async def test_a_worker_may_come_from_a_nursery(tmp_path: Path, address: str) -> None:
    """It is a strand like those that are started, and survives the nursery's end."""
    relay = SlowRelay(address, 4e6)
    holes = with_holes(tmp_path, address, [files(1)])
    held = os.open(os.devnull, os.O_RDONLY)
    with Nursery() as nursery:
        way, folder = holes.way(relay.address), tmp_path / "rope"
        await until(lambda: bool(_probed(nursery, held, tmp_path / "probe")))
        rope = await Rope.tie(holes.layers, way, folder, None, nursery)
        with holes.mounted() as at:
            first = await digest(at[0] / "f1")
    end = await rope.finished()
    os.close(held)
    relay.close()

    assert first == (0, holes.digests()[0, "f1"])
    assert end == Whole()
    LayerFile.open(Path(holes.layers[0].path)).verify()


def _probed(nursery: Nursery, descriptor: int, log: Path) -> int | None:
    """A worker that has nothing to hold ends at once."""
    return nursery.worker([descriptor] * 5, log)


async def test_a_span_that_comes_wrong_is_an_error_and_never_other_bytes(
    tmp_path: Path, address: str
) -> None:
    """What the registry has is not what the index promised: readers hear EIO, and the owner why."""
    holes = with_holes(tmp_path, address, [files(1)])
    other = Packed(str(_put_other(address, holes)), *_rest(holes))
    (layer,) = (msgspec.structs.replace(layer, packed=other) for layer in holes.layers)
    rope = await Rope.tie([layer], holes.way(address), tmp_path / "rope", None)
    try:
        with holes.mounted() as at:
            code, said = await digest(at[0] / "f3")
            end = await rope.finished()
    finally:
        await rope.untie()

    assert (code, said) == (1, "")
    assert isinstance(end, Broken)
    assert "has other bytes than its digest" in end.reason or "cannot be unpacked" in end.reason


async def test_spans_that_are_not_the_layer_together_break_the_rope(
    tmp_path: Path, address: str
) -> None:
    """Each is what the index says, but the index is of another layer: it is found out in the end."""
    holes = with_holes(tmp_path, address, [files(1, 2)])
    false = msgspec.structs.replace(holes.indexes[0], diff_id=str(Digest.of(b"another")))
    await asyncio.to_thread(Path(holes.layers[0].head).write_bytes, encode_head(false))
    layers = [msgspec.structs.replace(holes.layers[0], diff_id=false.diff_id)]
    rope = await Rope.tie(layers, holes.way(address), tmp_path / "rope", None)
    try:
        end = await rope.finished()
        with pytest.raises(PermissionError):
            await asyncio.to_thread(Path(holes.layers[0].path).read_bytes)
    finally:
        await rope.untie()

    assert end == Broken(f"the spans of {false.diff_id} are there, but are not that layer")


async def test_readers_wait_for_a_network_that_comes_back(tmp_path: Path, address: str) -> None:
    """And one that is killed meanwhile is gone at once, to nobody's harm."""
    relay = SlowRelay(address, 50e6)
    holes = with_holes(tmp_path, address, [files(1)])
    relay.cut()
    rope = await Rope.tie(holes.layers, holes.way(relay.address), tmp_path / "rope", None)
    try:
        with holes.mounted() as at:
            killed = await asyncio.create_subprocess_exec("cat", str(at[0] / "f1"), stdout=-3)
            async with asyncio.TaskGroup() as group:
                patient = group.create_task(digest(at[0] / "f2"))
                await _refused(tmp_path / "rope")
                killed.kill()
                code = await killed.wait()
                waiting = not patient.done()
                relay.mend()
            end = await rope.finished()
    finally:
        await rope.untie()
        relay.close()

    assert (code, waiting) == (-signal.SIGKILL, True)
    assert patient.result() == (0, holes.digests()[0, "f2"])
    assert end == Whole()


async def test_a_question_whose_worker_died_before_it_looked_at_the_file_is_answered(
    tmp_path: Path, address: str
) -> None:
    """Nobody knows which file is meant, so the range is brought in each."""
    relay = SlowRelay(address, 50e6)
    holes = with_holes(tmp_path, address, [files(1, 4), files(2, 4)])
    relay.cut()
    rope = await Rope.tie(holes.layers, holes.way(relay.address), tmp_path / "rope", None)
    journal, seats = _shared(await _seated(tmp_path / "rope"))
    try:
        with holes.mounted() as at:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(digest(at[1] / "f2"))
                await until(lambda: any(noted.layer is not None for noted in journal.noted()))
                for noted in journal.noted():
                    journal.note_layer(noted.slot, -1)  # as if it had not come so far
                killed = seats.kill(Seat.WORKER)
                relay.mend()
            end = await rope.finished()
    finally:
        await rope.untie()
        relay.close()

    assert killed is not None
    os.close(killed)
    assert reader.result() == (0, holes.digests()[1, "f2"])
    assert end == Whole()
    os.close(journal.descriptor)
    os.close(seats.descriptor)


async def _seated(folder: Path) -> int:
    """A pidfd of the rope's holder, once it has its seat."""
    with (folder / "seats").open("rb") as file:
        await until(lambda: Seats(file.fileno()).occupant(Seat.HOLDER) is not None)
        holder = Seats(file.fileno()).watch(Seat.HOLDER)
    assert holder is not None
    return holder


def _shared(holder: int) -> tuple[Journal, Seats]:
    """Copies of what the holder has."""
    journal, seats = (descriptor_of(holder, number) for number in (Held.JOURNAL, Held.SEATS))
    os.close(holder)
    return Journal(journal), Seats(seats)


async def test_another_way_is_taken_when_one_fails(tmp_path: Path, address: str) -> None:
    """The first pod's network is gone; the second one's leads to the registry."""
    holes = with_holes(tmp_path, address, [files(1, 2)])
    gone = msgspec.structs.replace(holes.way(address), namespace="/run/netns/tl-is-gone")
    rope = await Rope.tie(holes.layers, gone, tmp_path / "rope", None)
    try:
        await _refused(tmp_path / "rope")
        rope.add_way(holes.way(address))
        end = await rope.finished()
    finally:
        await rope.untie()

    assert end == Whole()


def watching(path: Path) -> PreContent:
    """A group that marks a file, and answers nobody."""
    group = PreContent.make()
    with path.open("rb") as file:
        group.mark(file)
    return group


async def test_a_file_that_somebody_watched_before_is_filled(tmp_path: Path, address: str) -> None:
    """Its descriptor, too, asks then before it writes: it is not kept waiting by itself."""
    holes = with_holes(tmp_path, address, [files(1, 2)])
    earlier = watching(Path(holes.layers[0].path))
    rope = await Rope.tie(holes.layers, holes.way(address), tmp_path / "rope", None)
    earlier.close()
    end = await rope.finished()

    assert end == Whole()


async def test_what_an_abandoned_rope_had_filled_is_not_fetched_again(
    tmp_path: Path, address: str
) -> None:
    """The next rope over the same files knows its spans by their digests."""
    relay = SlowRelay(address, 2e6)
    holes = with_holes(tmp_path, address, [files(1)])
    packed = holes.indexes[0].packed_size
    rope = await Rope.tie(holes.layers, holes.way(relay.address), tmp_path / "rope", None)
    await until(lambda: rope.filled()[holes.layers[0].diff_id][0] >= packed // 2)
    await rope.untie()
    again = await Rope.tie(holes.layers, holes.way(relay.address), tmp_path / "rope", None)
    end = await again.finished()
    relay.close()

    assert end == Whole()
    assert relay.sent < packed * 1.2
    LayerFile.open(Path(holes.layers[0].path)).verify()


def test_whoever_is_killed_no_reader_sees_a_wrong_byte(tmp_path: Path, address: str) -> None:
    """Holder, worker and owner die at random moments, each and together, again and again; a kill
    costs little of a layer.
    """
    relay, toll = SlowRelay(address, 2e6), Toll()
    holes = with_holes(tmp_path, address, [files(1, 5), files(2, 5)])
    Torment(holes, holes.way(relay.address), random.Random(7), toll).live(kills=10)
    sizes = [index.packed_size for index in holes.indexes]
    relay.close()

    assert toll.wrong == []
    assert toll.kills >= 10
    assert relay.sent <= sum(sizes) + toll.kills * max(sizes) // 10


async def test_a_rope_that_ended_while_no_owner_lived_says_how(
    tmp_path: Path, address: str
) -> None:
    """An owner that comes back hears that all is whole; of one that never was there is nothing."""
    holes = with_holes(tmp_path, address, [files(1, 2)])
    rope = await Rope.tie(holes.layers, holes.way(address), tmp_path / "rope", None)
    await rope.finished()
    found = await Rope.find(tmp_path / "rope", None)
    (tmp_path / "empty").mkdir()
    none = await Rope.find(tmp_path / "empty", None)

    assert found is not None
    assert (await found.finished(), found.descriptor, found.filled()) == (Whole(), -1, {})
    assert none is None


async def _refused(folder: Path) -> None:
    """Wait until the rope's worker has been refused by its way."""
    await until(lambda: b"cannot be fetched" in (folder / "log").read_bytes())


def _rest(holes: Holes) -> tuple[int, str]:
    packed = holes.layers[0].packed
    return packed.size, packed.media_type


def _put_other(address: str, holes: Holes) -> Digest:
    """Push a blob of the layer's size with other bytes; its digest."""
    other = noise(holes.layers[0].packed.size, 9)
    made = image(b"")
    made.blobs[Digest.of(other)] = other
    put_image(address, REPOSITORY, "other", made)
    return Digest.of(other)
