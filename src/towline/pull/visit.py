"""Connections to the hosts of one attempt: looked up, dialled, through a proxy where there is one,
secured, written down, and used again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from towline.pull.attempt import OK, Record, Step, StepKind
from towline.pull.policy import Pins
from towline.pull.proxy import NO_PROXIES, Proxies, Proxy
from towline.pull.proxy_way import ProxyWay
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

_T = TypeVar("_T")
_Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, the line on which it came, and where the answer really came from."""

    answer: Answer
    line: Line
    url: Url


class Visits:
    """All lines of one attempt. `transport` is the registry's; what it refers to is verified
    likewise, but for hosts whose certificate is pinned.
    """

    def __init__(
        self,
        wire: Wire,
        record: Record,
        transport: Transport,
        pins: Pins | None = None,
        proxies: Proxies = NO_PROXIES,
    ) -> None:
        self._wire = wire
        self._record = record
        self._pins = pins or Pins()
        self._proxies = proxies
        self.transport = transport
        self._idle = defaultdict[_Key, list[Line]](list)
        self._lines = set[Line]()
        self._addresses = dict[str, tuple[str, ...]]()

    @property
    def scheme(self) -> str:
        """How a URL of the registry begins."""
        return "http" if self.transport is Transport.PLAIN else "https"

    async def settle(self, url: Url) -> None:
        """Find out whether a registry that may answer either speaks TLS or plain HTTP."""
        if self.transport is not Transport.TLS_OR_PLAIN:
            return
        try:
            self._idle[_key(url)].append(await self._open(url))
            self.transport = Transport.TLS
        except WireFailed as failed:
            plain = failed.fault.trouble is Trouble.HTTP_ANSWER
            self.transport = Transport.PLAIN if plain else Transport.TLS

    async def send(self, request: Request) -> Reply:
        """Ask, on a waiting line if there is one; a line that died while it waited is not held
        against it.
        """
        waiting = self._idle[_key(request.url)]
        while waiting:
            line = waiting.pop()
            try:
                return await self._ask(line, request)
            except WireFailed:
                continue
        return await self._ask(await self._open(request.url), request)

    async def read(self, reply: Reply, limit: int) -> bytes:
        """The body, up to a limit; the line then waits for another request if it can."""
        content = await self._wire.read(reply.answer.body, limit)
        if reply.answer.reusable and len(content) < limit:
            self._idle[_key(reply.url)].append(reply.line)
        else:
            reply.line.close()
        return content

    def close(self) -> None:
        """Hang up on everyone, whatever they were saying."""
        for line in self._lines:
            line.close()

    async def _ask(self, line: Line, request: Request) -> Reply:
        try:
            answer = await self._step(
                StepKind.REQUEST,
                f"{request.method} {_without_query(request.url)}",
                self._wire.send(line, self._addressed(request)),
                lambda answer: answer.status_line,
            )
        except BaseException:
            line.close()
            raise
        return Reply(answer, line, request.url)

    def _addressed(self, request: Request) -> Request:
        """As a proxy wants it, when one is to fetch something by plain HTTP."""
        proxy = self._proxies.of(request.url)
        if proxy is None or request.url.scheme != "http":
            return request
        return replace(request, headers=(*request.headers, *proxy.headers), names_host=True)

    async def _open(self, url: Url) -> Line:
        proxy = self._proxies.of(url)
        line = await (self._dial(url) if proxy is None else self._through(proxy, url))
        if url.scheme == "http":
            return line
        secured = self._secured(line, url)
        try:
            return await self._step(StepKind.SECURE, line.peer, secured, lambda _: OK)
        except BaseException:
            line.close()
            raise

    async def _through(self, proxy: Proxy, url: Url) -> Line:
        """A line that leads to a host, or to the proxy that is to ask it by plain HTTP."""
        way = ProxyWay(self._wire, self._dial)
        line = await way.reach(proxy)
        if url.scheme == "http":
            return line
        asked, connected = f"CONNECT {url.host}:{url.port}", way.connect(line, proxy, url)
        try:
            await self._step(StepKind.REQUEST, asked, connected, lambda said: said.status_line)
        except BaseException:
            line.close()
            raise
        return line

    async def _secured(self, line: Line, url: Url) -> Line:
        pinned = self._pins.of(url.authority)
        if not pinned:
            return await self._wire.secure(line, url.host, self.transport)
        secured = await self._wire.secure(line, url.host, Transport.TLS_UNVERIFIED)
        if secured.fingerprint not in pinned:
            detail = f"SHA-256 {secured.fingerprint} instead of {' or '.join(sorted(pinned))}"
            raise WireFailed(Fault(Trouble.NOT_PINNED, url.authority, detail=detail))
        return secured

    async def _dial(self, url: Url) -> Line:
        first: WireFailed | None = None
        for address in await self._resolve(url.host):
            target = f"[{address}]:{url.port}" if ":" in address else f"{address}:{url.port}"
            dialled = self._wire.dial(address, url.port)
            try:
                line = await self._step(StepKind.DIAL, target, dialled, lambda _: OK)
            except WireFailed as failed:
                first = first or failed
            else:
                self._lines.add(line)
                return line
        assert first is not None, "a name that resolves has an address"
        raise first

    async def _resolve(self, host: str) -> tuple[str, ...]:
        if host not in self._addresses:
            resolved = self._wire.resolve(host)
            self._addresses[host] = await self._step(StepKind.RESOLVE, host, resolved, ", ".join)
        return self._addresses[host]

    async def _step(
        self, kind: StepKind, target: str, work: Awaitable[_T], detail: Callable[[_T], str]
    ) -> _T:
        began = self._wire.now()
        try:
            result = await work
        except WireFailed as failed:
            outcome = failed.fault.trouble.value
            seconds = self._wire.now() - began
            self._record.add(Step(kind, target, outcome, "", began, seconds))
            raise
        seconds = self._wire.now() - began
        self._record.add(Step(kind, target, OK, detail(result), began, seconds))
        return result


def _key(url: Url) -> _Key:
    return (url.scheme, url.host, url.port)


def _without_query(url: Url) -> str:
    return str(url.with_target(url.target.partition("?")[0]))  # a redirect's query may sign it
