"""A layer's compressed bytes from a registry: in order, verified, and kept while they come.

One connection brings the bytes that are wanted next. Where that turns out to be slow, others fetch
parts from further behind at the same time, if the registry gives parts; if it does not, or any of
them fails, the first one simply goes on: nothing depends on them. What has come stays in `spans`
when the download is cut, and the next one begins there.

A connection that breaks is opened again where it broke. One that trickles is closed by `nudge`,
which is as if it had broken, but not for ever.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from towline.content.buffers import PIECE, Buffers
from towline.content.spans import Span, Spans
from towline.oci.manifest import Descriptor
from towline.pull.failure import (
    Cause,
    ContentTooLong,
    ContentTooShort,
    CopyBroken,
    DigestDiffers,
    Failed,
    Failure,
    Place,
    SizeZero,
)
from towline.pull.message import content_ref
from towline.pull.wire import Body, Fault, Trouble, WireFailed

MAX_REOPENINGS = 3  # without a byte between them; containerd's
MAX_STALLS = 2  # in all
_RESUMABLE = frozenset({Trouble.CLOSED, Trouble.RESET})


class Cancelled(Exception):
    """Whoever wanted the layer no longer does."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How hard a download tries."""

    slowest: int = 1024
    """Bytes a second; a connection that is slower for `patience` seconds is opened again."""
    patience: float = 60.0
    hurry: float = 2.0
    """Seconds spent mostly waiting, after which more connections are tried."""
    least: int = 16 * 1024 * 1024
    """Bytes that are worth another connection."""
    connections: int = 4
    """For one layer, at most."""


class Supply(Protocol):
    """Where the bytes come from. All of it blocks, and raises `Failed` or `WireFailed`."""

    def open(self, offset: int) -> tuple[Body, int]:
        """The bytes from an offset on, or from 0, and which of both."""
        ...

    def part(self, begin: int, end: int) -> Body | None:
        """Exactly these bytes; None when the registry gives no parts."""
        ...

    def share(self) -> int:
        """How many connections this layer may have now, with all others in mind."""
        ...


