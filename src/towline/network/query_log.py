"""What was asked of a resolver, and what it said: one entry of its log.

An entry is the answer as it went over the wire, which repeats the question, with the time and the
asker before it. So noting costs a resolver next to nothing, and reading is where the work is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

SLOT = 1280  # bytes of an entry: an answer over UDP with what stands before it, and some air
_HEAD = struct.Struct("!dB")


@dataclass(frozen=True, slots=True)
class Query:
    """One question and its answer."""

    at: float
    """Seconds since the epoch."""
    client: str
    """The address of who asked."""
    name: str
    """With its last dot, in the case in which it was asked."""
    type: str
    rcode: str
    """`NOERROR`, `NXDOMAIN`, `SERVFAIL` and so on."""
    answer: tuple[str, ...]
    """What was said, aliases first: the values alone."""


def noted(at: float, client: str, answer: bytes) -> bytes:
    """The entry for an answer."""
    name = client.encode()
    return _HEAD.pack(at, len(name)) + name + answer


def read(entry: bytes) -> Query | None:
    """What an entry says; None for one that is only half written."""
    try:
        at, length = _HEAD.unpack_from(entry)
        begin = _HEAD.size + length
        client = entry[_HEAD.size : begin].decode()
        answer = dns.message.from_wire(entry[begin:], ignore_trailing=True)
    except (struct.error, UnicodeDecodeError, dns.exception.DNSException, ValueError):
        return None
    asked = answer.question[0] if answer.question else None
    return Query(
        at=at,
        client=client,
        name="" if asked is None else asked.name.to_text(),
        type="" if asked is None else dns.rdatatype.to_text(asked.rdtype),
        rcode=dns.rcode.to_text(answer.rcode()),
        answer=tuple(str(each) for rrset in answer.answer for each in rrset),
    )
