"""A request as the endpoints see it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

from towline.oci.error_code import ErrorCode
from towline.registry.answer import Disconnected, Refusal
from towline.registry.asgi import Receive, Scope

DRAINED = 1024 * 1024  # bytes of an unwanted body that are read, so that the answer is not lost
_LONGEST_NUMBER = 20  # digits; Python refuses to read very long numbers
_HOST = re.compile(rb"[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9a-fA-F:.]+\](?::\d{1,5})?")


class Request:
    """One HTTP request."""

    __slots__ = (
        "_is_read",
        "_query",
        "_receive",
        "can_send_files",
        "headers",
        "method",
        "path",
        "raw_query",
    )

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        extensions = scope.get("extensions") or {}
        self.can_send_files = "http.response.pathsend" in extensions
        self._receive = receive
        self._is_read = False
        self._query: dict[str, list[str]] | None = None

    @property
    def host(self) -> str:
        """The `Host` header; refused when it is no host."""
        host = self.headers.get(b"host", b"")
        if not _HOST.fullmatch(host):
            raise Refusal(ErrorCode.UNSUPPORTED, "the Host header names no host", status=400)
        return host.decode("ascii")

    def query(self, name: str) -> str | None:
        """The last value of a query parameter."""
        values = self.query_all(name)
        return values[-1] if values else None

    def query_all(self, name: str) -> list[str]:
        """All values of a query parameter."""
        if self._query is None:
            text = self.raw_query.decode("latin-1")
            self._query = parse_qs(text, keep_blank_values=True) if text else {}
        return self._query.get(name, [])

    def header(self, name: bytes) -> str | None:
        """A header's value; names in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def content_length(self) -> int | None:
        """How long the client says that its body is."""
        text = self.headers.get(b"content-length", b"")
        return int(text) if text.isdigit() and len(text) < _LONGEST_NUMBER else None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises `Disconnected` when it ends before its time."""
        while not self._is_read:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            self._is_read = not message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece

    async def body(self, limit: int) -> bytes:
        """The whole body; refused when it is longer than `limit`."""
        collected = bytearray()
        async for piece in self.pieces():
            collected += piece
            if len(collected) > limit:
                message = f"the body is longer than {limit} bytes"
                raise Refusal(ErrorCode.SIZE_INVALID, message, status=413)
        return bytes(collected)

    async def drain(self) -> None:
        """Read a little of what nobody wants: a client that is still sending when the connection is
        closed may never see its answer.
        """
        if b"expect" in self.headers:
            return  # it waits for leave to send, which it does not get
        left = DRAINED
        try:
            async for piece in self.pieces():
                left -= len(piece)
                if left < 0:
                    return
        except Disconnected:
            return
