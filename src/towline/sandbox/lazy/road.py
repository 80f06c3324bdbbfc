"""The ways to a rope's blobs: those on which pods pull them, each with its own login and network.

As long as one way works it is used; when it fails, the next one is. A pod that is gone takes its
network with it, and a login may be revoked: so a rope works as long as any of its pods may pull.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeVar

from towline.linux.socket_line import SocketLine
from towline.linux.wire import Patience, SocketWire
from towline.oci.reference import Reference
from towline.problem import Problem
from towline.pull.attempt import Record
from towline.pull.conversation import Conversation, Purpose
from towline.pull.failure import CauseRaised, Failure, Place
from towline.pull.keyring import Login
from towline.pull.message import failure_text, fault_text
from towline.pull.policy import RegistryPolicy
from towline.pull.visit import Reply, Visits
from towline.pull.wire import Line, Url, WireFailed
from towline.sandbox.lazy.demand import RightOfWay
from towline.sandbox.lazy.order import Order, Packed, Way
from towline.sandbox.lazy.supply import Stream, Unreachable

_T = TypeVar("_T")
QUIET = 5.0
"""Seconds without a reader's question after which the background may fill the line."""
_NARROW = 64 * 1024
"""Receive buffer of a background that leaves the line to readers: what is on its way when a question
comes delays the answer.
"""
_IDLE = 10.0  # seconds without a byte; then another connection, or another way, is tried
HEAD_START, SLOWEST = 60.0, 4096
"""Seconds, and bytes in each second beyond: a line that trickles is given up as one that is cut."""


class Pace(Enum):
    """What a connection is for."""

    DEMAND = "somebody waits"
    NARROW = "somebody may soon wait"
    WIDE = "nobody waits"


class Roads:
    """Implements `towline.sandbox.lazy.supply.Supply`."""

    def __init__(self, order: Order, right: RightOfWay) -> None:
        self._order = order
        self._right = right
        self._layers = order.layers.layers
        self._turn = 0
        self._roads = dict[int, Road]()

    async def open_up(self) -> None:
        """Have a connection, and a token, before the first reader asks; a failure is left for then."""
        with contextlib.suppress(Unreachable):
            await self.packed(0, range(1))

    async def packed(self, layer: int, part: range) -> bytes:
        """See `Supply`."""
        return await self._on_a_road(lambda road: road.read(self._layers[layer].packed, part))

    async def windows(self, layer: int, part: range) -> bytes:
        """See `Supply`."""
        windows = self._layers[layer].windows
        if windows is None:
            raise Unreachable("the index has no windows")
        return await self._on_a_road(lambda road: road.read(windows, part))

    async def stream(self, layer: int, part: range) -> Stream:
        """See `Supply`."""
        quiet = asyncio.get_running_loop().time() - self._right.last > QUIET
        pace = Pace.WIDE if quiet else Pace.NARROW
        packed = self._layers[layer].packed
        return await self._on_a_road(lambda road: road.open(packed, part, pace))

    async def _on_a_road(self, work: Callable[[Road], Awaitable[_T]]) -> _T:
        ways, turn = self._order.ways, self._turn
        number = turn % len(ways)
        if number not in self._roads:
            self._roads[number] = Road(ways[number])
        try:
            return await work(self._roads[number])
        except Unreachable as error:
            if self._turn == turn:  # else somebody has met the same meanwhile
                self._turn += 1
                words = f"{ways[number].reference} cannot be fetched: {error}"
                print(words, file=sys.stderr, flush=True)  # the rope's log
                self._roads.pop(number).close()
            raise


