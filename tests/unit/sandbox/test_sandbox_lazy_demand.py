"""Which span is fetched next: what readers wait for, then the rest."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.images import file, noise, tar
from tests.sandboxes import until

from towline.content.index_blob import LayerIndex
from towline.content.index_build import build_index
from towline.content.lazy_file import LazyFile, lay_out
from towline.sandbox.lazy.behind import Behind
from towline.sandbox.lazy.demand import Demand, RightOfWay
from towline.sandbox.lazy.fate import End, Fate
from towline.sandbox.lazy.journal import Journal, State, Wanted
from towline.sandbox.lazy.spans import Spans
from towline.sandbox.lazy.supply import Unreachable

STEP = 64 * 1024
PACKED = gzip.compress(tar(*(file(f"f{n}", noise(90_000, n + 1)) for n in range(8))), 1)


@dataclass(slots=True)
class Blobs:
    """A supply from memory, that writes down what it was asked for."""

    packed_blob: bytes
    windows_blob: bytes
    asked: list[tuple[str, range]] = field(default_factory=list)
    failures: int = 0
    """How many requests fail yet."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """What nobody waits for comes only when it is open."""
    read: int = 0

    async def packed(self, _: int, part: range) -> bytes:
        """See `Supply`."""
        return self._part("packed", self.packed_blob, part)

    async def windows(self, _: int, part: range) -> bytes:
        """See `Supply`."""
        return self._part("windows", self.windows_blob, part)

    async def stream(self, _: int, part: range) -> Coming:
        """See `Supply`."""
        return Coming(self, self._part("stream", self.packed_blob, part))

    def _part(self, kind: str, blob: bytes, part: range) -> bytes:
        self.asked.append((kind, part))
        if self.failures:
            self.failures -= 1
            raise Unreachable("not now")
        return blob[part.start : part.stop]


@dataclass(slots=True)
class Coming:
    """See `Stream`."""

    blobs: Blobs
    content: bytes

    async def read(self, size: int) -> bytes:
        """See `Stream`."""
        await self.blobs.gate.wait()
        self.blobs.read += size
        head, self.content = self.content[:size], self.content[size:]
        return head

    async def close(self) -> None:
        """See `Stream`."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A layer with holes, and those who fill it."""

    index: LayerIndex
    file: LazyFile
    blobs: Blobs
    journal: Journal
    demand: Demand
    behind: Behind

    @property
    def size(self) -> int:
        """Packed bytes of all spans: what comes before the first is gzip's head."""
        return self.index.packed_size - self.index.spans[0].packed

    def requests(self, kind: str) -> list[range]:
        """The parts that were asked for."""
        return [part for each, part in self.blobs.asked if each == kind]


@asynccontextmanager
async def scene(folder: Path, blob: bytes = PACKED) -> AsyncIterator[Scene]:
    """A layer of which nothing is there."""
    packed, windows = folder / "packed", io.BytesIO()
    packed.write_bytes(PACKED)
    index = build_index(packed, windows, STEP)
    lay_out(folder / "layer", index)
    file = LazyFile(os.open(folder / "layer", os.O_RDWR | os.O_CLOEXEC), index)
    size = index.packed_size - index.spans[0].packed
    journal = Journal.make([Wanted(size, len(index.spans))])
    news, right = os.eventfd(0), RightOfWay()
    fate, blobs = Fate(journal, news, folder), Blobs(blob, windows.getvalue())
    with ThreadPoolExecutor(2) as threads:
        spans = Spans([file], journal, fate, threads)
        demand = Demand(spans, blobs, right, fate)
        yield Scene(index, file, blobs, journal, demand, Behind(spans, blobs, right))
    for fd in (file.descriptor, journal.descriptor, news):
        os.close(fd)


async def test_readers_who_want_the_same_span_have_it_fetched_once(tmp_path: Path) -> None:
    """And of the rest nothing."""
    async with scene(tmp_path) as it:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(it.demand.have([(0, 2), (0, 3)]))

        assert len(it.requests("packed")) == 2
        assert [n for n in range(len(it.index.spans)) if it.file.has(n)] == [2, 3]


