"""The way to one host, gone once with open eyes and then used for requests.

The first connection notes everything: name, addresses, proxy, TLS, and what was tried when one of
them failed. Later connections take what worked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from towline.diagnosis.observed_path import (
    DialOutcome,
    DialSeen,
    PathSeen,
    ProxyOutcome,
    TlsOutcome,
    TlsSeen,
    TrustOutcome,
)
from towline.probe.authorities import Authorities
from towline.probe.dial import dial
from towline.probe.issuer import IssuerProbe
from towline.probe.name import NameProbe, authority
from towline.probe.proxy import Proxy, ProxyProbe, connect
from towline.probe.second_look import look_again
from towline.probe.secure import Handshake, secure, shake_anew
from towline.probe.stream import RawStream, Stream
from towline.probe.vantage import Vantage
from towline.pull.policy import Pins
from towline.pull.wire import Transport, Url

MAX_ADDRESSES = 8
OF_A_STEP = 0.75  # for a handshake: where none comes, a second look follows
GRACE = 0.3  # for the other addresses once one has answered: Go's own head start (RFC 8305)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to, and how."""

    host: str
    port: int
    transport: Transport
    pins: frozenset[str] = frozenset()
    """The certificates that are believed, and no others; empty for whatever is signed well."""

    @classmethod
    def of(cls, url: Url, transport: Transport, pins: Pins) -> Place:
        """The place of a URL: what is `https` there is verified as its registry is."""
        if url.scheme == "http":
            return cls(url.host, url.port, Transport.PLAIN)
        pinned = pins.of(url.authority)
        if pinned or transport is Transport.PLAIN:
            transport = Transport.TLS
        return cls(url.host, url.port, transport, pinned)

    @property
    def seen(self) -> PathSeen:
        """What is known before the first step."""
        scheme = "http" if self.transport is Transport.PLAIN else "https"
        verified = self.transport is not Transport.TLS_UNVERIFIED
        return PathSeen(self.host, self.port, scheme, verified=verified)


class Eyes:
    """All that looking from one vantage needs, made once."""

    def __init__(self, vantage: Vantage) -> None:
        self.vantage = vantage
        self.sockets = vantage.sockets
        self.step = vantage.patience.step
        self.names = NameProbe(vantage.sockets, vantage.resolver, self.step)
        self.authorities = Authorities(vantage.ca_file)
        self.issuers = IssuerProbe(vantage.sockets, self.names, vantage.ca_file, self.step)
        self.proxies = ProxyProbe(vantage.sockets, self.names, self.authorities, self.step)


