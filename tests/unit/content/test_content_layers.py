"""Layers come in verified or not at all, whatever the network, the sender or a crash does."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Coroutine, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.images import file, tar

from towline.content.layer_file import LayerFile
from towline.content.layers import LayerStore
from towline.oci import media_type
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.problem import Problem
from towline.pull import failure as f
from towline.pull.layers import Layer
from towline.pull.wire import Fault, Trouble, WireFailed

TAR = tar(file("a", b"one"), file("b", bytes(range(256)) * 4000))
PACKED = gzip.compress(TAR, 1)


class ScriptedBody:
    """Bytes that break after a while."""

    def __init__(self, content: bytes, breaks: Trouble | None = None) -> None:
        self.content = content
        self.breaks = breaks
        self.closed = False

    def readinto(self, buffer: memoryview, /) -> int:
        """Give some, then break or end."""
        count = min(len(buffer), len(self.content), 10_000)
        buffer[:count] = self.content[:count]
        self.content = self.content[count:]
        if count == 0 and self.breaks is not None:
            raise WireFailed(Fault(self.breaks, "10.0.0.1:443", local="10.0.0.2:1"))
        return count

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class ScriptedSource:
    """Serves content in pieces: each opening gets as many bytes as the script says, then breaks."""

    def __init__(self, content: bytes, cuts: tuple[int, ...] = (), ranges: bool = True) -> None:
        self.content = content
        self.cuts = list(cuts)
        self.ranges = ranges
        self.offsets = list[int]()
        self.parts = list[tuple[int, int]]()

    registry = "registry.test"

    async def part(self, begin: int, end: int) -> ScriptedBody | None:
        """A part, where there are ranges."""
        self.parts.append((begin, end))
        return ScriptedBody(self.content[begin:end]) if self.ranges else None

    async def open(self, offset: int) -> tuple[ScriptedBody, int]:
        """Open as the next line of the script says."""
        self.offsets.append(offset)
        begin = offset if self.ranges else 0
        if self.cuts:
            cut = self.cuts.pop(0)
            return ScriptedBody(self.content[begin : begin + cut], Trouble.CLOSED), begin
        return ScriptedBody(self.content[begin:]), begin


class StuckBody(ScriptedBody):
    """Never gives a byte until it is closed."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.shut = threading.Event()

    def readinto(self, buffer: memoryview, /) -> int:
        """Wait for the end."""
        self.shut.wait(10)
        raise WireFailed(Fault(Trouble.CLOSED, "10.0.0.1:443"))

    def close(self) -> None:
        """Let the reader go."""
        self.shut.set()


class HesitantSource:
    """Hesitates while it is asked, and then gives no answer."""

    registry = "registry.test"

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.reached = asyncio.Event()
        self.go_on = threading.Event()
        self.was_stopped = False
        self._loop = loop

    def open(self, offset: int) -> Coroutine[Any, Any, tuple[ScriptedBody, int]]:
        """Called by the thread; what it returns is run by the loop."""
        self._loop.call_soon_threadsafe(self.reached.set)
        self.go_on.wait(60)
        return self._keep_silent()

    async def _keep_silent(self) -> tuple[ScriptedBody, int]:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.was_stopped = True
            raise
        return ScriptedBody(b""), 0


class StuckSource:
    """Gives a body that never gives a byte."""

    registry = "registry.test"

    async def open(self, offset: int) -> tuple[StuckBody, int]:
        """Open it."""
        return StuckBody(), offset


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LayerStore]:
    """An empty store."""
    opened = LayerStore(tmp_path / "layers")
    yield opened
    opened.close()


def layer(
    packed: bytes = PACKED, unpacked: bytes = TAR, kind: str = media_type.OCI_LAYER_GZIP
) -> Layer:
    """What a manifest would say of these bytes."""
    return Layer(Descriptor(kind, Digest.of(packed), len(packed)), Digest.of(unpacked))


def left_behind(store: LayerStore) -> list[Path]:
    """What lies among the incomplete layers."""
    return sorted((store.path(layer().diff_id).parent.parent / "partial").iterdir())


def cut(wanted: Layer) -> str:
    """Where a download that was cut waits to be gone on with."""
    return f"sha256-{wanted.descriptor.digest.hex}"


async def take(store: LayerStore, wanted: Layer, source: object) -> list[int]:
    """Add a layer; how far it said it was."""
    reports = list[int]()
    await store.add(wanted, source, reports.append)  # type: ignore[arg-type]  # a fake by shape
    return reports


