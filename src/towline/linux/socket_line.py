"""One connection and the HTTP on it: `http.client` over a socket that somebody else made."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator

from towline.pull.wire import Answer, Fault, Request, Trouble, WireFailed


class SocketLine:
    """A connected socket. A close while another thread reads wakes the reader, which then lets go
    of the socket.
    """

    def __init__(self, sock: socket.socket, peer: str, idle: float) -> None:
        self.sock = sock
        self._peer = peer
        self.idle = idle
        self.path = list[Callable[[SocketLine], Awaitable[object]]]()
        """What was done with it to get where it leads: to be done again with another."""
        self._http: http.client.HTTPConnection | None = None
        self._in_use = threading.Lock()
        self._closed = False
        self.address: tuple[str, int] = sock.getpeername()[:2]
        self.local = _text(sock.getsockname())

    @property
    def peer(self) -> str:
        """`address:port` of the other end."""
        return self._peer

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the other side's certificate, in hex; empty where no TLS is spoken."""
        if not isinstance(self.sock, ssl.SSLSocket):
            return ""
        shown = self.sock.getpeercert(binary_form=True)
        return hashlib.sha256(shown).hexdigest() if shown else ""

    def close(self) -> None:
        """Hang up."""
        self._closed = True
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # not TLS's own farewell
        if self._in_use.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._in_use.release()

    def _let_go(self) -> None:
        if self._http is not None:
            self._http.close()
        self.sock.close()

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Hold the socket open while a thread is in it; its errors come out as `WireFailed`."""
        with self._in_use:
            try:
                if self._closed:
                    raise WireFailed(Fault(Trouble.CLOSED, self._peer))
                yield
            except WireFailed:
                raise
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise WireFailed(self._fault(error)) from error
            finally:
                if self._closed:
                    self._let_go()

    def connection(self) -> http.client.HTTPConnection:
        """HTTP on this line."""
        if self._http is None:
            self.sock.settimeout(self.idle)
            self._http = http.client.HTTPConnection(*self.address)
            self._http.sock = self.sock
        return self._http

    def _fault(self, error: Exception) -> Fault:
        match error:
            case TimeoutError():
                return Fault(Trouble.STALLED, self._peer)
            case http.client.RemoteDisconnected() | http.client.IncompleteRead():
                return Fault(Trouble.CLOSED, self._peer)
            case http.client.BadStatusLine():
                return Fault(
                    Trouble.MALFORMED, self._peer, detail=str(error).strip("'\"\r\n")[:100]
                )
            case http.client.HTTPException() | ValueError():
                return Fault(Trouble.MALFORMED, self._peer)
            case _:
                return Fault(Trouble.RESET, self._peer, local=self.local)


class HttpBody:
    """The body of an answer on a line."""

    def __init__(self, line: SocketLine, response: http.client.HTTPResponse) -> None:
        self._line = line
        self._response = response
        self._left = response.length

    def readinto(self, buffer: memoryview, /) -> int:
        """Read some bytes. A body shorter than its `Content-Length` is a broken connection."""
        with self._line.used():
            count = self._response.readinto(buffer)
        if self._left is not None:
            self._left -= count
            if count == 0 and self._left > 0 and len(buffer):
                raise WireFailed(Fault(Trouble.CLOSED, self._line.peer))
        return count

    def read(self, limit: int) -> bytes:
        """All bytes up to a limit."""
        content = bytearray()
        buffer = memoryview(bytearray(min(limit, 64 * 1024)))
        while len(content) < limit:
            count = self.readinto(buffer[: limit - len(content)])
            if count == 0:
                break
            content += buffer[:count]
        return bytes(content)

    def close(self) -> None:
        """Give up the connection."""
        self._line.close()


def exchange(line: SocketLine, request: Request) -> Answer:
    """Send a request and wait for the head of its answer. Blocks."""
    with line.used():
        connection = line.connection()
        connection.putrequest(
            request.method,
            str(request.url) if request.names_host else request.url.target,
            skip_host=True,
            skip_accept_encoding=True,
        )
        connection.putheader("Host", request.url.authority)
        for name, value in request.headers:
            connection.putheader(name, value)
        if request.content or request.method in {"POST", "PUT"}:
            connection.putheader("Content-Length", str(len(request.content)))
        connection.endheaders(request.content or None)
        response = connection.getresponse()
    names = {name.lower() for name in response.headers}
    headers = {name: tuple(response.headers.get_all(name, ())) for name in names}
    length = response.headers.get("Content-Length", "")
    return Answer(
        response.status,
        response.reason,
        headers,
        HttpBody(line, response),
        int(length) if length.isdecimal() else None,
        not response.will_close,
    )


def _text(address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
