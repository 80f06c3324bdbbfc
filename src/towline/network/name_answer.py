"""From a DNS question as it came over the wire to the answer as it goes back.

dnspython reads and writes the wire format; what is decided here is only which answer is right:

    answers of others, fragments of headers      silence
    not one question, or nothing readable        FORMERR
    other operations than a query                NOTIMP
    EDNS of a later version                      BADVERS
    other classes than the internet, transfers   REFUSED
    aliases in a circle                          SERVFAIL
    a name that does not exist                   NXDOMAIN, with the zone's SOA
    a name that has nothing of the type          no error and no data, with the zone's SOA
    a name that only the uplink may know         `Beyond`, and SERVFAIL when it does not say

Most answers are never computed: see `Answers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from towline.network.zone import View, authority, wire_of

PAYLOAD = 1232  # what fits every path without fragments (DNS flag day 2020)
STREAM_LIMIT = 65_535  # RFC 1035, 4.2.2: a length of two bytes
_HEADER = 12
_PLAIN_LIMIT = 512  # RFC 1035, 4.2.1: without EDNS
_REMEMBERED = 4096  # answers, each to a question of at most _PLAIN_LIMIT bytes
_FAMILIES = 1024
_NAME = _HEADER - 2  # where the question's name begins in what follows its number
_TRANSFERS = {dns.rdatatype.AXFR, dns.rdatatype.IXFR}
_NAMELESS = {dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.TXT}
_OPT_VERSION = 0
_Message = dns.message.Message


@dataclass(frozen=True, slots=True)
class Beyond:
    """The uplink must be asked, and `Answers.complete` told what it said."""

    name: dns.name.Name
    type: dns.rdatatype.RdataType


Reply = bytes | Beyond | None
"""What is answered; None is silence."""


class Answers:
    """The answers that follow from one view, which never changes.

    Whatever follows the two bytes of a question's number decides the answer, so answers are
    remembered by it: pods ask the same few questions over and over.

    Of names that do not exist there is no end, but those with the same parent have the same answer.
    So an answer is also remembered for its *family*: all questions that differ from it in nothing
    but the bytes of the name's first label. It is right for each of them once that label is put
    into it, unless the name is one of those that exist.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._existing = frozenset(map(wire_of, view.names()))
        self._families = dict[tuple[int, bytes, bytes], _Family]()
        self._remembered = lru_cache(_REMEMBERED)(self._of_family)

    def to_datagram(self, question: bytes) -> Reply:
        """The answer to a datagram, cut short where it does not fit."""
        short = len(question) <= _PLAIN_LIMIT
        return _numbered(question, self._remembered if short else self._datagram)

    def to_stream(self, question: bytes) -> Reply:
        """The answer over TCP, whatever its length."""
        return _numbered(question, self._stream)

    def complete(self, question: bytes, said: _Message | None, limit: int) -> bytes:
        """The answer to a question that was `Beyond`, once the uplink has said something (or
        nothing), in at most `limit` bytes.
        """
        asked = dns.message.from_wire(question)
        answer = _response(asked)
        found = self._view.find(asked.question[0].name, asked.question[0].rdtype)
        if said is None:
            answer.set_rcode(dns.rcode.SERVFAIL)
        else:
            answer.set_rcode(said.rcode())
            answer.answer = [*found.answer, *said.answer]
            answer.authority = list(said.authority)
            answer.flags |= said.flags & dns.flags.TC
        return rendered(answer, limit if limit == STREAM_LIMIT else _datagram_limit(answer))

    def _of_family(self, body: bytes) -> bytes | Beyond:
        first = body[_NAME] if len(body) > _NAME else 0
        end = _NAME + 1 + first
        family = self._families.get((first, body[:_NAME], body[end:]))
        if family is not None and body[_NAME : family.end].lower() not in self._existing:
            return family.begin + body[_NAME:end] + family.rest
        answer = self._datagram(body)
        if isinstance(answer, bytes):
            self._remember_family(body, answer)
        return answer

    def _remember_family(self, body: bytes, answer: bytes) -> None:
        """Keep the answer for others if nothing in it is owed to the first label but that label."""
        read = dns.message.from_wire(answer)
        if len(read.question) != 1 or {one.rdtype for one in read.answer} - _NAMELESS:
            return
        name = wire_of(read.question[0].name)
        if name in self._existing or not body[_NAME:].lower().startswith(name):
            return
        if len(self._families) >= _FAMILIES:
            self._families.clear()
        first = body[_NAME]
        end = _NAME + 1 + first
        self._families[first, body[:_NAME], body[end:]] = _Family(
            begin=answer[:_HEADER], rest=answer[end + 2 :], end=_NAME + len(name)
        )

    def _datagram(self, body: bytes) -> bytes | Beyond:
        answer = self._answer(body)
        return answer if isinstance(answer, Beyond) else rendered(answer, _datagram_limit(answer))

    def _stream(self, body: bytes) -> bytes | Beyond:
        answer = self._answer(body)
        return answer if isinstance(answer, Beyond) else rendered(answer, STREAM_LIMIT)

    def _answer(self, body: bytes) -> _Message | Beyond:
        question = b"\0\0" + body
        try:
            asked = dns.message.from_wire(question)
        except dns.message.UnknownTSIGKey:
            return _bare(question, dns.rcode.NOTAUTH)  # RFC 8945, 5.2.1: nobody has a key here
        except (dns.exception.DNSException, ValueError):
            return _bare(question, dns.rcode.FORMERR)
        return self._fill(asked, _response(asked))

    def _fill(self, asked: _Message, answer: _Message) -> _Message | Beyond:
        refusal = _refusal(asked)
        if refusal is not None:
            answer.set_rcode(refusal)
            return answer
        (question,) = asked.question
        found = self._view.find(question.name, question.rdtype)
        if found.beyond is not None:
            return Beyond(found.beyond, question.rdtype)
        answer.set_rcode(found.rcode)
        answer.answer.extend(found.answer)
        if found.apex is not None:
            answer.authority.append(authority(found.apex))
        return answer