async def refusal(store: LayerStore, wanted: Layer, source: object) -> f.Cause:
    """Why a layer is not taken in; nothing of it may be left."""
    with pytest.raises(f.Failed) as caught:
        await take(store, wanted, source)
    assert not store.has(wanted.diff_id)
    assert {path.name for path in left_behind(store)} <= {cut(wanted)}
    return caught.value.failure.cause


async def test_a_layer_is_kept_when_both_digests_match(store: LayerStore) -> None:
    """And can be verified again at any time."""
    reports = await take(store, layer(), ScriptedSource(PACKED))

    kept = LayerFile.open(store.path(layer().diff_id))
    kept.verify()
    assert set(kept.tree().children or {}) == {b"a", b"b"}
    assert reports[-1] == len(PACKED)


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no-ranges"])
async def test_a_broken_connection_is_resumed_where_it_broke(
    store: LayerStore, ranges: bool
) -> None:
    """Also when the server knows no ranges and starts again."""
    cuts = (5000, 7000, 1000) if ranges else (5000, 9000, 12000)
    source = ScriptedSource(PACKED, cuts, ranges)

    await take(store, layer(), source)

    assert source.offsets[0] == 0
    assert all(later > earlier for earlier, later in pairwise(source.offsets))


async def test_a_connection_that_never_gets_on_is_given_up(store: LayerStore) -> None:
    """Three openings without a byte are enough: containerd's rule and words."""
    source = ScriptedSource(PACKED, (5000, 0, 0, 0, 0))

    cause = await refusal(store, layer(), source)

    assert cause == f.ContentTooShort(5000, len(PACKED))
    assert len(source.offsets) == 4


async def test_a_layer_that_ends_early_is_too_short(store: LayerStore) -> None:
    """An orderly end before the promised size."""
    cause = await refusal(store, layer(), ScriptedSource(PACKED[:-5]))

    assert cause == f.ContentTooShort(len(PACKED) - 5, len(PACKED))


async def test_a_layer_that_goes_on_is_too_long(store: LayerStore) -> None:
    """Not a byte more than the manifest says."""
    cause = await refusal(store, layer(), ScriptedSource(PACKED + b"more"))

    assert isinstance(cause, f.ContentTooLong)
    assert (cause.seen, cause.expected) == (len(PACKED) + 4, len(PACKED))


@pytest.mark.parametrize("position", [0, 15, 2000, -3])
async def test_other_bytes_have_another_digest(store: LayerStore, position: int) -> None:
    """Wherever the damage is, the digest is the reason: not what inflating makes of it."""
    damaged = bytearray(PACKED)
    damaged[position] ^= 0x55

    cause = await refusal(store, layer(), ScriptedSource(bytes(damaged)))

    assert cause == f.DigestDiffers(
        f"layer-{Digest.of(PACKED)}", Digest.of(bytes(damaged)), Digest.of(PACKED)
    )


async def test_another_tar_than_the_config_promises_is_refused(store: LayerStore) -> None:
    """The right compressed digest, the wrong diff ID."""
    other = gzip.compress(tar(file("other")), 1)

    cause = await refusal(store, layer(other), ScriptedSource(other))

    assert cause == f.DiffIdDiffers(Digest.of(TAR))


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (PACKED[:-9], "unexpected EOF"),
        (PACKED[:10] + b"\xff" * 500, "flate: corrupt input"),
        (PACKED + b"rubbish, and more of it", "gzip: invalid header"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 50, "zstd: "),
    ],
    ids=["cut", "garbled", "trailing", "zstd"],
)
async def test_what_cannot_be_inflated_is_said_so(
    store: LayerStore, packed: bytes, reason: str
) -> None:
    """When the bytes are those that the manifest names, the image itself is broken."""
    cause = await refusal(store, layer(packed), ScriptedSource(packed))

    assert isinstance(cause, f.LayerUnusable)
    assert cause.detail.startswith(reason)


async def test_a_layer_that_reaches_out_is_refused(store: LayerStore) -> None:
    """With both digests right."""
    evil = tar(file("../../escape", b"x"))
    packed = gzip.compress(evil)

    cause = await refusal(store, layer(packed, evil), ScriptedSource(packed))

    assert cause == f.LayerUnusable(
        Digest.of(evil), '"../../escape" is outside of the root filesystem'
    )