class Fetch:
    """One download. `pieces` is run by one thread; `cancel` and `nudge` are for others."""

    def __init__(
        self, descriptor: Descriptor, supply: Supply, spans: Spans, habits: Habits
    ) -> None:
        self._descriptor = descriptor
        self._supply = supply
        self._spans = spans
        self._habits = habits
        self._cancelled = threading.Event()
        self._nudged = False
        self._stalls = 0
        self._bodies = set[Body]()
        self._crew = list[threading.Thread]()
        self._waited = _Stopwatch()
        self.arrived = 0
        """Bytes that came over the network."""
        self.position = 0
        """Bytes that were handed over."""
        self.parted = False
        """Whether some bytes came in parts."""

    @property
    def is_waiting(self) -> bool:
        """Whether it is the network that is waited for."""
        return self._waited.runs

    def pieces(self, buffers: Buffers) -> Generator[memoryview]:
        """All bytes, in order, in buffers that may be given back. Raises `Failed` or `Cancelled`."""
        if self._descriptor.size == 0:
            raise Failed(Failure(Place.UNPACK, SizeZero(self._descriptor.digest)))
        verifier = self._descriptor.digest.verifier()
        try:
            for piece in self._in_order(buffers):
                verifier.update(piece)
                yield piece
        finally:
            self._dismiss()
        if not verifier.verified:
            ref = content_ref("layer", self._descriptor.digest)
            raise _failed(DigestDiffers(ref, verifier.seen, self._descriptor.digest))

    def cancel(self) -> None:
        """Stop soon."""
        self._cancelled.set()
        self._hang_up()

    def nudge(self) -> None:
        """Close connections that bring too little; they are opened again."""
        self._nudged = True
        self._hang_up()

    def _hang_up(self) -> None:
        for body in tuple(self._bodies):
            body.close()

    def _dismiss(self) -> None:
        """Have the other connections end, and wait for it."""
        if any(thread.is_alive() for thread in self._crew):
            self._cancelled.set()
            self._hang_up()
        for thread in self._crew:
            thread.join()

    def _in_order(self, buffers: Buffers) -> Generator[memoryview]:
        size = self._descriptor.size
        while self.position < size:
            piece = memoryview(buffers.take())[: size - self.position]
            with self._waited:
                count = self._spans.read(self.position, piece)
            if count:
                self.position += count
                yield piece[:count]
                continue
            buffers.give_back(piece)
            span = self._spans.claim(self.position)
            with contextlib.closing(self._filled(span, buffers)) as pieces:
                for fresh in pieces:
                    self.position += len(fresh)
                    yield fresh

    def _filled(self, span: Span, buffers: Buffers) -> Generator[memoryview]:
        """The bytes of a gap, on one connection after the other."""
        body, reopenings = None, 0
        try:
            body = self._connect(span.position)
            while span.position < span.end:
                piece = memoryview(buffers.take())[: span.end - span.position]
                try:
                    count = self._fill(body, piece)
                except WireFailed as failed:
                    buffers.give_back(piece)
                    reopenings += 1
                    self._close(body)
                    self._judge(failed)
                    body = self._resume(span.position, reopenings)
                    continue
                if count == 0:
                    raise self._too_short(span.position)
                reopenings = 0
                kept = self._spans.write(span, piece[:count])
                yield piece[:kept]
                self._call_crew()
            if span.end == self._descriptor.size:
                self._expect_end(body)
        finally:
            self._spans.release(span)
            if body is not None:
                self._close(body)

    def _judge(self, failed: WireFailed) -> None:
        """Whether it is worth opening the connection again."""
        nudged, self._nudged = self._nudged, False
        if nudged:
            self._stalls += 1
            if self._stalls > MAX_STALLS:
                fault = Fault(Trouble.STALLED, failed.fault.subject)
                raise _failed(CopyBroken(fault)) from failed
        elif failed.fault.trouble not in _RESUMABLE:
            raise _failed(CopyBroken(failed.fault)) from failed

    def _connect(self, offset: int) -> Body:
        if self._cancelled.is_set():
            raise Cancelled
        with self._waited:
            body, begin = self._supply.open(offset)
        self._nudged = False
        self._bodies.add(body)
        if self._cancelled.is_set():
            body.close()
        rubbish = memoryview(bytearray(PIECE))
        while begin < offset:
            count = body.readinto(rubbish[: offset - begin])
            if count == 0:
                raise self._too_short(begin)
            begin += count
        return body

    def _resume(self, position: int, reopenings: int) -> Body:
        if reopenings > MAX_REOPENINGS or self._cancelled.is_set():
            raise self._too_short(position)
        try:
            return self._connect(position)
        except (WireFailed, Failed) as error:
            raise self._too_short(position) from error

    def _fill(self, body: Body, view: memoryview) -> int:
        """As many bytes as there are; what came before a break is kept."""
        count = 0
        with self._waited:
            while count < len(view):
                try:
                    got = body.readinto(view[count:])
                except WireFailed:
                    if count:
                        return count
                    raise
                if got == 0:
                    break
                count += got
                self.arrived += got
        return count

    def _expect_end(self, body: Body) -> None:
        size = self._descriptor.size
        try:
            more = self._fill(body, memoryview(bytearray(PIECE)))
        except WireFailed:
            more = 0
        if more:
            ref = content_ref("layer", self._descriptor.digest)
            raise _failed(ContentTooLong(ref, size + more, size))

    def _close(self, body: Body) -> None:
        self._bodies.discard(body)
        body.close()

    def _too_short(self, position: int) -> Failed:
        return _failed(ContentTooShort(position, self._descriptor.size))

    def _call_crew(self) -> None:
        """Have others fetch too, once, when it is the network that is slow."""
        habits, waited = self._habits, self._waited
        if self._crew or waited.total < habits.hurry or waited.total < waited.elapsed / 2:
            return
        hands = min(habits.connections, self._supply.share()) - 1
        self._crew = [threading.Thread(target=self._help) for _ in range(max(hands, 0))]
        for thread in self._crew:
            thread.start()

    def _help(self) -> None:
        with contextlib.suppress(Exception):  # whoever reads in order meets the same, and says so
            while not self._cancelled.is_set() and (span := self._spans.split(self._habits.least)):
                try:
                    self._fetch_part(span)
                finally:
                    self._spans.release(span)

    def _fetch_part(self, span: Span) -> None:
        """Fill a span, whose end may move while it is filled; raises when it cannot be."""
        body = self._supply.part(span.position, span.end)
        if body is None:
            raise WireFailed(Fault(Trouble.CLOSED, ""))
        self._bodies.add(body)
        self.parted = True
        try:
            piece = memoryview(bytearray(PIECE))
            while span.position < span.end and not self._cancelled.is_set():
                count = body.readinto(piece[: span.end - span.position])
                if count == 0:
                    raise WireFailed(Fault(Trouble.CLOSED, ""))
                self.arrived += count
                self._spans.write(span, piece[:count])
        finally:
            self._close(body)


class _Stopwatch:
    """How long something took, of how long there was."""

    def __init__(self) -> None:
        self._born = self._began = time.monotonic()
        self.runs = False
        self.total = 0.0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._born

    def __enter__(self) -> None:
        self._began, self.runs = time.monotonic(), True

    def __exit__(self, *_: object) -> None:
        self.total, self.runs = self.total + time.monotonic() - self._began, False


def _failed(cause: Cause) -> Failed:
    return Failed(Failure(Place.UNPACK, cause))
