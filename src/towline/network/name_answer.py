"""From a DNS question as it came over the wire to the answer as it goes back.

dnspython reads and writes the wire format; what is decided here is only which answer is right:

    answers of others, fragments of headers      silence
    not one question, or nothing readable        FORMERR
    other operations than a query                NOTIMP
    EDNS of a later version                      BADVERS
    other classes than the internet, transfers   REFUSED
    a name that does not exist                   NXDOMAIN, with the zone's SOA
    a name that has nothing of the type          no error and no data, with the zone's SOA

The resolver is the last word on every name: there are no other name servers to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from towline.network.zone import Finding, Zone

PAYLOAD = 1232  # what fits every path without fragments (DNS flag day 2020)
STREAM_LIMIT = 65_535  # RFC 1035, 4.2.2: a length of two bytes
TTL = 10  # seconds: switching a link's resolution must soon be seen by those who remember answers
_HEADER = 12
_PLAIN_LIMIT = 512  # RFC 1035, 4.2.1: without EDNS
_REMEMBERED = 4096  # answers, each to a question of at most _PLAIN_LIMIT bytes
_TRANSFERS = {dns.rdatatype.AXFR, dns.rdatatype.IXFR}
_OPT_VERSION = 0
_Name = dns.name.Name
_Message = dns.message.Message
_Answerer = Callable[[bytes], bytes]


class Answers:
    """The answers that follow from one zone.

    Whatever follows the two bytes of a question's number decides the answer, so answers are
    remembered by it: pods ask the same few questions over and over.
    """

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._remembered = lru_cache(_REMEMBERED)(self._datagram)

    def to_datagram(self, question: bytes) -> bytes | None:
        """The answer to a datagram, cut short where it does not fit; None for silence."""
        short = len(question) <= _PLAIN_LIMIT
        return _numbered(question, self._remembered if short else self._datagram)

    def to_stream(self, question: bytes) -> bytes | None:
        """The answer over TCP, whatever its length; None for silence."""
        return _numbered(question, self._stream)

    def _datagram(self, body: bytes) -> bytes:
        answer = self._answer(body)
        return rendered(answer, min(max(answer.request_payload, _PLAIN_LIMIT), PAYLOAD))

    def _stream(self, body: bytes) -> bytes:
        return rendered(self._answer(body), STREAM_LIMIT)

    def _answer(self, body: bytes) -> _Message:
        question = b"\0\0" + body
        try:
            asked = dns.message.from_wire(question)
        except dns.message.UnknownTSIGKey:
            return _bare(question, dns.rcode.NOTAUTH)  # RFC 8945, 5.2.1: nobody has a key here
        except (dns.exception.DNSException, ValueError):
            return _bare(question, dns.rcode.FORMERR)
        answer = dns.message.make_response(asked, recursion_available=True, our_payload=PAYLOAD)
        # RFC 3225, 3: the bit that asks for signatures is copied, also by those who have none.
        answer.ednsflags |= asked.ednsflags & dns.flags.DO
        return self._fill(asked, answer)

    def _fill(self, asked: _Message, answer: _Message) -> _Message:
        refusal = _refusal(asked)
        if refusal is not None:
            answer.set_rcode(refusal)
            return answer
        (question,) = asked.question
        apex = dns.name.from_text(self._zone.apex(_text(question.name)))
        finding, address = self._zone.find(_text(question.name))
        wanted = question.rdtype
        if address is not None and wanted in {dns.rdatatype.A, dns.rdatatype.ANY}:
            answer.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "A", address))
        elif wanted in {dns.rdatatype.SOA, dns.rdatatype.ANY} and question.name == apex:
            answer.answer.append(dns.rrset.from_rdata(question.name, TTL, _authority(apex)[0]))
        else:
            if finding is Finding.NO_SUCH_NAME:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            answer.authority.append(_authority(apex))
        return answer


def _numbered(question: bytes, answered: _Answerer) -> bytes | None:
    """An answer to the number of its question; none to what is no question at all.

    Answering answers would let two resolvers talk to each other for ever.
    """
    if len(question) < _HEADER or question[2] & 0x80:
        return None
    return question[:2] + answered(question[2:])[2:]


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


def _text(name: _Name) -> str:
    return name.to_text(omit_final_dot=True)


@lru_cache(64)
def _authority(apex: _Name) -> dns.rrset.RRset:
    """What a zone says of itself; the values are those of RFC 6303, 3, for zones served locally.

    The last is how long others may remember that a name does not exist (RFC 2308).
    """
    said = f"{apex} nobody.invalid. 1 3600 1200 604800 {TTL}"
    return dns.rrset.from_text(apex, TTL, "IN", "SOA", said)
