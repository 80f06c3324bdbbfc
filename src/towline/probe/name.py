"""Names to addresses, seen question by question: each server, A and AAAA, with its response code.

The order is Go's: the hosts file, then the names that `search` and `ndots` make, then one server
after the other. Where a server says nothing over UDP it is asked over TCP as well, so that a
filter and a dead server can be told apart.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from dataclasses import dataclass, replace
from ipaddress import ip_address

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from towline.diagnosis.observed_path import DnsSeen, NameAnswer, NameOutcome
from towline.probe.vantage import Resolver, Sockets

ONCE = 0.25  # of the patience; then the question is put again: one datagram may be lost
_PAYLOAD = 1232  # what fits every path without fragments (DNS flag day 2020)
_NOWHERE = (("127.0.0.1", 53), ("::1", 53))  # whom Go asks when resolv.conf names nobody
_CODES = {
    dns.rcode.NXDOMAIN: NameOutcome.NXDOMAIN,
    dns.rcode.SERVFAIL: NameOutcome.SERVFAIL,
    dns.rcode.REFUSED: NameOutcome.REFUSED,
}
_DECISIVE = frozenset({NameOutcome.ADDRESSES, NameOutcome.NXDOMAIN, NameOutcome.NODATA})
_SILENT = frozenset({NameOutcome.TIMED_OUT, NameOutcome.REJECTED, NameOutcome.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class _Question:
    server: tuple[str, int]
    name: str
    kind: str

    def answered(self, outcome: NameOutcome, error: str = "") -> NameAnswer:
        return NameAnswer(authority(*self.server), self.name, self.kind, outcome, error=error)


class NameProbe:
    """Looks names up from one vantage."""

    def __init__(self, sockets: Sockets, resolver: Resolver, patience: float) -> None:
        self._sockets = sockets
        self._resolver = resolver
        self._once, self._again = ONCE * patience, (1 - ONCE) * patience

    async def look_up(self, host: str) -> DnsSeen:
        """All that there is to see of a name."""
        servers = tuple(authority(*server) for server in self._resolver.servers)
        seen = DnsSeen(host, servers, self._resolver.search)
        if is_address(host):
            return replace(seen, addresses=(host,), is_address=True)
        if line := self._resolver.hosts_line(host):
            return replace(seen, hosts_line=line, addresses=(line.split()[0],))
        answers = list[NameAnswer]()
        for name in self._resolver.names(host):
            found = await self._ask_servers(name)
            answers += found
            if addresses := _addresses(found):
                return replace(seen, answers=tuple(answers), addresses=addresses)
            if not any(answer.outcome in _DECISIVE for answer in found):
                break  # nobody who answers: the next name would fare no better
        return replace(seen, answers=tuple(answers))

    async def _ask_servers(self, name: str) -> list[NameAnswer]:
        """One server; where it does not decide, all others at once."""
        first, *others = self._resolver.servers or _NOWHERE
        found = await self._ask((first,), name)
        if others and not any(answer.outcome in _DECISIVE for answer in found):
            found += await self._ask(tuple(others), name)
        return found

    async def _ask(self, servers: tuple[tuple[str, int], ...], name: str) -> list[NameAnswer]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._answer(_Question(server, name, kind)))
                for server in servers
                for kind in ("A", "AAAA")
            ]
        return [task.result() for task in tasks]

    async def _answer(self, question: _Question) -> NameAnswer:
        try:
            query = dns.message.make_query(f"{question.name}.", question.kind, payload=_PAYLOAD)
        except (dns.exception.DNSException, UnicodeError):
            return question.answered(NameOutcome.NXDOMAIN, "not a name that DNS can hold")
        answer = await self._by_datagram(question, query, self._once)
        if not _silent(answer):
            return answer
        if question.kind != "A":
            return await self._by_datagram(question, query, self._again)
        async with asyncio.TaskGroup() as group:
            again = group.create_task(self._by_datagram(question, query, self._again))
            streamed = group.create_task(self._by_stream(question, query))
        answer = again.result()
        return replace(answer, over_tcp=streamed.result().outcome) if _silent(answer) else answer

    async def _by_datagram(
        self, question: _Question, query: dns.message.Message, patience: float
    ) -> NameAnswer:
        loop = asyncio.get_running_loop()
        sock = self._sockets.datagram(question.server[0])
        try:
            async with asyncio.timeout(patience):
                await loop.sock_connect(sock, question.server)
                await loop.sock_sendall(sock, query.to_wire())
                response = await _response(sock, query)
        except OSError as error:
            return _failed(question, error)
        finally:
            sock.close()
        if response is None or response.flags & dns.flags.TC:
            return await self._by_stream(question, query)
        return _read(question, response)

    async def _by_stream(self, question: _Question, query: dns.message.Message) -> NameAnswer:
        """The same question over TCP (RFC 7766)."""
        loop = asyncio.get_running_loop()
        sock = self._sockets.stream(question.server[0])
        try:
            async with asyncio.timeout(self._again):
                await loop.sock_connect(sock, question.server)
                wire = query.to_wire()
                await loop.sock_sendall(sock, len(wire).to_bytes(2, "big") + wire)
                length = int.from_bytes(await _exactly(sock, 2), "big")
                response = dns.message.from_wire(await _exactly(sock, length))
        except OSError as error:
            return _failed(question, error)
        except dns.exception.DNSException:
            return question.answered(NameOutcome.OTHER_CODE, "an answer that is no DNS message")
        finally:
            sock.close()
        return _read(question, response)


async def _response(sock: socket.socket, query: dns.message.Message) -> dns.message.Message | None:
    """The first datagram that answers this question; None when it was cut."""
    loop = asyncio.get_running_loop()
    while True:
        datagram = await loop.sock_recv(sock, 65535)
        try:
            response = dns.message.from_wire(datagram, ignore_trailing=True)
        except dns.message.Truncated:
            return None
        except dns.exception.DNSException:
            continue
        if query.is_response(response):
            return response


async def _exactly(sock: socket.socket, length: int) -> bytes:
    loop, content = asyncio.get_running_loop(), b""
    while len(content) < length:
        piece = await loop.sock_recv(sock, length - len(content))
        if not piece:
            raise ConnectionResetError(errno.ECONNRESET, "the name server hung up")
        content += piece
    return content


def _read(question: _Question, response: dns.message.Message) -> NameAnswer:
    code = response.rcode()
    if code != dns.rcode.NOERROR:
        outcome = _CODES.get(code, NameOutcome.OTHER_CODE)
        rare = dns.rcode.to_text(code) if outcome is NameOutcome.OTHER_CODE else ""
        return question.answered(outcome, rare)
    wanted = dns.rdatatype.from_text(question.kind)
    addresses = tuple(str(r) for rrset in response.answer if rrset.rdtype == wanted for r in rrset)
    outcome = NameOutcome.ADDRESSES if addresses else NameOutcome.NODATA
    return replace(question.answered(outcome), addresses=addresses)


def _failed(question: _Question, error: OSError) -> NameAnswer:
    if isinstance(error, TimeoutError):
        return question.answered(NameOutcome.TIMED_OUT)
    name = errno.errorcode.get(error.errno or 0, str(error))
    refused = error.errno in {errno.ECONNREFUSED, errno.ECONNRESET}
    return question.answered(NameOutcome.REJECTED if refused else NameOutcome.UNREACHABLE, name)


def _silent(answer: NameAnswer) -> bool:
    return answer.outcome in _SILENT


def _addresses(answers: list[NameAnswer]) -> tuple[str, ...]:
    """What the first server that knows says, IPv4 first."""
    for server in dict.fromkeys(answer.server for answer in answers):
        ours = [answer for answer in answers if answer.server == server]
        if any(answer.outcome in _DECISIVE for answer in ours):
            ours.sort(key=lambda answer: answer.kind)
            return tuple(address for answer in ours for address in answer.addresses)
    return ()


def is_address(host: str) -> bool:
    """Whether it is an address and needs no look-up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def authority(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