async def test_who_reads_on_finds_the_next_span_on_its_way(tmp_path: Path) -> None:
    """It is asked for when the one before has come, and only once two were read in a row."""
    async with scene(tmp_path) as it:
        alone = it.demand.ahead([(0, 1)])
        await it.demand.have([(0, 1)])
        following = it.demand.ahead([(0, 2)])
        again = it.demand.ahead([(0, 2)])
        assert following is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(it.demand.read_on(following))
            await asyncio.sleep(0)
            asked_before = len(it.requests("packed"))
            await it.demand.have([(0, 2)])

        assert (alone, following, again) == (None, (0, 3), None)
        assert asked_before == 1
        assert it.requests("packed") == [it.index.packed_range(n) for n in (1, 2, 3)]
        assert it.demand.ahead([(0, len(it.index.spans) - 1)]) is None


async def test_what_lies_before_a_span_spares_its_window(tmp_path: Path) -> None:
    """Only where the span before is missing, what it would refer to is fetched."""
    async with scene(tmp_path) as it:
        await it.demand.have([(0, 1)])
        await it.demand.have([(0, 2)])
        it.blobs.gate.set()
        await it.behind.fill(0)

        assert sum(span.window_size > 0 for span in it.index.spans) > 2
        assert len(it.requests("windows")) == 1
        assert it.file.is_whole()


async def test_a_network_that_fails_for_a_while_is_asked_again(tmp_path: Path) -> None:
    """The reader only waits."""
    async with scene(tmp_path) as it:
        it.blobs.failures = 2
        await it.demand.have([(0, 1)])

        assert it.file.has(1)
        assert it.journal.state is State.FILLING


async def test_a_span_that_comes_wrong_twice_breaks_the_rope(tmp_path: Path) -> None:
    """What the owner hears is also in the folder, and the file has nothing of it."""
    async with scene(tmp_path, bytes(len(PACKED))) as it:
        async with asyncio.TaskGroup() as group:
            having = group.create_task(it.demand.have([(0, 1)]))
            await until(lambda: it.journal.state is State.BROKEN)
            having.cancel()
        end = End.read(tmp_path)

        assert it.journal.state is State.BROKEN
        assert end is not None
        assert end.broken == it.journal.reason
        assert it.file.is_hole(1)


async def test_the_rest_comes_with_few_requests_and_makes_the_layer_whole(tmp_path: Path) -> None:
    """What readers have had is left out."""
    async with scene(tmp_path) as it:
        await it.demand.have([(0, 2)])
        it.blobs.gate.set()
        await it.behind.fill(0)

        assert it.file.is_whole()
        assert len(it.requests("stream")) == 2
        assert it.blobs.read == it.size - len(it.index.packed_range(2))
        assert it.journal.filled() == ((it.size, it.size),)


async def test_what_a_reader_takes_from_a_run_is_not_streamed(tmp_path: Path) -> None:
    """The run ends before it, and goes on behind it."""
    async with scene(tmp_path) as it:
        async with asyncio.TaskGroup() as group:
            filling = group.create_task(it.behind.fill(0))
            await until(lambda: bool(it.requests("stream")))
            await it.demand.have([(0, 3)])
            it.blobs.gate.set()
            await filling

        assert it.file.is_whole()
        assert it.blobs.read == it.size - len(it.index.packed_range(3))


async def test_spans_that_an_earlier_rope_left_are_not_fetched(tmp_path: Path) -> None:
    """They are known by their digests; half a span is none."""
    async with scene(tmp_path) as it:
        await it.demand.have([(0, 1), (0, 4)])
        os.pwrite(it.file.descriptor, b"\0" * 100, 4096 + it.index.spans[4].begin)
    async with scene(tmp_path) as again:
        again.blobs.gate.set()
        await again.behind.fill(0)

        assert again.file.is_whole()
        assert again.blobs.read == again.size - len(again.index.packed_range(1))


async def test_who_reads_on_is_not_forgotten_when_another_reads_the_same(tmp_path: Path) -> None:
    """He waits for the span before; the other, who has read less of it so far, waits for it too."""
    async with scene(tmp_path) as world, asyncio.timeout(60), asyncio.TaskGroup() as group:
        world.demand.ahead([(0, 1)])
        following = world.demand.ahead([(0, 2)])
        assert following == (0, 3)
        reading_on = group.create_task(world.demand.read_on(following))
        await asyncio.sleep(0)
        again = world.demand.ahead([(0, 0), (0, 1), (0, 2)])
        await world.demand.have([(0, 2)])
        await reading_on

        assert again == following
        assert len(world.requests("packed")) == 2
