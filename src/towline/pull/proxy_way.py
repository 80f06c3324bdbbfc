"""The way to a host through a proxy: to the proxy, perhaps by TLS, and by `CONNECT` to whoever is
behind it.

What fails before the proxy is reached is marked as the proxy's, what it answers is not: so does Go,
and that is how the one is told from the other in what containerd prints.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from towline.pull.proxy import Proxy
from towline.pull.token import USER_AGENT
from towline.pull.wire import (
    Answer,
    Fault,
    Line,
    Request,
    Transport,
    Trouble,
    Url,
    Wire,
    WireFailed,
)

CONNECT_PATIENCE = 60.0  # Go's net/http, which waits as long for the answer to a CONNECT
_OK = 200  # Go takes no other 2xx


@dataclass(frozen=True, slots=True)
class ProxyWay:
    """Opens lines that lead through proxies. `dial` looks a host up and connects to it."""

    wire: Wire
    dial: Callable[[Url], Awaitable[Line]]

    async def reach(self, proxy: Proxy) -> Line:
        """A line to the proxy itself. Raises `WireFailed`."""
        if not proxy.is_usable:
            raise WireFailed(Fault(Trouble.PROXY_UNUSABLE, proxy.host, proxy=_name(proxy)))
        try:
            line = await self.dial(proxy.url)
            if proxy.scheme == "http":
                return line
            try:
                return await self.wire.secure(line, proxy.host, Transport.TLS)
            except BaseException:
                line.close()
                raise
        except WireFailed as failed:
            raise WireFailed(_of_proxy(failed.fault, proxy)) from failed

    async def connect(self, line: Line, proxy: Proxy, url: Url) -> Answer:
        """Have the proxy connect its line to a host; raises `WireFailed` when it does not."""
        place = replace(url, authority=f"{_bracketed(url.host)}:{url.port}")
        request = Request("CONNECT", place, (("User-Agent", USER_AGENT), *proxy.headers))
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                answer = await self.wire.send(line, request)
        except TimeoutError as error:
            raise WireFailed(Fault(Trouble.PROXY_SILENT, line.peer)) from error
        if answer.status != _OK:
            reason = answer.reason or "unknown status code"
            raise WireFailed(Fault(Trouble.PROXY_SAID_NO, line.peer, detail=reason))
        return answer


def _of_proxy(fault: Fault, proxy: Proxy) -> Fault:
    """Go tells plain HTTP from other things that are not TLS only when no proxy is meant."""
    if fault.trouble is Trouble.HTTP_ANSWER:
        fault = replace(fault, trouble=Trouble.NOT_TLS)
    return replace(fault, proxy=_name(proxy))


def _name(proxy: Proxy) -> str:
    return proxy.url.authority if proxy.host else "?"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
