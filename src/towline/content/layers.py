"""The layers of all images on this machine, each once, by diff ID.

A layer is one file that can be mounted as it is (see `layer_file`). It appears under its name only
when it is complete and both its digests have been verified:

    partial/...          what comes in, and what has come of downloads that were cut
    lazy/...             what is used while it comes in, see `lazy_shelf`
    sha256/<hex>  0644   verified, but not yet known to be on the disk: made since the machine started
    sha256/<hex>  0444   on the disk for good

So no start waits for the disk, and nothing is believed after a power cut that was not hashed again:
when the machine has been restarted, what is still 0644 is verified anew and kept or dropped.

A file's time of modification is when its layer was last wanted; `reclaim` removes by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import os
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from towline.content.delivery import Delivery, Means
from towline.content.fetch import Habits
from towline.content.garbage import KeptLayer, WaterMarks, superfluous
from towline.content.hands import Hands
from towline.content.lanes import Lanes
from towline.content.layer_file import DamagedLayer, LayerFile
from towline.content.lazy_shelf import LazyShelf
from towline.content.opener import Opener
from towline.content.partial import CutDownload, PartialLayers
from towline.content.room import Room
from towline.content.settle import DURABLE, Settler
from towline.content.shelf import layers_in, place
from towline.oci.digest import Algorithm, Digest
from towline.problem import Problem
from towline.pull.layers import Layer, Receipt, Source

LARGEST_LAYER = 256 * 1024**3
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_THREADS = 32

Report = Callable[[int], None]
"""Is told how many compressed bytes of a layer are here."""


class LayerStore:
    """Layers in one folder, which belongs to one process at a time."""

    def __init__(
        self, root: Path, largest: int = LARGEST_LAYER, habits: Habits | None = None
    ) -> None:
        """Open the folder, and settle what the last process left; raises `Problem` if another has
        it open.
        """
        self._root = root
        for algorithm in Algorithm:
            (root / algorithm).mkdir(parents=True, exist_ok=True)
        self._lock = _locked(root / "lock")
        self._flights = dict[tuple[str, Digest], _Flight]()
        self._lanes = Lanes()
        self.lazy = LazyShelf(root / "lazy")
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="towline-layers")
        partial, room, hands = PartialLayers(root / "partial"), Room(root), Hands()
        self._settler = Settler(hands.are_busy)
        self._means = Means(partial, room, self._threads, hands, habits or Habits(), largest)
        self._recover()

    def close(self) -> None:
        """Finish what is being written to the disk, and let another process have the folder."""
        self._threads.shutdown(wait=True)
        self._settler.close()
        os.close(self._lock)

    def path(self, diff_id: Digest) -> Path:
        """Where this layer is, or would be."""
        return place(self._root, diff_id)

    def is_mountable(self, diff_id: Digest) -> bool:
        """Whether a layer that is here shows all its files by itself; raises `DamagedLayer`."""
        return LayerFile.open(self.path(diff_id)).whole

    def has(self, diff_id: Digest) -> bool:
        """Whether this layer is here."""
        return self.path(diff_id).exists()

    def remove(self, diff_id: Digest) -> None:
        """Forget a layer. Where it is mounted, it stays until it is unmounted."""
        self.path(diff_id).unlink(missing_ok=True)

    def touch(self, diff_id: Digest) -> None:
        """Note that the layer is wanted now; nothing happens if it is not here."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.path(diff_id))

    def kept(self) -> tuple[KeptLayer, ...]:
        """All layers that are here."""
        return layers_in(self._root)

    def reclaim(self, used: Collection[Digest], at_most: int) -> tuple[Digest, ...]:
        """Remove downloads that were cut, the oldest first, and then layers that are not used, the
        longest unwanted first, until all of it takes no more than so many bytes; which layers were
        removed.
        """
        kept, cut = self.kept(), self._cut(used)
        layers, left = sum(layer.size for layer in kept), sum(download.size for download in cut)
        for download in cut:
            if layers + left > at_most:
                download.remove()
                left -= download.size
        gone = superfluous(kept, used, at_most - left)
        for diff_id in gone:
            self.remove(diff_id)
        return gone

    def relieve(self, used: Collection[Digest], marks: WaterMarks) -> tuple[Digest, ...]:
        """Likewise `reclaim` what it takes to bring the disk below a water mark."""
        disk = shutil.disk_usage(self._root)
        excess = marks.excess(disk.used + disk.free, disk.free)  # as `df` counts
        if not excess:
            return ()
        size = sum(layer.size for layer in self.kept())
        size += sum(download.size for download in self._cut(used))
        return self.reclaim(used, max(size - excess, 0))

    def _cut(self, used: Collection[Digest]) -> list[CutDownload]:
        """What is left of downloads, also of layers that were used while they came."""
        cut = *self._means.partial.cut(self._means.room.coming), *self.lazy.abandoned(used)
        return sorted(cut, key=lambda download: download.cut_at)

    def is_coming(self, diff_id: Digest) -> bool:
        """Whether somebody is fetching this layer, as a whole."""
        return ("layer", diff_id) in self._flights

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more can be written, beside all that is coming."""
        return self._means.room.has(size)

    def adopt(self, diff_id: Digest) -> None:
        """Take a layer that was filled while it was used among the others. It stays where it is
        mounted. Whoever filled it has verified it, the metadata too (`LazyFile.is_whole`): from
        here on pods of other registries use it as well.
        """
        place = self.lazy.place(diff_id)
        if not self.has(diff_id):
            self._publish(place.layer, diff_id)
        place.remove()

    async def add(self, layer: Layer, source: Source, report: Report) -> Receipt:
        """Fetch a layer unless it is here; see `towline.pull.layers.Layers`."""
        packed = layer.descriptor.digest
        async with self._flight("layer", layer.diff_id, report) as flight:
            if self.has(layer.diff_id):
                return Receipt(reused=layer.descriptor.size)
            async with self._flight("packed", packed, report), self._lanes.lane(source.registry):
                return await self._take_in(layer, source, flight.tell)

    @contextlib.asynccontextmanager
    async def _flight(self, kind: str, digest: Digest, report: Report) -> AsyncIterator[_Flight]:
        """Be the only one who is busy with these bytes. A plain tar has one digest as both kinds."""
        flight = self._flights.setdefault((kind, digest), _Flight())
        flight.passengers.append(report)
        try:
            async with flight.lock:
                yield flight
        finally:
            flight.passengers.remove(report)
            if not flight.passengers:
                del self._flights[kind, digest]

    async def _take_in(self, layer: Layer, source: Source, report: Report) -> Receipt:
        share = functools.partial(self._lanes.share, source.registry)
        opener = Opener(source, asyncio.get_running_loop(), share)
        delivery = Delivery(layer, opener, self._means)
        try:
            receipt = await delivery.take(report)
            self._publish(delivery.path, layer.diff_id)
        finally:
            delivery.path.unlink(missing_ok=True)
        return receipt

    def _publish(self, partial: Path, diff_id: Digest) -> None:
        partial.rename(self.path(diff_id))
        self._settler.add(self.path(diff_id))

    def _recover(self) -> None:
        """Verify what may not have reached the disk."""
        noted = self._root / "boot_id"
        boot_id = _BOOT_ID.read_text().strip()
        same_boot = noted.exists() and noted.read_text().strip() == boot_id
        for path in self._provisional():
            if not same_boot and not _is_intact(path):
                path.unlink()
                continue
            self._settler.add(path)
        noted.write_text(boot_id)

    def _provisional(self) -> list[Path]:
        return [
            path
            for algorithm in Algorithm
            for path in (self._root / algorithm).iterdir()
            if stat.S_IMODE(path.stat().st_mode) != DURABLE
        ]


class _Flight:
    """Who takes one layer in, and who waits for it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.passengers = list[Report]()

    def tell(self, have: int) -> None:
        """Let all know how far it is; who waits for bytes that come is not one whose pull hangs."""
        for report in tuple(self.passengers):
            report(have)


def _locked(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise Problem(
            "layers-in-use",
            cause=f"another process keeps its layers in {path.parent}",
            remedy="Stop the other agent, or give this one a data directory of its own.",
        ) from error
    return fd


def _is_intact(path: Path) -> bool:
    try:
        file = LayerFile.open(path)
        file.verify()
    except (DamagedLayer, OSError):
        return False
    return file.diff_id.hex == path.name
