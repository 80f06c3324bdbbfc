"""One layer on its way in: fetched, inflated and written, and verified while it passes; by one thread,
or by up to three while there are more cores than layers.

What is wrong with the bytes that came is said before what is wrong with what they unpack to: a
layer that was damaged on its way does not unpack either, and its digest is the reason.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from towline.content.ahead import ahead
from towline.content.buffers import Buffers, Piece
from towline.content.erofs import TAR_OFFSET
from towline.content.fetch import Cancelled, Fetch
from towline.content.growing import GrowingFile
from towline.content.hands import Hands
from towline.content.inflate import unpacked
from towline.content.layer_file import seal
from towline.content.tar_field import BadTar
from towline.content.tar_index import Member, TarIndex
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

    def __init__(self, order: Order, fetch: Fetch, hands: Hands) -> None:
        self._order = order
        self._fetch = fetch
        self._hands = hands
        self._cancelled = threading.Event()
        self._buffers = Buffers()
        self._damage: Exception | None = None
        self._began = time.monotonic()
        self.stages = dict[str, float]()
        """When each stage was done, in seconds since the beginning."""

    def run(self) -> None:
        """Leave a sealed layer at the order's path. Raises `Failed` or `Cancelled`; the file is
        then rubbish.
        """
        self._began = time.monotonic()
        try:
            with self._hands.at_work():
                self._take_in()
        except Exception as error:
            if self._cancelled.is_set():
                raise Cancelled from error
            if isinstance(error, BadTar | OSError):
                raise self._translated(error) from error
            raise

    def cancel(self) -> None:
        """Stop soon."""
        self._cancelled.set()
        self._fetch.cancel()

    def _take_in(self) -> None:
        pays, done = self._hands.are_free, self._buffers.give_back
        with closing(self._fetched()) as fetched, closing(ahead(fetched, pays, done)) as packed:
            try:
                with (
                    closing(self._inflated(packed)) as inflated,
                    closing(ahead(inflated, pays, done)) as tar,
                ):
                    self._write(tar)
            except BadTar:
                for _ in packed:
                    pass  # the digest of what came decides who is to blame
                if self._damage is not None:  # it had been found already, by another thread
                    raise self._damage from None
                raise

    def _fetched(self) -> Generator[memoryview]:
        try:
            for piece in self._fetch.pieces(self._buffers):
                self._order.report(self._fetch.position)
                yield piece
        except Exception as error:
            self._damage = error
            raise
        self._note("fetch")

    def _inflated(self, packed: Iterable[memoryview]) -> Generator[Piece]:
        total, descriptor = 0, self._order.layer.descriptor
        limit = min(self._order.limit, most_unpacked(descriptor.size))
        for piece in unpacked(packed, self._buffers, TAR_OFFSET):
            total += len(piece)
            if total > limit:
                raise BadTar(f"it unpacks to more than {limit} bytes")
            yield piece
        self._note("inflate")

    def _write(self, tar: Iterable[Piece]) -> None:
        order, diff_id = self._order, self._order.layer.diff_id
        fd = os.open(order.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            file = GrowingFile(fd, os.lseek(fd, TAR_OFFSET, os.SEEK_SET))
            root = build_tree(self._members(tar, file))
            seal(fd, diff_id, file.end - TAR_OFFSET, root)
            file.give_back()
        except BadTar:
            raise
        except BaseException:
            self._fetch.cancel()  # nobody has to wait for bytes that nobody will write
            raise
        finally:
            os.close(fd)
        self._note("write")

    def _members(self, tar: Iterable[Piece], file: GrowingFile) -> Iterator[Member]:
        """Write and hash what comes; the files that are found in it meanwhile."""
        verifier, index = self._order.layer.diff_id.verifier(), TarIndex()
        for piece in tar:
            if self._cancelled.is_set():
                raise Cancelled
            file.write(piece)
            verifier.update(piece)
            index.feed(piece)
            yield from index.taken()
        if not verifier.verified:
            raise _failed(DiffIdDiffers(verifier.wanted))
        index.finish()

    def _note(self, stage: str) -> None:
        self.stages[stage] = time.monotonic() - self._began

    def _translated(self, error: BadTar | OSError) -> Failed:
        if isinstance(error, BadTar):
            return _failed(LayerUnusable(self._order.layer.diff_id, str(error)))
        return self._storage_failed(error)

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
