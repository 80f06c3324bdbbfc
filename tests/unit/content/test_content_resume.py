"""A download that is cut goes on where it was cut; a slow one gets more connections, or another."""

from __future__ import annotations

import gzip
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.images import file, tar

from towline.content.fetch import Habits
from towline.content.layers import LayerStore
from towline.content.partial import KEPT_FOR
from towline.content.pulse import Pulse
from towline.content.spans import Span, Spans
from towline.oci import media_type
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.pull import failure as f
from towline.pull.layers import Layer, Receipt
from towline.pull.wire import Fault, Trouble, WireFailed

TAR = tar(file("random", random.Random(1).randbytes(2_000_000)))
PACKED = gzip.compress(TAR, 1)
LAYER = Layer(Descriptor(media_type.OCI_LAYER_GZIP, Digest.of(PACKED), len(PACKED)), Digest.of(TAR))
BUSY = Habits(hurry=0.0, least=50_000)


class Line:
    """A body that gives some bytes at a time and may stop giving any, or break."""

    def __init__(self, content: bytes, piece: int = 10_000, breaks: bool = False) -> None:
        self.content = content
        self.piece = piece
        self.breaks = breaks
        self.shut = threading.Event()

    def readinto(self, buffer: memoryview, /) -> int:
        """Give some; a line with pieces of nothing keeps silent until it is closed."""
        if self.piece == 0:
            self.shut.wait(30)
        elif self.shut.wait(0.0005):
            raise WireFailed(Fault(Trouble.CLOSED, "10.0.0.1:443"))
        count = min(len(buffer), len(self.content), self.piece)
        buffer[:count] = self.content[:count]
        self.content = self.content[count:]
        if self.piece == 0 or (not count and self.breaks):
            raise WireFailed(Fault(Trouble.CLOSED, "10.0.0.1:443"))
        return count

    def close(self) -> None:
        """Let the reader go."""
        self.shut.set()


class Registry:
    """Serves the layer; each opening follows the script, and after its end all goes well."""

    registry = "registry.test"

    def __init__(self, *script: Line, content: bytes = PACKED, ranges: bool = True) -> None:
        self.script = list(script)
        self.content = content
        self.ranges = ranges
        self.offsets = list[int]()
        self.parts = list[tuple[int, int]]()

    async def open(self, offset: int) -> tuple[Line, int]:
        """The next line of the script."""
        self.offsets.append(offset)
        begin = offset if self.ranges else 0
        line = self.script.pop(0) if self.script else Line(self.content[begin:])
        return line, begin

    async def part(self, begin: int, end: int) -> Line | None:
        """A part, where there are ranges."""
        self.parts.append((begin, end))
        return Line(self.content[begin:end]) if self.ranges else None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "layers"


async def add(root: Path, registry: Registry, habits: Habits | None = None) -> Receipt:
    """Take the layer in, in a store that is opened for it and closed."""
    store = LayerStore(root, habits=habits)
    try:
        return await store.add(LAYER, registry, lambda _: None)
    finally:
        store.close()


async def cut(root: Path, size: int, content: bytes = PACKED) -> None:
    """Fail after so many bytes have come."""
    lines = [Line(content[:size], breaks=True), *(Line(b"", breaks=True) for _ in range(4))]
    with pytest.raises(f.Failed) as caught:
        await add(root, Registry(*lines))
    assert caught.value.failure.cause == f.ContentTooShort(size, len(PACKED))


def left(root: Path) -> list[Path]:
    """What lies among the incomplete layers."""
    return list((root / "partial").iterdir())


@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
async def test_a_download_that_was_cut_goes_on_in_another_process(root: Path, share: float) -> None:
    """At 99 %, one per cent is left to fetch."""
    size = int(len(PACKED) * share)
    await cut(root, size)

    registry = Registry()
    receipt = await add(root, registry)

    assert registry.offsets == [size]
    assert (receipt.fetched, receipt.reused) == (len(PACKED) - size, size)
    assert set(receipt.stages) == {"fetch", "inflate", "write"}
    assert left(root) == []


async def test_a_registry_without_ranges_begins_again(root: Path) -> None:
    """What was there is not asked for, but comes."""
    await cut(root, 700_000)

    receipt = await add(root, Registry(ranges=False))

    assert receipt.reused == 700_000
    assert left(root) == []


async def test_bytes_that_were_kept_and_are_wrong_are_fetched_again(root: Path) -> None:
    """As after a power cut: the digest tells, and the pull does not fail for it."""
    await cut(root, 700_000)
    (span,) = next(iter(left(root))).iterdir()
    span.write_bytes(bytes(700_000))

    registry = Registry()
    receipt = await add(root, registry)

    assert registry.offsets == [700_000, 0]
    assert receipt.reused == 0
    assert left(root) == []


