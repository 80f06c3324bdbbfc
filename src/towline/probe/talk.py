"""Requests to a registry and to the hosts that it refers to, each reached on a way of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from towline.diagnosis.observation import HttpOutcome, HttpSeen
from towline.diagnosis.observed_path import PathSeen
from towline.probe.exchange import Ask, Reply, exchange
from towline.probe.stream import Stream
from towline.probe.way import Eyes, Place, Way
from towline.pull.policy import Pins
from towline.pull.wire import Transport, Url

MAX_REDIRECTS = 10  # Go's net/http
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_ONE_PLACE = frozenset({"authorization", "content-type"})
_DIED_WAITING = frozenset({HttpOutcome.RESET, HttpOutcome.CLOSED})
_WANTS_CERTIFICATE = frozenset(
    {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a request, redirects followed."""

    seen: HttpSeen
    content: bytes = field(default=b"", repr=False)
    path: PathSeen | None = None
    """The way to the host that answered last."""

    @property
    def ok(self) -> bool:
        """Whether it was answered with what was asked for."""
        return self.seen.outcome is HttpOutcome.ANSWERED and 200 <= self.seen.status < 300


class Talk:
    """All requests of one probe."""

    def __init__(self, eyes: Eyes, transport: Transport, pins: Pins) -> None:
        self._eyes = eyes
        self._pins = pins
        self._transport = transport
        self._ways = dict[tuple[str, str, int], Way]()
        self.requests = 0

    def way(self, url: Url) -> Way:
        """The way to a URL's host; the same for each of its URLs."""
        key = (url.scheme, url.host, url.port)
        if key not in self._ways:
            self._ways[key] = Way(self._eyes, Place.of(url, self._transport, self._pins))
        return self._ways[key]

    def close(self) -> None:
        """Hang up on everybody."""
        for way in self._ways.values():
            way.close()

    async def fetch(self, ask: Ask) -> Fetched:
        """Ask, and follow where it leads, without the credential when that is somewhere else."""
        led = list[str]()
        while True:
            way = self.way(ask.url)
            reply = await self._ask(way, ask)
            seen = replace(reply.seen, redirects=tuple(led))
            target = ask.url.join(reply.location) if reply.location else None
            if seen.status not in _REDIRECTS or target is None:
                return Fetched(seen, reply.content, way.seen)
            bare = str(target.with_target(target.target.partition("?")[0]))
            if len(led) == MAX_REDIRECTS:
                looped = replace(seen, outcome=HttpOutcome.REDIRECT_LOOP)
                return Fetched(looped, b"", way.seen)
            led.append(bare)
            ask = _led_to(ask, target)

    async def _ask(self, way: Way, ask: Ask) -> Reply:
        await way.go()
        if not way.seen.passed:
            bare = str(ask.url.with_target(ask.url.target.partition("?")[0]))
            return Reply(HttpSeen(ask.method, bare, HttpOutcome.NO_PATH))
        waiting = way.waiting()
        if waiting is not None:
            reply = await self._on(way, waiting, ask)
            if reply.seen.outcome not in _DIED_WAITING or reply.alert:
                return reply
        try:
            stream = await way.another()
        except OSError:
            bare = str(ask.url.with_target(ask.url.target.partition("?")[0]))
            return Reply(HttpSeen(ask.method, bare, HttpOutcome.RESET))
        return await self._on(way, stream, ask)

    async def _on(self, way: Way, stream: Stream, ask: Ask) -> Reply:
        self.requests += 1
        if way.seen.scheme == "http" and ask.url.scheme == "https":
            ask = replace(ask, url=replace(ask.url, scheme="http"))
        ask = replace(ask, headers=(*ask.headers, *way.proxy_headers))
        try:
            reply = await exchange(stream, ask, self._eyes.step, whole_url=way.whole_url)
        except BaseException:
            stream.close()
            raise
        if reply.reusable:
            way.keep(stream)
        else:
            stream.close()
        if reply.alert in _WANTS_CERTIFICATE:
            way.refuse_without_certificate()
        return reply


def _led_to(ask: Ask, target: Url) -> Ask:
    """The same question somewhere else. What opens this place does not go along: no key in a header,
    and none in a form, which is asked for by GET then as net/http does it for most redirects.
    """
    if target.authority == ask.url.authority and target.scheme == ask.url.scheme:
        return replace(ask, url=target)
    headers = tuple(pair for pair in ask.headers if pair[0].lower() not in _FOR_ONE_PLACE)
    method = "GET" if ask.content else ask.method
    return replace(ask, method=method, url=target, headers=headers, content=b"")
