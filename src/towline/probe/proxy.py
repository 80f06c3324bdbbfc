"""CONNECT through a proxy, by hand: runtimes print a proxy's no without the word proxy."""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, unquote, urlsplit

import h11

from towline.diagnosis.observed_path import DialOutcome, ProxyOutcome, ProxySeen
from towline.probe.authorities import Authorities
from towline.probe.dial import dial
from towline.probe.name import NameProbe, authority
from towline.probe.stream import Stream, TlsStream
from towline.probe.vantage import Sockets, proxy_without_secrets

MAX_EXCERPT = 1024
_PORTS = {"http": 80, "https": 443}
_UNKNOWN_TO_US = frozenset({"socks5", "socks5h"})


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy as a variable names it."""

    variable: str
    parts: SplitResult

    @classmethod
    def parse(cls, variable: str, url: str) -> Proxy:
        """Read it as Go does: without a scheme it is plain HTTP."""
        return cls(variable, urlsplit(url if "://" in url else f"http://{url}"))

    @property
    def seen(self) -> ProxySeen:
        """What there is to say of it before anything was tried."""
        url = proxy_without_secrets(self.parts.geturl())
        has_login = self.parts.username is not None
        return ProxySeen(url, self.variable, ProxyOutcome.CONNECTED, sent_credentials=has_login)

    @property
    def port(self) -> int | None:
        """Its port; None when that is none."""
        try:
            return self.parts.port or _PORTS.get(self.parts.scheme)
        except ValueError:
            return None

    @property
    def authorization(self) -> tuple[tuple[str, str], ...]:
        """The header with its user and password, if it has them."""
        if self.parts.username is None:
            return ()
        pair = f"{unquote(self.parts.username)}:{unquote(self.parts.password or '')}"
        encoded = base64.b64encode(pair.encode()).decode("ascii")
        return (("Proxy-Authorization", f"Basic {encoded}"),)


class ProxyProbe:
    """Reaches a proxy, and has it connect."""

    def __init__(
        self, sockets: Sockets, names: NameProbe, authorities: Authorities, seconds: float
    ) -> None:
        self._sockets = sockets
        self._seconds = seconds
        self._names = names
        self._authorities = authorities

    async def reach(self, proxy: Proxy) -> tuple[ProxySeen, Stream | None]:
        """Connect to the proxy itself."""
        seen, host = proxy.seen, proxy.parts.hostname
        if proxy.parts.scheme in _UNKNOWN_TO_US:
            return replace(seen, outcome=ProxyOutcome.NOT_PROBED), None
        if proxy.parts.scheme not in _PORTS or not host or proxy.port is None:
            return replace(seen, outcome=ProxyOutcome.BAD_URL), None
        seen = replace(seen, dns=await self._names.look_up(host))
        assert seen.dns is not None, "it was just looked up"
        if not seen.dns.addresses:
            return replace(seen, outcome=ProxyOutcome.NO_ADDRESS), None
        for address in seen.dns.addresses:
            dialled, stream = await dial(self._sockets, address, proxy.port, self._seconds)
            seen = replace(seen, dials=(*seen.dials, dialled))
            if stream is not None:
                return await self._secured(proxy, seen, stream, host)
        return replace(seen, outcome=ProxyOutcome.NOT_REACHED), None

    async def again(self, proxy: Proxy, seen: ProxySeen) -> Stream:
        """Another connection to a proxy that was reached; raises `OSError`."""
        address = next(d.address for d in seen.dials if d.outcome is DialOutcome.CONNECTED)
        assert proxy.port is not None, "it was reached"
        dialled, stream = await dial(self._sockets, address, proxy.port, self._seconds)
        if stream is None:
            raise ConnectionError(dialled.error)
        _, secured = await self._secured(proxy, seen, stream, proxy.parts.hostname or "")
        if secured is None:
            raise ConnectionError("the proxy's TLS failed")
        return secured

    async def _secured(
        self, proxy: Proxy, seen: ProxySeen, stream: Stream, host: str
    ) -> tuple[ProxySeen, Stream | None]:
        if proxy.parts.scheme == "http":
            return seen, stream
        secured = TlsStream(stream, self._authorities.trusted, host)
        try:
            async with asyncio.timeout(self._seconds):
                await secured.shake()
        except OSError as error:
            stream.close()
            reason = error.reason if isinstance(error, ssl.SSLError) else type(error).__name__
            body = (reason or "").lower().replace("_", " ")
            return replace(seen, outcome=ProxyOutcome.TLS_FAILED, body=body), None
        return seen, secured


async def connect(
    proxy: Proxy, seen: ProxySeen, stream: Stream, place: tuple[str, int], seconds: float
) -> ProxySeen:
    """Have the proxy connect to a place (RFC 9110 §9.3.6); the stream then leads there."""
    http = h11.Connection(h11.CLIENT)
    target = authority(*place)
    headers = [("Host", target), *proxy.authorization]
    try:
        async with asyncio.timeout(seconds):
            request = h11.Request(method="CONNECT", target=target, headers=headers)
            await stream.send((http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b""))
            return await _connected(http, seen, stream)
    except OSError:
        return replace(seen, outcome=ProxyOutcome.NO_ANSWER)
    except BaseException:
        stream.close()
        raise


async def _connected(http: h11.Connection, seen: ProxySeen, stream: Stream) -> ProxySeen:
    heard = False
    while True:
        try:
            event = http.next_event()
        except h11.RemoteProtocolError:
            return replace(seen, outcome=ProxyOutcome.NOT_HTTP if heard else ProxyOutcome.NO_ANSWER)
        if event is h11.NEED_DATA:
            content = await stream.receive()
            heard = heard or bool(content)
            http.receive_data(content)
        elif isinstance(event, h11.Response):
            reason = event.reason.decode("ascii", "replace")
            seen = replace(seen, status=event.status_code, reason=reason)
            if 200 <= event.status_code < 300:
                return seen
            seen = replace(seen, outcome=ProxyOutcome.ANSWERED_NO)
        elif isinstance(event, h11.Data):
            body = seen.body + bytes(event.data).decode("utf-8", "replace")
            seen = replace(seen, body=body[:MAX_EXCERPT])
        elif seen.outcome is ProxyOutcome.ANSWERED_NO:
            return seen
        else:
            return replace(seen, outcome=ProxyOutcome.NO_ANSWER)