@dataclass(frozen=True, slots=True)
class _Family:
    begin: bytes
    """The header of the answer, with the number 0."""
    rest: bytes
    """What follows the first label of the question's name."""
    end: int
    """Where the name ends in what follows a question's number."""


def _numbered(question: bytes, answered: Callable[[bytes], bytes | Beyond]) -> Reply:
    """An answer to the number of its question; none to what is no question at all.

    Answering answers would let two resolvers talk to each other for ever.
    """
    if len(question) < _HEADER or question[2] & 0x80:
        return None
    reply = answered(question[2:])
    return question[:2] + reply[2:] if isinstance(reply, bytes) else reply


def _response(asked: _Message) -> _Message:
    answer = dns.message.make_response(asked, recursion_available=True, our_payload=PAYLOAD)
    # RFC 3225, 3: the bit that asks for signatures is copied, also by those who have none.
    answer.ednsflags |= asked.ednsflags & dns.flags.DO
    return answer


def _datagram_limit(answer: _Message) -> int:
    return min(max(answer.request_payload, _PLAIN_LIMIT), PAYLOAD)


def _refusal(asked: _Message) -> dns.rcode.Rcode | None:
    if asked.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if asked.edns > _OPT_VERSION:
        return dns.rcode.BADVERS
    if len(asked.question) != 1:
        return dns.rcode.FORMERR
    (question,) = asked.question
    if question.rdclass != dns.rdataclass.IN or question.rdtype in _TRANSFERS:
        return dns.rcode.REFUSED
    return None


def _bare(question: bytes, rcode: dns.rcode.Rcode) -> _Message:
    """An answer to a question that cannot be read: only its header is known."""
    flags = int.from_bytes(question[2:4], "big")
    answer = dns.message.Message(id=0)
    answer.flags = dns.flags.QR | dns.flags.RA | (flags & dns.flags.RD)
    opcode = dns.opcode.from_flags(flags)
    answer.set_opcode(opcode)
    answer.set_rcode(rcode if opcode == dns.opcode.QUERY else dns.rcode.NOTIMP)
    return answer


def rendered(answer: _Message, limit: int) -> bytes:
    """The answer in at most `limit` bytes, marked as cut short when it does not fit."""
    return answer.to_wire(max_size=limit, prefer_truncation=True)
