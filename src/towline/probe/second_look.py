"""What is tried when TLS failed, to tell apart what looks alike.

A handshake that nobody answers may be a path that drops big packets, a server that speaks HTTP and
waits for a line, or a listener that hangs. Each of them has one request that proves it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from towline.diagnosis.observation import HttpSeen
from towline.diagnosis.observed_path import TlsOutcome, TlsSeen, TrustOutcome
from towline.probe.authorities import OLD_TO_NEW
from towline.probe.dial import SMALL_SEGMENT
from towline.probe.exchange import Ask, Reply, exchange
from towline.probe.name import authority
from towline.probe.secure import Handshake, shake_anew
from towline.probe.stream import Stream
from towline.pull.wire import Url

LISTENING = 0.5  # seconds in which a server that greets first has greeted
_NOBODY = "probe.invalid"  # RFC 6761: a name that is never anybody's
_IMPATIENT = frozenset({TlsOutcome.RESET, TlsOutcome.CLOSED})
_CLOCK = frozenset({TrustOutcome.EXPIRED, TrustOutcome.NOT_YET_VALID})
_SELDOM_PLAIN = frozenset({TlsOutcome.SHAKEN, TlsOutcome.ALERT})


async def look_again(handshake: Handshake, seen: TlsSeen) -> TlsSeen:
    """The same, with what further handshakes and requests showed."""
    look = _SecondLook(handshake)
    if seen.outcome is TlsOutcome.SHAKEN:
        if _CLOCK & set(seen.problems):
            return replace(seen, server_clock=await look.server_clock())
        return seen
    async with asyncio.TaskGroup() as group:
        small = versions = other = first = plain = None
        if seen.outcome is TlsOutcome.TIMED_OUT:
            small = group.create_task(look.passes(segment=SMALL_SEGMENT))
        if seen.outcome is TlsOutcome.ALERT or seen.outcome in _IMPATIENT:
            versions = group.create_task(look.versions())
        if seen.outcome in _IMPATIENT or "unrecognized" in seen.alert:
            other = group.create_task(look.passes(name=_NOBODY))
        if seen.outcome is not TlsOutcome.ALERT:
            first = group.create_task(look.listen())
        if seen.outcome not in _SELDOM_PLAIN:
            plain = group.create_task(look.plain())
    heard = first.result() if first else _Heard()
    answer = plain.result() if plain else None
    return replace(
        seen,
        small_segments_pass=small.result() if small else None,
        versions=versions.result() if versions else (),
        other_name_passes=other.result() if other else None,
        banner=heard.banner or seen.banner,
        refused_before_hello=heard.ended,
        plain_status=(answer.status or None) if answer else None,
        plain_body=answer.body if answer else "",
    )


@dataclass(frozen=True, slots=True)
class _Heard:
    banner: str = ""
    ended: bool = False


class _SecondLook:
    """The single questions, each on a connection of its own."""

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake
        self._anyone = handshake.authorities.anyone

    async def passes(self, name: str | None = None, segment: int = 0) -> bool:
        """Whether a handshake that verifies nothing passes under other circumstances."""
        shaken = await shake_anew(self._handshake, self._anyone, name, segment)
        if shaken.stream is not None:
            shaken.stream.close()
        return shaken.outcome is TlsOutcome.SHAKEN

    async def versions(self) -> tuple[str, ...]:
        """The versions that the server speaks, however old."""
        async with asyncio.TaskGroup() as group:
            contexts = [(n, self._handshake.authorities.only(v)) for n, v in OLD_TO_NEW]
            tasks = [(n, group.create_task(shake_anew(self._handshake, c))) for n, c in contexts]
        results = [(name, task.result()) for name, task in tasks]
        for _, shaken in results:
            if shaken.stream is not None:
                shaken.stream.close()
        return tuple(name for name, shaken in results if shaken.outcome is TlsOutcome.SHAKEN)

    async def listen(self) -> _Heard:
        """What the server says to somebody who says nothing."""
        try:
            stream = await self._handshake.connect(0)
        except OSError:
            return _Heard()
        try:
            async with asyncio.timeout(LISTENING):
                content = await stream.receive()
        except TimeoutError:
            return _Heard()
        except OSError:
            return _Heard(ended=True)
        finally:
            stream.close()
        text = content[:200].decode("utf-8", "replace").split("\n", maxsplit=1)[0]
        return _Heard("".join(filter(str.isprintable, text)), ended=not content)

    async def plain(self) -> HttpSeen | None:
        """`GET /v2/` without TLS."""
        with contextlib.suppress(OSError):
            stream = await self._handshake.connect(0)
            reply = await self._get(stream, "http")
            return reply.seen
        return None

    async def server_clock(self) -> int | None:
        """What time it is for the server, by its Date header."""
        shaken = await shake_anew(self._handshake, self._anyone)
        if shaken.stream is None:
            return None
        reply = await self._get(shaken.stream, "https")
        return read_date(reply.seen.header("date"))

    async def _get(self, stream: Stream, scheme: str) -> Reply:
        host, _, port = self._handshake.peer.rpartition(":")
        del host
        place = authority(self._handshake.host, int(port))
        url = Url(scheme, place, self._handshake.host, int(port), "/v2/")
        try:
            return await exchange(stream, Ask("GET", url), self._handshake.seconds)
        finally:
            stream.close()


def read_date(text: str) -> int | None:
    """Unix time of an HTTP date; None when it cannot be read."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None
