"""Name servers: an honest one that knows a zone, and ones that refuse, fail or say nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import cast

import dns.exception
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class Resolver(StrEnum):
    """How a name server behaves."""

    HONEST = "answers"
    FAILING = "SERVFAIL"
    REFUSING = "REFUSED"
    SILENT = "takes questions and says nothing"
    ABSENT = "nobody listens at its address"
    DROPPED = "packets to it are lost"
    UNREACHABLE = "there is no route to it"
    NONE = "the client has no name server"


_CODES = {Resolver.FAILING: dns.rcode.SERVFAIL, Resolver.REFUSING: dns.rcode.REFUSED}


Zone = Mapping[str, tuple[str, ...]]
"""Names and their addresses. A name with none exists and has nothing to say."""


class NameService(asyncio.DatagramProtocol):
    """One name server on a datagram socket."""

    def __init__(self, kind: Resolver, zone: Zone) -> None:
        self._kind = kind
        self._zone = zone
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember how to answer."""
        self._transport = cast(
            "asyncio.DatagramTransport", transport
        )  # asyncio's own is none by type

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question, in its own way."""
        answer = respond(data, self._kind, self._zone)
        if answer and self._transport is not None:
            self._transport.sendto(answer, addr)


def respond(data: bytes, kind: Resolver, zone: Zone) -> bytes:
    """The answer to a question; nothing for none."""
    if kind is Resolver.SILENT:
        return b""
    try:
        query = dns.message.from_wire(data)
    except dns.exception.DNSException:
        return b""
    response = dns.message.make_response(query, recursion_available=True)
    if kind in _CODES:
        response.set_rcode(_CODES[kind])
    else:
        _answer(response, zone)
    return response.to_wire()


def _answer(response: dns.message.Message, zone: Zone) -> None:
    question = response.question[0]
    name = question.name.to_text().rstrip(".").lower()
    if name not in zone:
        response.set_rcode(dns.rcode.NXDOMAIN)
        return
    wants_v6 = question.rdtype == dns.rdatatype.AAAA
    fitting = [address for address in zone[name] if (":" in address) == wants_v6]
    if fitting and question.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
        kind = dns.rdatatype.to_text(question.rdtype)
        response.answer.append(dns.rrset.from_text(question.name, 5, "IN", kind, *fitting))
