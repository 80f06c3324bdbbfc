"""Sockets as a pull's Wire: made inside a pod's network namespace, so that the pull sees what the
pod would see.

A socket belongs for ever to the namespace in which it was made, so only its making happens there.
Dialling, looking up and the TLS handshake wait on the event loop and can be cancelled at any
moment; HTTP itself is `http.client` in threads, which moves bulk bytes faster than any asynchronous
client that was measured.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from towline.linux.handshake import Authorities, Handshake, shake_hands
from towline.linux.name_lookup import NameLookup
from towline.linux.namespace_socket import SocketMaker
from towline.linux.proxy_line import connect, relayed
from towline.linux.socket_line import HttpBody, SocketLine, exchange
from towline.pull.wire import (
    Answer,
    Body,
    Fault,
    Line,
    Request,
    Transport,
    Trouble,
    WireFailed,
)

_T = TypeVar("_T")
REQUESTS_AT_ONCE = 32
_TROUBLES = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.EHOSTUNREACH: Trouble.NO_ROUTE,
    errno.ENETUNREACH: Trouble.NETWORK_UNREACHABLE,
    errno.ETIMEDOUT: Trouble.TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each kind of waiting may last, in seconds; the values are containerd's."""

    dial: float = 30.0
    handshake: float = 10.0
    idle: float = 300.0
    """Without a single byte."""


class SocketWire:
    """The network as it is in one namespace. `close` ends its threads."""

    def __init__(
        self,
        netns: Path | None = None,
        nameservers: tuple[str, ...] | None = None,
        ca_file: Path | None = None,
        dial_timeout: float = 30.0,
        patience: Patience | None = None,
    ) -> None:
        self._patience = patience or Patience(dial=dial_timeout)
        self._sockets = SocketMaker(netns)
        self._names = NameLookup(self._sockets, nameservers, self._patience.dial)
        self._authorities = Authorities(ca_file)
        self._threads = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="towline-wire")

    def close(self) -> None:
        """Let the threads end; what they still do is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def now(self) -> float:
        """Seconds on the machine's monotonic clock."""
        return time.monotonic()

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Ask the name servers."""
        return await self._names.addresses(host)

    async def dial(self, address: str, port: int) -> Line:
        """Connect within the dial time."""
        subject = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        sock = self._sockets.stream(address)
        try:
            async with asyncio.timeout(self._patience.dial):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except OSError as error:
            sock.close()
            raise WireFailed(_dial_fault(error, subject)) from error
        except BaseException:
            sock.close()
            raise
        return SocketLine(sock, subject, self._patience.idle)

    async def secure(self, line: Line, host: str, transport: Transport) -> Line:
        """Shake hands, and check the certificate as Go would."""
        assert isinstance(line, SocketLine)
        if isinstance(line.sock, ssl.SSLSocket):
            line.sock = relayed(line.sock)
        handshake = Handshake(host, self._authorities, self._patience.handshake)
        if transport is Transport.TLS_UNVERIFIED:
            await shake_hands(line, handshake, self._authorities.none)
            return line
        try:
            await shake_hands(line, handshake, self._authorities.trusted)
        except ssl.SSLCertVerificationError as error:
            line.close()
            raise WireFailed(await self._why_unverified(line, handshake)) from error
        handshake.check_name(line)
        line.path.append(lambda again: self.secure(again, host, transport))
        return line

    async def send(self, line: Line, request: Request) -> Answer:
        """Ask in a thread; a cancelled request closes its line."""
        assert isinstance(line, SocketLine)
        if request.method != "CONNECT":
            return await self._in_thread(lambda: exchange(line, request), line)
        line.path.append(lambda again: self.send(again, request))
        return await self._in_thread(lambda: connect(line, request), line)

    async def read(self, body: Body, limit: int) -> bytes:
        """Read a small body in a thread."""
        assert isinstance(body, HttpBody)
        return await self._in_thread(lambda: body.read(limit), body)

    async def _why_unverified(self, line: SocketLine, handshake: Handshake) -> Fault:
        """OpenSSL stops at the first thing that is wrong and Go at another: look at the certificate
        itself.
        """
        again: Line | None = None
        try:
            again = await self.dial(*line.address)
            assert isinstance(again, SocketLine)
            for step in line.path:
                await step(again)
            if isinstance(again.sock, ssl.SSLSocket):
                again.sock = relayed(again.sock)
            await shake_hands(again, handshake, self._authorities.none)
            handshake.check_time(again)
            handshake.check_name(again)
        except WireFailed as failed:
            if failed.fault.trouble not in _DIAL_TROUBLES:
                return failed.fault
        finally:
            if again is not None:
                again.close()
        return Fault(Trouble.UNKNOWN_AUTHORITY, handshake.host)

    async def _in_thread(self, work: Callable[[], _T], closable: SocketLine | HttpBody) -> _T:
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await future
        except asyncio.CancelledError:
            closable.close()
            raise


_DIAL_TROUBLES = frozenset({*_TROUBLES.values(), Trouble.DIAL_FAILED})


def _dial_fault(error: OSError, subject: str) -> Fault:
    if isinstance(error, TimeoutError):
        return Fault(Trouble.TIMED_OUT, subject)
    trouble = _TROUBLES.get(error.errno or 0, Trouble.DIAL_FAILED)
    return Fault(trouble, subject, detail=f"connect: {(error.strerror or str(error)).lower()}")
