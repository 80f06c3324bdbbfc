"""The layers of all images on this machine, each once, by diff ID.

A layer is one file that can be mounted as it is (see `layer_file`). It appears under its name only
when it is complete and both its digests have been verified:

    partial/<token>      while it comes in; removed when the store is opened
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
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from towline.content.garbage import KeptLayer, superfluous
from towline.content.intake import Cancelled, Intake, Order
from towline.content.layer_file import DamagedLayer, LayerFile
from towline.oci.digest import Algorithm, Digest
from towline.problem import Problem
from towline.pull.layers import Layer, Source
from towline.pull.wire import Body

LARGEST_LAYER = 256 * 1024**3
_PROVISIONAL, _DURABLE = 0o644, 0o444
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_THREADS = 16


class LayerStore:
    """Layers in one folder, which belongs to one process at a time."""

    def __init__(self, root: Path, largest: int = LARGEST_LAYER) -> None:
        """Open the folder, and settle what the last process left; raises `Problem` if another has
        it open.
        """
        self._root = root
        self._largest = largest
        self._partial = root / "partial"
        for folder in (self._partial, *(root / algorithm for algorithm in Algorithm)):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(root / "lock")
        self._flights = dict[Digest, _Flight]()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="towline-layers")
        self._recover()

    def close(self) -> None:
        """Finish what is being written to the disk, and let another process have the folder."""
        self._threads.shutdown(wait=True)
        os.close(self._lock)

    def path(self, diff_id: Digest) -> Path:
        """Where this layer is, or would be."""
        return self._root / diff_id.algorithm / diff_id.hex

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
        return tuple(
            KeptLayer(Digest(algorithm, path.name), status.st_blocks * 512, status.st_mtime_ns)
            for algorithm in Algorithm
            for path in (self._root / algorithm).iterdir()
            for status in (path.stat(),)
        )

    def reclaim(self, used: Collection[Digest], at_most: int) -> tuple[Digest, ...]:
        """Remove layers that are not used, the longest unwanted first, until all that is here takes
        no more than so many bytes; what was removed.
        """
        gone = superfluous(self.kept(), used, at_most)
        for diff_id in gone:
            self.remove(diff_id)
        return gone

    async def add(self, layer: Layer, source: Source, report: Callable[[int], None]) -> None:
        """Fetch a layer unless it is here; see `towline.pull.layers.Layers`."""
        flight = self._flights.setdefault(layer.diff_id, _Flight())
        flight.passengers += 1
        try:
            async with flight.lock:
                if not self.has(layer.diff_id):
                    await self._take_in(layer, source, report)
        finally:
            flight.passengers -= 1
            if not flight.passengers:
                del self._flights[layer.diff_id]

    async def _take_in(self, layer: Layer, source: Source, report: Callable[[int], None]) -> None:
        opener = _Opener(source, asyncio.get_running_loop())
        partial = self._partial / secrets.token_hex(8)
        intake = Intake(Order(layer, opener.open, report, partial, self._largest))
        try:
            await self._run(intake, opener)
            self._publish(partial, layer.diff_id)
        finally:
            partial.unlink(missing_ok=True)

    async def _run(self, intake: Intake, opener: _Opener) -> None:
        """Run it in a thread; when we are cancelled, it is stopped and waited for first."""
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, intake.run)
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            intake.cancel()
            opener.cancel()
            with contextlib.suppress(Exception):
                await asyncio.shield(running)
            raise
        except Cancelled as error:
            raise asyncio.CancelledError from error

    def _publish(self, partial: Path, diff_id: Digest) -> None:
        partial.rename(self.path(diff_id))
        self._threads.submit(_make_durable, self.path(diff_id))

    def _recover(self) -> None:
        """Drop what was incomplete, and verify what may not have reached the disk."""
        shutil.rmtree(self._partial)
        self._partial.mkdir()
        noted = self._root / "boot_id"
        boot_id = _BOOT_ID.read_text().strip()
        same_boot = noted.exists() and noted.read_text().strip() == boot_id
        for path in self._provisional():
            if not same_boot and not _is_intact(path):
                path.unlink()
                continue
            self._threads.submit(_make_durable, path)
        noted.write_text(boot_id)

    def _provisional(self) -> list[Path]:
        return [
            path
            for algorithm in Algorithm
            for path in (self._root / algorithm).iterdir()
            if stat.S_IMODE(path.stat().st_mode) != _DURABLE
        ]


class _Flight:
    """Who takes one layer in, and how many wait for it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.passengers = 0


class _Opener:
    """Lets a thread ask the event loop for the bytes of a layer."""

    def __init__(self, source: Source, loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        self._loop = loop
        self._opening: Future[tuple[Body, int]] | None = None
        self._cancelled = False

    def open(self, offset: int) -> tuple[Body, int]:
        """Blocks until the source has answered."""
        self._opening = asyncio.run_coroutine_threadsafe(self._source.open(offset), self._loop)
        if self._cancelled:  # before there was anything to cancel
            self._opening.cancel()
        return self._opening.result()

    def cancel(self) -> None:
        """Stop waiting for an answer."""
        self._cancelled = True
        if self._opening is not None:
            self._opening.cancel()


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


def _make_durable(path: Path) -> None:
    """Bring a file and its name to the disk, then say so by its mode."""
    try:
        for synced in (path, path.parent):
            fd = os.open(synced, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        path.chmod(_DURABLE)
    except FileNotFoundError:
        pass  # removed meanwhile