@pytest.mark.slow
async def test_a_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    """A layer may not unpack to more than the store allows."""
    store = LayerStore(tmp_path / "small", largest=1_000_000)
    bomb = gzip.compress(bytes(50_000_000), 9)
    try:
        cause = await refusal(store, layer(bomb), ScriptedSource(bomb))
    finally:
        store.close()

    assert isinstance(cause, f.LayerUnusable)
    assert cause.detail == "it unpacks to more than 1000000 bytes"


async def test_a_zstd_bomb_is_bounded_by_its_size(store: LayerStore) -> None:
    """No honest layer is a thousand times smaller than its tar."""
    import zstandard

    bomb = zstandard.compress(bytes(40_000_000), 19)

    cause = await refusal(store, layer(bomb), ScriptedSource(bomb))

    assert isinstance(cause, f.LayerUnusable)


async def test_many_who_want_one_layer_share_one_flight(store: LayerStore) -> None:
    """However many pods start at once, it is fetched once."""
    sources = [ScriptedSource(PACKED) for _ in range(8)]
    async with asyncio.TaskGroup() as group:
        for source in sources:
            group.create_task(take(store, layer(), source))

    assert sum(len(source.offsets) for source in sources) == 1


async def test_all_who_wait_for_a_layer_hear_how_far_it_is(store: LayerStore) -> None:
    """Else a pod whose bytes another one fetches would look as if nothing came for it."""
    told = await asyncio.gather(*(take(store, layer(), ScriptedSource(PACKED)) for _ in range(8)))

    assert {reports[-1] for reports in told} == {len(PACKED)}


async def test_when_one_fails_the_next_tries_with_its_own_source(store: LayerStore) -> None:
    """Another pod's network or login is not my failure."""
    bad, good = ScriptedSource(PACKED[:100]), ScriptedSource(PACKED)

    results = await asyncio.gather(
        take(store, layer(), bad), take(store, layer(), good), return_exceptions=True
    )

    assert isinstance(results[0], f.Failed)
    assert store.has(layer().diff_id)


async def test_a_cancelled_layer_leaves_nothing(store: LayerStore) -> None:
    """A pod that is deleted while its image comes."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await take(store, layer(), StuckSource())

    assert not store.has(layer().diff_id)
    assert not left_behind(store)


async def test_a_layer_given_up_while_its_source_is_being_asked_is_not_waited_for(
    store: LayerStore,
) -> None:
    """The thread that asks and the loop that gives up may meet at any point."""
    source = HesitantSource(asyncio.get_running_loop())
    async with asyncio.TaskGroup() as tasks:
        taking = tasks.create_task(take(store, layer(), source))
        await source.reached.wait()
        taking.cancel()
        await asyncio.sleep(0)  # the task has given up
        source.go_on.set()

    assert source.was_stopped


async def test_a_store_belongs_to_one_process(store: LayerStore, tmp_path: Path) -> None:
    """A second one is told so."""
    with pytest.raises(Problem, match="another process keeps its layers"):
        LayerStore(tmp_path / "layers")


async def test_what_was_on_the_disk_stays_after_a_restart(tmp_path: Path) -> None:
    """Rubbish goes, layers stay; after a reboot unsynced ones are verified again."""
    root = tmp_path / "layers"
    store = LayerStore(root)
    await take(store, layer(), ScriptedSource(PACKED))
    path = store.path(layer().diff_id)
    store.close()
    assert path.stat().st_mode & 0o777 == 0o444

    (root / "partial" / "left").write_bytes(b"half a layer")
    path.chmod(0o644)  # as if the machine had stopped before it was synced
    (root / "boot_id").write_text("another boot")
    store = LayerStore(root)
    store.close()
    assert store.has(layer().diff_id)
    assert not list((root / "partial").iterdir())

    path.chmod(0o644)
    damaged = bytearray(path.read_bytes())
    damaged[5000] ^= 1
    path.write_bytes(damaged)
    (root / "boot_id").write_text("yet another boot")
    LayerStore(root).close()
    assert not store.has(layer().diff_id)


@pytest.mark.parametrize(
    "packed",
    [TAR, PACKED, gzip.compress(TAR[:5000]) + gzip.compress(TAR[5000:])],
    ids=["plain", "gzip", "two-members"],
)
async def test_the_bytes_say_how_they_are_packed(store: LayerStore, packed: bytes) -> None:
    """Media types are often wrong; the digests never are."""
    await take(store, layer(packed, kind=media_type.DOCKER_LAYER), ScriptedSource(packed))

    assert store.has(Digest.of(TAR))
