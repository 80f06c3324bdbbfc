"""A TLS server that shakes hands, says in an alert what it does not like, and hangs up.

asyncio's own TLS closes without the alert, and the alert is what a client's words are about.
"""

from __future__ import annotations

import asyncio
import ssl

from tests.laboratory.http_service import Service

_PIECE = 65_536
_NOT_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
"""Go's words (`net/http`, `Server.Serve`)."""


def shaking_hands(context: ssl.SSLContext) -> Service:
    """A server that goes no further than the handshake."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(incoming, outgoing, server_side=True)
        try:
            while not _is_shaken(secured):
                writer.write(outgoing.read())
                incoming.write(await _some(reader))
        except ssl.SSLError as error:
            writer.write(_NOT_TLS if error.reason == "HTTP_REQUEST" else outgoing.read())
            writer.write_eof()
            await reader.read()  # closing with words unread would be a reset
        else:
            writer.write(outgoing.read())
            await _some(reader)

    return serve


def _is_shaken(secured: ssl.SSLObject) -> bool:
    """Go on as far as possible; whether it is done."""
    try:
        secured.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


async def _some(reader: asyncio.StreamReader) -> bytes:
    content = await reader.read(_PIECE)
    if not content:
        raise EOFError
    return content
