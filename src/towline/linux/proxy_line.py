"""What a proxy needs of a line: `CONNECT` on it, and TLS on it once more where the proxy itself is
spoken to by TLS.

`http.client` reads ahead and closes, and so would take the first bytes of what comes after a CONNECT;
here nothing is read beyond the head of its answer.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import threading

from towline.linux.socket_line import SocketLine
from towline.pull.wire import Answer, Fault, Request, Trouble, WireFailed

MAX_HEAD = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: ([^\r\n]*))?\r?\n")
_PIECE = 64 * 1024


class _Nothing:
    """The body of an answer to CONNECT: nobody reads it."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Nothing."""
        return 0

    def close(self) -> None:
        """Nothing to give up: the line is another's now."""


def connect(line: SocketLine, request: Request) -> Answer:
    """Ask a proxy to connect, and wait for the head of its answer. Blocks."""
    target = request.url.authority
    headers = (("Host", target), *request.headers)
    lines = (f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers))
    with line.used():
        line.sock.settimeout(line.idle)
        line.sock.sendall("\r\n".join((*lines, "", "")).encode("latin-1"))
        status, reason = _status(line)
        line.sock.settimeout(0)  # as asyncio wants it for the handshake
    return Answer(status, reason, {}, _Nothing())


def _status(line: SocketLine) -> tuple[int, str]:
    while True:
        head = _head(line)
        found = _STATUS_LINE.match(head)
        if found is None:
            said = head.partition(b"\n")[0].decode("ascii", "replace").strip()[:100]
            raise WireFailed(Fault(Trouble.MALFORMED, line.peer, detail=said))
        if not found[1].startswith(b"1"):
            return int(found[1]), (found[2] or b"").decode("ascii", "replace").strip()


def _head(line: SocketLine) -> bytes:
    """Byte by byte to the empty line: what follows is not ours to read."""
    head = bytearray()
    while not head.endswith((b"\r\n\r\n", b"\n\n")) and len(head) < MAX_HEAD:
        byte = line.sock.recv(1)
        if not byte and b"\n" not in head:
            raise WireFailed(Fault(Trouble.CLOSED, line.peer))
        if not byte:
            break
        head += byte
    return bytes(head)


def relayed(outer: ssl.SSLSocket) -> socket.socket:
    """A plain socket that stands for a TLS one, so that TLS can be spoken within it.

    A thread carries the bytes; it ends with either side. (`ssl` wraps descriptors, not sockets, so
    that its sockets do not nest.)
    """
    near, far = socket.socketpair()
    threading.Thread(
        target=_carry, args=(outer, far), name="towline-tls-in-tls", daemon=True
    ).start()
    near.settimeout(0)
    return near


def _carry(outer: ssl.SSLSocket, far: socket.socket) -> None:
    with outer, far, contextlib.suppress(OSError):
        outer.settimeout(0)
        while True:
            ready = {outer.fileno()} if outer.pending() else _readable(outer, far)
            if far.fileno() in ready:
                content = far.recv(_PIECE)
                if not content:
                    return
                _send(outer, content)
            if outer.fileno() in ready:
                with contextlib.suppress(ssl.SSLWantReadError):
                    content = outer.recv(_PIECE)
                    if not content:
                        return
                    far.sendall(content)


def _send(outer: ssl.SSLSocket, content: bytes) -> None:
    left = memoryview(content)
    while left:
        try:
            left = left[outer.send(left) :]
        except ssl.SSLWantWriteError:
            _wait(outer, select.POLLOUT)
        except ssl.SSLWantReadError:
            _wait(outer, select.POLLIN)


def _readable(*sockets: socket.socket) -> set[int]:
    """`select` would do, were there not descriptors beyond 1023."""
    poll = select.poll()
    for sock in sockets:
        poll.register(sock, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll()}


def _wait(sock: socket.socket, event: int) -> None:
    poll = select.poll()
    poll.register(sock, event)
    poll.poll()
