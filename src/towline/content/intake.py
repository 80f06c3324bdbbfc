"""One layer on its way in: fetched, inflated and written by three threads, and verified while it
passes.

What is wrong with the bytes that came is said before what is wrong with what they unpack to: a
layer that was damaged on its way does not unpack either, and its digest is the reason.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from towline.content.channel import Abandoned, Channel
from towline.content.erofs import TAR_OFFSET
from towline.content.fetch import Cancelled, Fetch
from towline.content.inflate import unpacked
from towline.content.layer_file import seal
from towline.content.tar_field import BadTar
from towline.content.tar_index import TarIndex
from towline.content.tree import build_tree
from towline.pull.failure import (
    Cause,
    DiffIdDiffers,
    Failed,
    Failure,
    LayerUnusable,
    Place,
    StorageFailed,
)
from towline.pull.layers import Layer

DEPTH = 4  # measured: 8 is not faster, and takes more memory
MAX_EXPANSION = 1100  # deflate cannot do more than 1032 to 1
MAX_LARGE_EXPANSION = 200  # of what unpacks to more than `LARGE`; ten is much for files
LARGE = 1024**3
_SLACK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What is to come in, and where to."""

    layer: Layer
    report: Callable[[int], None]
    path: Path
    limit: int
    """The most that a layer may unpack to."""


def most_unpacked(size: int) -> int:
    """What a layer of so many compressed bytes may unpack to; more is a bomb."""
    small = min(size * MAX_EXPANSION + _SLACK, LARGE)
    return max(small, size * MAX_LARGE_EXPANSION)


class Intake:
    """Takes one layer in. `run` blocks; `cancel` ends it from another thread."""

    def __init__(self, order: Order, fetch: Fetch) -> None:
        self._order = order
        self._fetching = fetch
        self._packed = Channel[bytearray](DEPTH)
        self._tar = Channel[bytes | bytearray](DEPTH)
        self._cancelled = threading.Event()
        self._errors = dict[str, Exception]()
        self._began = time.monotonic()
        self.stages = dict[str, float]()
        """When each stage was done, in seconds since the beginning."""

    def run(self) -> None:
        """Leave a sealed layer at the order's path. Raises `Failed` or `Cancelled`; the file is
        then rubbish.
        """
        self._began = time.monotonic()
        stages = (
            threading.Thread(target=self._stage, args=("fetch", self._fetch)),
            threading.Thread(target=self._stage, args=("inflate", self._inflate)),
        )
        for stage in stages:
            stage.start()
        self._stage("write", self._write)
        for stage in stages:
            stage.join()
        if self._cancelled.is_set():
            raise Cancelled
        for name in ("fetch", "inflate", "write"):
            if name in self._errors:
                raise self._translated(self._errors[name])

    def cancel(self) -> None:
        """Stop soon."""
        self._cancelled.set()
        self._fetching.cancel()
        self._packed.abandon()
        self._tar.abandon()

    def _stage(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Abandoned:
            pass
        except Exception as error:  # noqa: BLE001  # carried to the caller, see `run`
            self._errors[name] = error
        finally:
            self.stages[name] = time.monotonic() - self._began
            if name == "fetch":
                self._packed.end()
            elif name == "inflate":
                self._tar.end()

    def _fetch(self) -> None:
        with contextlib.closing(self._fetching.pieces()) as pieces:
            for piece in pieces:
                self._packed.put(piece)
                self._order.report(self._fetching.position)

    def _inflate(self) -> None:
        total, descriptor = 0, self._order.layer.descriptor
        limit = min(self._order.limit, most_unpacked(descriptor.size))
        try:
            for piece in unpacked(self._packed):
                total += len(piece)
                if total > limit:
                    raise BadTar(f"it unpacks to more than {limit} bytes")
                self._tar.put(piece)
        except (BadTar, Abandoned):
            for _ in self._packed:
                pass  # the digest of what came decides who is to blame
            raise

    def _write(self) -> None:
        order, diff_id = self._order, self._order.layer.diff_id
        verifier, index, size = diff_id.verifier(), TarIndex(), 0
        fd = os.open(order.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            os.lseek(fd, TAR_OFFSET, os.SEEK_SET)
            for piece in self._tar:
                _write_all(fd, piece)
                verifier.update(piece)
                index.feed(piece)
                size += len(piece)
            if self._errors or self._cancelled.is_set():
                return
            if not verifier.verified:
                raise _failed(DiffIdDiffers(diff_id))
            index.finish()
            seal(fd, diff_id, size, build_tree(index.members))
        finally:
            self._tar.abandon()
            os.close(fd)

    def _translated(self, error: Exception) -> Exception:
        if isinstance(error, BadTar):
            return _failed(LayerUnusable(self._order.layer.diff_id, str(error)))
        if isinstance(error, OSError):
            return self._storage_failed(error)
        return error

    def _storage_failed(self, error: OSError) -> Failed:
        path = self._order.path
        reason = (error.strerror or str(error)).lower()
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            needed = self._order.layer.descriptor.size
            free = shutil.disk_usage(path.parent).free
            reason += f" (the layer has {needed} bytes packed, {free} are free)"
        return _failed(StorageFailed(f"write {error.filename or path}: {reason}"))


def _failed(cause: Cause) -> Failed:
    return Failed(Failure(Place.UNPACK, cause))


def _write_all(fd: int, piece: bytes | bytearray) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]