class Road:
    """One way: connections of each pace, made when they are needed."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._lock = asyncio.Lock()
        self._open = dict[Pace, _Talk]()

    async def read(self, packed: Packed, part: range) -> bytes:
        """A part of a blob; raises `Unreachable`."""
        stream = await self.open(packed, part, Pace.DEMAND)
        try:
            return await stream.read(len(part))
        finally:
            await stream.close()

    async def open(self, packed: Packed, part: range, pace: Pace) -> BlobStream:
        """A part of a blob, on its way; raises `Unreachable`."""
        try:
            async with self._lock:
                if pace not in self._open:
                    self._open[pace] = await _Talk.begin(self._way, pace)
            return await self._open[pace].ask(packed, part)
        except CauseRaised as raised:
            failure = Failure(Place.FETCH, raised.cause)
            raise Unreachable(failure_text(failure, self._reference)) from raised
        except WireFailed as failed:
            raise Unreachable(fault_text(failed.fault)) from failed
        except (OSError, Problem) as error:  # the namespace is gone, or names nothing
            raise Unreachable(str(error)) from error

    @property
    def _reference(self) -> Reference:
        return Reference.parse(self._way.reference)

    def close(self) -> None:
        """Hang up."""
        for talk in self._open.values():
            talk.close()
        self._open.clear()


@dataclass(frozen=True, slots=True)
class _Talk:
    """What one login asks of one repository, for one purpose."""

    conversation: Conversation
    visits: Visits
    wire: SocketWire

    @classmethod
    async def begin(cls, way: Way, pace: Pace) -> _Talk:
        reference = Reference.parse(way.reference)
        policy = RegistryPolicy.from_annotations(way.annotations)
        login = Login(way.username, way.password) if way.username or way.password else None
        record = Record(reference, login.username if login else None)
        wire = _wire(way, pace)
        visits = Visits(
            wire, record, policy.transport(reference.domain), policy.pins, policy.proxies
        )
        await visits.settle(_registry(visits, reference))
        purpose = Purpose.pulling(_registry(visits, reference), reference.repository, login)
        return cls(Conversation(visits, record, purpose), visits, wire)

    async def ask(self, packed: Packed, part: range) -> BlobStream:
        wanted = f"{part.start}-{part.stop - 1}"
        headers = (("Accept", f"{packed.media_type}, */*"), ("Range", f"bytes={wanted}"))
        url = self.conversation.url(f"blobs/{packed.digest}")
        reply = await self.conversation.request("GET", url, headers)
        if not reply.answer.header("content-range").startswith(f"bytes {wanted}/"):
            status = reply.answer.status_line
            reply.line.close()
            raise Unreachable(f"GET {url} of bytes {wanted} was answered with {status}")
        return BlobStream(self, reply, len(part))

    def close(self) -> None:
        """Hang up. The wire's threads end when nobody has it any more: others may be asking yet."""
        self.visits.close()


class BlobStream:
    """Implements `towline.sandbox.lazy.supply.Stream`."""

    def __init__(self, talk: _Talk, reply: Reply, size: int) -> None:
        self._talk = talk
        self._reply = reply
        self._left = size

    async def read(self, size: int) -> bytes:
        """See `Stream`."""
        patience = HEAD_START + size / SLOWEST
        try:
            async with asyncio.timeout(patience):
                content = await self._talk.wire.read(self._reply.answer.body, size)
            self._left -= size
            if self._left == 0:
                await self._talk.visits.read(self._reply, 1)  # the line may carry another request
        except WireFailed as failed:
            raise Unreachable(fault_text(failed.fault)) from failed
        except TimeoutError as error:
            raise Unreachable(f"{size} bytes did not come within {patience:.0f} s") from error
        if len(content) != size:
            place = self._reply.url.authority  # a redirect's query may sign it
            raise Unreachable(f"{place} gave {len(content)} bytes instead of {size}")
        return content

    async def close(self) -> None:
        """See `Stream`."""
        if self._left:
            self._reply.line.close()


class _NarrowWire(SocketWire):
    """Takes what comes in small portions."""

    async def dial(self, address: str, port: int) -> Line:
        line = await super().dial(address, port)
        assert isinstance(line, SocketLine)
        line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW)
        return line


def _wire(way: Way, pace: Pace) -> SocketWire:
    kind = _NarrowWire if pace is Pace.NARROW else SocketWire
    return kind(
        Path(way.namespace) if way.namespace else None,
        tuple(way.nameservers) if way.nameservers is not None else None,
        Path(way.ca_file) if way.ca_file else None,
        patience=Patience(dial=min(way.dial_timeout, _IDLE), idle=_IDLE),
    )


def _registry(visits: Visits, reference: Reference) -> Url:
    url = Url.parse(f"{visits.scheme}://{reference.host}/")
    assert url is not None, "a reference's host is a host"
    return url