async def test_a_cut_download_makes_room_for_layers(root: Path) -> None:
    """It goes first when room is needed, and after a week in any case."""
    await cut(root, 700_000)
    store = LayerStore(root)
    assert store.reclaim((), 1_000_000) == ()
    assert len(left(root)) == 1
    assert store.reclaim((), 10_000) == ()
    assert left(root) == []
    store.close()

    await cut(root, 700_000)
    old = time.time() - KEPT_FOR - 60
    os.utime(left(root)[0], (old, old))
    LayerStore(root).close()
    assert left(root) == []


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no-ranges"])
async def test_a_slow_download_gets_more_connections(root: Path, ranges: bool) -> None:
    """Where the registry gives parts; where it does not, nothing is lost."""
    registry = Registry(ranges=ranges)

    receipt = await add(root, registry, BUSY)

    assert registry.parts
    assert len(PACKED) <= receipt.fetched < len(PACKED) * 1.5  # such small parts may overlap
    assert left(root) == []


async def test_wrong_parts_are_fetched_again_in_one_piece(root: Path) -> None:
    """A registry, or what stands before it, that does not know its ranges."""
    registry = Registry()
    registry.part = lambda begin, end: _line(bytes(end - begin))  # type: ignore[method-assign]  # it lies

    await add(root, registry, BUSY)

    assert registry.offsets[-1] == 0
    assert left(root) == []


async def _line(content: bytes) -> Line:
    return Line(content)


async def test_a_download_cut_in_parts_goes_on_with_its_gaps(root: Path) -> None:
    """Several connections had each brought some."""
    store = LayerStore(root)
    store.close()
    folder = root / "partial" / f"sha256-{LAYER.descriptor.digest.hex}"
    folder.mkdir()
    for begin, end in ((0, 300_000), (1_000_000, 1_500_000)):
        (folder / f"{begin:016d}").write_bytes(PACKED[begin:end])

    registry = Registry()
    receipt = await add(root, registry)

    assert registry.offsets == [300_000, 1_500_000]
    assert receipt.reused == 800_000


@pytest.mark.parametrize("piece", [0, 1], ids=["silent", "trickling"])
async def test_a_connection_that_brings_too_little_is_replaced(root: Path, piece: int) -> None:
    """It need not be silent for that."""
    registry = Registry(Line(PACKED, piece))

    await add(root, registry, Habits(slowest=10_000, patience=0.5))

    assert len(registry.offsets) >= 2


async def test_a_registry_that_brings_too_little_is_given_up(root: Path) -> None:
    """In a time that is known before, and with containerd's cause."""
    registry = Registry(*(Line(PACKED, 0) for _ in range(9)))

    with pytest.raises(f.Failed) as caught:
        await add(root, registry, Habits(slowest=1_000_000, patience=0.2))

    assert caught.value.failure.cause == f.CopyBroken(Fault(Trouble.STALLED, "10.0.0.1:443"))
    assert len(registry.offsets) == 3
    assert left(root) == []


async def test_a_disk_that_is_too_small_is_seen_before(root: Path) -> None:
    """Nothing is fetched; both numbers are said."""
    huge = Layer(Descriptor(media_type.OCI_LAYER, Digest.of(b"x"), 10**15), Digest.of(b"y"))
    store, registry = LayerStore(root), Registry()
    with pytest.raises(f.Failed) as caught:
        await store.add(huge, registry, lambda _: None)
    store.close()

    cause = caught.value.failure.cause
    assert isinstance(cause, f.StorageFailed)
    assert "no space left on device (2000000000000000 bytes are needed at least" in cause.detail
    assert registry.offsets == []
    assert left(root) == []


def test_a_pulse_is_weak_when_too_little_comes_for_too_long() -> None:
    """Not when it pauses for a moment, and anew only after as long again."""
    pulse = Pulse(100, 10)

    assert [pulse.is_weak(min(now * 300, 1500), now) for now in range(30)].index(True) == 12


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_spans_hold_what_was_written_wherever_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Claimed, split, filled and released in any order, over several lives."""
    content = random.Random(7).randbytes(data.draw(st.integers(1, 400)))
    folder = tmp_path_factory.mktemp("spans") / "layer"
    for _ in range(data.draw(st.integers(0, 3))):
        spans, filling = Spans(folder, len(content)), list[Span]()
        for _ in range(data.draw(st.integers(0, 6))):
            least = data.draw(st.integers(1, 50))
            filling.extend(span for span in (spans.split(least),) if span)
            for span in filling:
                count = data.draw(st.integers(0, 60))
                end = min(span.position + count, len(content))
                spans.write(span, memoryview(content)[span.position : end])
        for span in filling:
            spans.release(span)
        spans.close()

    assert _read(Spans(folder, len(content)), content) == content


def _read(spans: Spans, content: bytes) -> bytes:
    """All bytes in order, the gaps filled on the way."""
    out = bytearray()
    while len(out) < len(content):
        buffer = bytearray(64)
        count = spans.read(len(out), memoryview(buffer))
        if not count:
            span = spans.claim(len(out))
            spans.write(span, memoryview(content)[span.begin + span.size : span.end])
            spans.release(span)
        out += buffer[:count]
    return bytes(out)


@pytest.fixture(autouse=True)
def _no_threads_stay() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before + 1
