"""Servers that are no registry: silent ones, ones that hang up, ones that speak something else."""

from __future__ import annotations

import asyncio

from tests.laboratory.http_service import (
    Answer,
    Asked,
    Reply,
    Service,
    converse,
    http_service,
    reset,
)

_BAD_REQUEST = b"<html><head><title>400 Bad Request</title></head><body>nginx</body></html>"
_PLAIN_TO_TLS = (
    b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>"
    b"<body>nginx</body></html>"
)


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Takes the connection and never says a word."""
    await reader.read()


async def hanging_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Reads what the client says first, and closes."""
    await reader.read(4096)


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads what the client says first, and resets."""
    await reader.read(4096)
    reset(writer)


async def closing_at_once(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accepts, and closes."""


async def resetting_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and resets."""
    reset(writer)


async def shell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Is an SSH server."""
    writer.write(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
    await reader.read(4096)


def refusing_tls(answer: Answer) -> Service:
    """An HTTP server as nginx: what is no request gets a 400 page."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        if first.isalpha():
            await converse(reader, writer, answer, first)
            return
        await reader.read(4096)
        head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(_BAD_REQUEST)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + _BAD_REQUEST)

    return serve


def _web_page(status: int, title: str) -> Service:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body></body></html>"
    return http_service(lambda _: Reply(status, page.encode(), (("Content-Type", "text/html"),)))


sign_in_page = _web_page(200, "Sign in")
web_server = _web_page(404, "404 Not Found")
web_firewall = _web_page(403, "Access denied by policy")


def _plain_to_tls(asked: Asked) -> Reply:
    return Reply(400, _PLAIN_TO_TLS, (("Content-Type", "text/html"), ("Server", "nginx")))


tls_port = http_service(_plain_to_tls)
"""What nginx says on a TLS port to those who do not speak TLS."""


def registry_ping(asked: Asked) -> Reply:
    """A registry that is only asked whether it is one."""
    headers = (
        ("Content-Type", "application/json"),
        ("Docker-Distribution-Api-Version", "registry/2.0"),
    )
    return Reply(200 if asked.path == "/v2/" else 404, b"{}", headers)