class Way:
    """One host. `seen` is what its first connection met."""

    def __init__(self, eyes: Eyes, place: Place) -> None:
        self._eyes = eyes
        self._place = place
        self._idle = list[Stream]()
        self._proxy: Proxy | None = None
        self._address = ""
        self._going = asyncio.Lock()
        self._gone = False
        self.seen = place.seen

    @property
    def whole_url(self) -> bool:
        """Whether requests name the whole URL, as a proxy of plain HTTP wants it."""
        return self._proxy is not None and self.seen.scheme == "http"

    @property
    def proxy_headers(self) -> tuple[tuple[str, str], ...]:
        """What such a proxy has to be shown with each request."""
        return self._proxy.authorization if self._proxy is not None and self.whole_url else ()

    async def go(self) -> None:
        """Go it, unless that has been done."""
        async with self._going:
            if not self._gone:
                self._gone = True
                stream = await self._first()
                if stream is not None:
                    self._idle.append(stream)

    def waiting(self) -> Stream | None:
        """A connection that has been used and waits."""
        return self._idle.pop() if self._idle else None

    def keep(self, stream: Stream) -> None:
        """Let a connection wait for the next request."""
        self._idle.append(stream)

    def close(self) -> None:
        """Hang up."""
        for stream in self._idle:
            stream.close()
        self._idle.clear()

    async def another(self) -> Stream:
        """A new connection, the way that worked; raises `OSError`."""
        stream = await self._connect(0)
        if self.seen.scheme == "http":
            return stream
        seen, secured = await secure(self._handshake(), stream)
        if secured is None:
            raise ConnectionError(seen.outcome.value)
        return secured

    async def look_for_tls(self) -> None:
        """Note whether TLS is spoken where plain HTTP was expected."""
        stream = await self._connect(0)
        seen, secured = await secure(self._handshake(), stream)
        self.seen = replace(self.seen, tls=seen)
        if secured is not None:
            secured.close()

    def refuse_without_certificate(self) -> None:
        """Note that the server ends connections that show no certificate."""
        if self.seen.tls is not None:
            self.seen = replace(self.seen, tls=replace(self.seen.tls, wants_certificate=True))

    async def _first(self) -> Stream | None:
        place = self._place
        variable, url = self._eyes.vantage.proxies.before(self.seen.scheme, place.host, place.port)
        if url:
            stream = await self._through(Proxy.parse(variable, url))
        else:
            stream = await self._directly()
        if stream is None or self.seen.scheme == "http":
            return stream
        seen, secured = await secure(self._handshake(), stream)
        self.seen = replace(self.seen, tls=seen)
        if secured is not None:
            return secured
        if place.transport is Transport.TLS_OR_PLAIN and seen.outcome is TlsOutcome.HTTP_ANSWER:
            self.seen = replace(self.seen, scheme="http", tls=None)
            return await self._connect(0)
        seen = await self._with_issuer(await look_again(self._handshake(), seen))
        self.seen = replace(self.seen, tls=seen)
        return None

    async def _with_issuer(self, seen: TlsSeen) -> TlsSeen:
        """Would the certificate be believed if its issuer's were sent with it?"""
        context = await self._eyes.issuers.context(seen)
        if context is None:
            return seen
        shaken = await shake_anew(self._handshake(), context)
        if shaken.stream is None:
            return seen
        shaken.stream.close()
        return replace(seen, problems=(TrustOutcome.INCOMPLETE,))

    async def _directly(self) -> Stream | None:
        dns = await self._eyes.names.look_up(self._place.host)
        self.seen = replace(self.seen, dns=dns)
        dials, stream = await self._dial_all(dns.addresses)
        self.seen = replace(self.seen, dials=dials)
        if stream is not None:
            self._address = next(d.address for d in dials if d.outcome is DialOutcome.CONNECTED)
        return stream

    async def _through(self, proxy: Proxy) -> Stream | None:
        self._proxy = proxy
        seen, stream = await self._eyes.proxies.reach(proxy)
        if stream is not None and self.seen.scheme == "https":
            place = (self._place.host, self._place.port)
            seen = await connect(proxy, seen, stream, place, self._eyes.step)
        self.seen = replace(self.seen, proxy=seen)
        if seen.outcome is ProxyOutcome.CONNECTED:
            return stream
        if stream is not None:
            stream.close()
        await self._past_the_proxy()
        return None

    async def _past_the_proxy(self) -> None:
        """Would the host be reached without it?"""
        assert self.seen.proxy is not None, "it has just failed"
        dns = await self._eyes.names.look_up(self._place.host)
        dials, stream = await self._dial_all(dns.addresses)
        if stream is not None:
            stream.close()
        proxy = replace(self.seen.proxy, direct=dials)
        self.seen = replace(self.seen, dns=dns, proxy=proxy)

    async def _dial_all(
        self, addresses: tuple[str, ...]
    ) -> tuple[tuple[DialSeen, ...], RawStream | None]:
        """All addresses at once; when one has answered, the others get a moment more."""
        async with asyncio.TaskGroup() as group:
            port, sockets, step = self._place.port, self._eyes.sockets, self._eyes.step
            tasks = [
                group.create_task(dial(sockets, address, port, step))
                for address in addresses[:MAX_ADDRESSES]
            ]
            pending, patience = set(tasks), step + GRACE
            while pending:
                done, pending = await asyncio.wait(
                    pending, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
                if any(task.result()[1] is not None for task in done):
                    patience = GRACE
                if not done:
                    for task in pending:
                        task.cancel()
                    break
        results = [task.result() for task in tasks if not task.cancelled()]
        streams = [stream for _, stream in results if stream is not None]
        for other in streams[1:]:
            other.close()
        return tuple(seen for seen, _ in results), next(iter(streams), None)

    def _handshake(self) -> Handshake:
        place, eyes = self._place, self._eyes
        peer = authority(self._address or place.host, place.port)
        return Handshake(
            place.host,
            peer,
            self._connect,
            eyes.authorities,
            eyes.vantage.clock,
            place.pins if self.seen.verified else None,
            eyes.step * OF_A_STEP,
        )

    async def _connect(self, segment: int) -> Stream:
        if self._proxy is not None:
            return await self._connect_through(self._proxy)
        eyes, port = self._eyes, self._place.port
        seen, stream = await dial(eyes.sockets, self._address, port, eyes.step, segment)
        if stream is None:
            raise ConnectionError(seen.error)
        return stream

    async def _connect_through(self, proxy: Proxy) -> Stream:
        assert self.seen.proxy is not None, "it was reached before"
        stream = await self._eyes.proxies.again(proxy, self.seen.proxy)
        if self.seen.scheme == "https":
            place = (self._place.host, self._place.port)
            seen = await connect(proxy, self.seen.proxy, stream, place, self._eyes.step)
            if seen.outcome is not ProxyOutcome.CONNECTED:
                stream.close()
                raise ConnectionError(seen.outcome.value)
        return stream
