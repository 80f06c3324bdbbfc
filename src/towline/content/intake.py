"""One layer on its way in: fetched, inflated and written by three threads, and verified while it
passes.

What is wrong with the bytes that came is said before what is wrong with what they unpack to: a
layer that was damaged on its way does not unpack either, and its digest is the reason.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from towline.content.channel import Abandoned, Channel
from towline.content.erofs import TAR_OFFSET
from towline.content.inflate import unpacked
from towline.content.layer_file import seal
from towline.content.tar_index import BadTar, TarIndex
from towline.content.tree import build_tree
from towline.pull.failure import (
    Cause,
    ContentTooLong,
    ContentTooShort,
    CopyBroken,
    DiffIdDiffers,
    DigestDiffers,
    Failed,
    Failure,
    LayerUnusable,
    Place,
    SizeZero,
    StorageFailed,
)
from towline.pull.layers import Layer
from towline.pull.message import content_ref
from towline.pull.wire import Body, Trouble, WireFailed

PIECE = 256 * 1024  # measured: smaller costs 20-40 % more, larger doubles the memory
DEPTH = 8
MAX_REOPENINGS = 3  # without a byte between them; containerd's
MAX_EXPANSION = 1100  # deflate cannot do more than 1032 to 1
_SLACK = 1024 * 1024
_RESUMABLE = frozenset({Trouble.CLOSED, Trouble.RESET})


class Cancelled(Exception):
    """Whoever wanted the layer no longer does."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to come in, from where, and where to."""

    layer: Layer
    open: Callable[[int], tuple[Body, int]]
    """Blocks. Gives the bytes from an offset on, or from 0."""
    report: Callable[[int], None]
    path: Path
    limit: int
    """The most that a layer may unpack to."""


class Intake:
    """Takes one layer in. `run` blocks; `cancel` ends it from another thread."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._packed = Channel[bytearray](DEPTH)
        self._tar = Channel[bytes | bytearray](DEPTH)
        self._body: Body | None = None
        self._cancelled = threading.Event()
        self._errors = dict[str, Exception]()

    def run(self) -> None:
        """Leave a sealed layer at the order's path. Raises `Failed` or `Cancelled`; the file is
        then rubbish.
        """
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
        if self._body is not None:
            self._body.close()
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
            if name == "fetch":
                self._packed.end()
            elif name == "inflate":
                self._tar.end()

    def _fetch(self) -> None:
        descriptor = self._order.layer.descriptor
        if descriptor.size == 0:
            raise Failed(Failure(Place.UNPACK, SizeZero(descriptor.digest)))
        verifier, have = descriptor.digest.verifier(), 0
        for piece in self._pieces(descriptor.size):
            verifier.update(piece)
            have += len(piece)
            self._packed.put(piece)
            self._order.report(have)
        if not verifier.verified:
            ref = content_ref("layer", descriptor.digest)
            raise _failed(DigestDiffers(ref, verifier.seen, descriptor.digest))

    def _pieces(self, size: int) -> Iterator[bytearray]:
        """Exactly `size` bytes, on as many connections as it takes."""
        self._connect(0)
        have, reopenings = 0, 0
        while have < size:
            piece = bytearray(min(PIECE, size - have))
            try:
                count = self._fill(memoryview(piece))
            except WireFailed as failed:
                reopenings += 1
                if failed.fault.trouble not in _RESUMABLE:
                    raise _failed(CopyBroken(failed.fault)) from failed
                self._resume(have, size, reopenings)
                continue
            if count == 0:
                raise _failed(ContentTooShort(have, size))
            reopenings = 0
            have += count
            del piece[count:]
            yield piece
        self._expect_end(size)

    def _fill(self, view: memoryview) -> int:
        """As many bytes as there are; what came before a break is kept."""
        assert self._body is not None
        count = 0
        while count < len(view):
            try:
                got = self._body.readinto(view[count:])
            except WireFailed:
                if count:
                    return count
                raise
            if got == 0:
                break
            count += got
        return count

    def _connect(self, offset: int) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self._body, begin = self._order.open(offset)
        if self._cancelled.is_set():
            self._body.close()
        rubbish = memoryview(bytearray(PIECE))
        while begin < offset:
            count = self._body.readinto(rubbish[: offset - begin])
            if count == 0:
                raise _failed(ContentTooShort(begin, self._order.layer.descriptor.size))
            begin += count

    def _resume(self, have: int, size: int, reopenings: int) -> None:
        if self._body is not None:
            self._body.close()
        if reopenings > MAX_REOPENINGS or self._cancelled.is_set():
            raise _failed(ContentTooShort(have, size))
        try:
            self._connect(have)
        except (WireFailed, Failed) as error:
            raise _failed(ContentTooShort(have, size)) from error

    def _expect_end(self, size: int) -> None:
        assert self._body is not None
        try:
            more = self._fill(memoryview(bytearray(PIECE)))
        except WireFailed:
            more = 0
        self._body.close()
        if more:
            ref = content_ref("layer", self._order.layer.descriptor.digest)
            raise _failed(ContentTooLong(ref, size + more, size))

    def _inflate(self) -> None:
        total, descriptor = 0, self._order.layer.descriptor
        limit = min(self._order.limit, descriptor.size * MAX_EXPANSION + _SLACK)
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
        fd = os.open(order.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
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
            path = error.filename or self._order.path
            reason = (error.strerror or str(error)).lower()
            return _failed(StorageFailed(f"write {path}: {reason}"))
        return error


def _failed(cause: Cause) -> Failed:
    return Failed(Failure(Place.UNPACK, cause))


def _write_all(fd: int, piece: bytes | bytearray) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]
