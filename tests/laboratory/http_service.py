"""An HTTP server that is as faulty as a situation wants: it breaks off, stalls, resets or says nothing.

Written on asyncio's streams, because a server library protects its clients from just these faults.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from enum import StrEnum
from http import HTTPStatus

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Ending(StrEnum):
    """How an answer ends."""

    WHOLE = "whole"
    CUT = "closed after half of the body"
    RESET = "reset after half of the body"
    STALL = "no more after half of the body"
    NEVER = "nothing at all"
    SLAMMED = "closed instead of an answer"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and how it ends."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    ending: Ending = Ending.WHOLE
    length: int | None = None
    """What Content-Length says, when that is not the body's length."""

    def told(self, names: Mapping[str, str]) -> Reply:
        """With `{words}` of its headers replaced."""
        headers = tuple((key, value.format_map(names)) for key, value in self.headers)
        return replace(self, headers=headers)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return self.target.partition("?")[2]


Answer = Callable[[Asked], Reply]
Service = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def http_service(answer: Answer) -> Service:
    """A server that answers each request so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(reader, writer, answer)

    return serve


async def converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer, begun: bytes = b""
) -> None:
    """Answer one request after the other; `begun` has been read of the first already."""
    while (asked := await _request(reader, begun)) is not None:
        begun = b""
        reply = answer(asked)
        await _send(writer, reply, asked.method)
        if reply.ending is not Ending.WHOLE:
            await _end(reader, writer, reply.ending)
            return


async def _request(reader: asyncio.StreamReader, begun: bytes) -> Asked | None:
    """The next request; None when the client hangs up or does not speak HTTP."""
    try:
        head = (begun + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    lines = head.split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        return None
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(words[0], words[1], headers, body)


async def _send(writer: asyncio.StreamWriter, reply: Reply, method: str) -> None:
    if reply.ending in (Ending.NEVER, Ending.SLAMMED):
        return
    length = len(reply.body) if reply.length is None else reply.length
    fields = [
        ("Date", formatdate(usegmt=True)),
        ("Content-Length", str(length)),
        *reply.headers,
    ]
    head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields)
    half = reply.ending is not Ending.WHOLE and reply.length is None
    body = reply.body[: len(reply.body) // 2] if half else reply.body
    writer.write(f"{head}\r\n".encode() + (b"" if method == "HEAD" else body))
    await writer.drain()


async def _end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ending: Ending) -> None:
    if ending is Ending.RESET:
        reset(writer)
    elif ending in (Ending.STALL, Ending.NEVER):
        await reader.read()  # until the client has had enough


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a crash or a firewall does."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
