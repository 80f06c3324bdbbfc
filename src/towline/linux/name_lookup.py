"""Names to addresses, asked of given name servers from inside a namespace, with the patience of
Go's resolver.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from towline.linux.namespace_socket import SocketMaker
from towline.pull.wire import Fault, Trouble, WireFailed

SECONDS_PER_QUESTION = 5.0  # Go's resolv.conf default, as glibc's
ROUNDS = 2
_PAYLOAD = 1232  # what fits every path without fragments (DNS flag day 2020)


@dataclass(frozen=True, slots=True)
class _Server:
    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> _Server:
        if text.count(":") == 1:
            address, _, port = text.partition(":")
            return cls(address, int(port))
        return cls(text, 53)


class NameLookup:
    """Looks names up; `patience` bounds a whole look-up, as it is part of a dial in Go."""

    def __init__(
        self, sockets: SocketMaker, nameservers: tuple[str, ...] | None, patience: float
    ) -> None:
        self._sockets = sockets
        self._servers = None if nameservers is None else tuple(map(_Server.parse, nameservers))
        self._patience = patience

    async def addresses(self, host: str) -> tuple[str, ...]:
        """All addresses of a name, IPv4 first; an address is its own. Raises `WireFailed`."""
        try:
            return (str(ipaddress.ip_address(host)),)
        except ValueError:
            pass
        if self._servers is None:
            return await self._ask_machine(host)
        return await self._ask_servers(host, self._servers)

    async def _ask_machine(self, host: str) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        work = lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)  # noqa: E731
        try:
            async with asyncio.timeout(self._patience):
                found = await loop.run_in_executor(None, self._sockets.inside, work)
        except TimeoutError as error:
            raise WireFailed(Fault(Trouble.LOOKUP_TIMED_OUT, host)) from error
        except OSError as error:
            again = error.errno == socket.EAI_AGAIN
            trouble = Trouble.LOOKUP_FAILED if again else Trouble.NO_SUCH_HOST
            raise WireFailed(Fault(trouble, host)) from error
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        return tuple(sorted(addresses, key=lambda address: ":" in address))

    async def _ask_servers(self, host: str, servers: tuple[_Server, ...]) -> tuple[str, ...]:
        fault = Fault(Trouble.NO_SUCH_HOST, host)
        for server in servers * ROUNDS:
            try:
                response = await self._ask(host, server)
            except WireFailed as failed:
                fault = failed.fault
                continue
            addresses = _addresses(response)
            if addresses:
                return addresses
            if response.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
                raise WireFailed(Fault(Trouble.NO_SUCH_HOST, host, str(server)))
            fault = Fault(Trouble.LOOKUP_FAILED, host, str(server))
        raise WireFailed(fault)

    async def _ask(self, host: str, server: _Server) -> dns.message.Message:
        """One question to one server."""
        sock, local = self._sockets.datagram(server.address), ""
        loop = asyncio.get_running_loop()
        try:
            query = dns.message.make_query(f"{host.rstrip('.')}.", "A", payload=_PAYLOAD)
            async with asyncio.timeout(min(SECONDS_PER_QUESTION, self._patience)):
                await loop.sock_connect(sock, (server.address, server.port))
                local = "{}:{}".format(*sock.getsockname()[:2])
                await loop.sock_sendall(sock, query.to_wire())
                response = await _answer(sock, query)
                if response.flags & dns.flags.TC:
                    return await self._ask_by_stream(query, server)
                return response
        except TimeoutError as error:
            fault = Fault(Trouble.LOOKUP_TIMED_OUT, host, str(server), local)
            raise WireFailed(fault) from error
        except ConnectionRefusedError as error:
            fault = Fault(Trouble.LOOKUP_REFUSED, host, str(server), local)
            raise WireFailed(fault) from error
        except (OSError, dns.exception.DNSException, UnicodeError) as error:
            raise WireFailed(Fault(Trouble.LOOKUP_FAILED, host, str(server), local)) from error
        finally:
            sock.close()

    async def _ask_by_stream(
        self, query: dns.message.Message, server: _Server
    ) -> dns.message.Message:
        """The same question over TCP, for answers that do not fit a datagram (RFC 7766)."""
        loop, sock = asyncio.get_running_loop(), self._sockets.stream(server.address)
        try:
            await loop.sock_connect(sock, (server.address, server.port))
            wire = query.to_wire()
            await loop.sock_sendall(sock, len(wire).to_bytes(2, "big") + wire)
            length = int.from_bytes(await _exactly(sock, 2), "big")
            return dns.message.from_wire(await _exactly(sock, length))
        finally:
            sock.close()


async def _answer(sock: socket.socket, query: dns.message.Message) -> dns.message.Message:
    """The first datagram that answers this question; others are noise or forged."""
    loop = asyncio.get_running_loop()
    while True:
        datagram = await loop.sock_recv(sock, 65535)
        try:
            response = dns.message.from_wire(datagram, ignore_trailing=True)
        except dns.message.Truncated as truncated:
            return _whole(truncated)
        except dns.exception.DNSException:
            continue
        if query.is_response(response):
            return response


async def _exactly(sock: socket.socket, length: int) -> bytes:
    loop, content = asyncio.get_running_loop(), b""
    while len(content) < length:
        piece = await loop.sock_recv(sock, length - len(content))
        if not piece:
            raise ConnectionError("the name server hung up")
        content += piece
    return content


def _addresses(response: dns.message.Message) -> tuple[str, ...]:
    return tuple(
        str(record)
        for answers in response.answer
        if answers.rdtype == dns.rdatatype.A
        for record in answers
    )


def _whole(truncated: dns.message.Truncated) -> dns.message.Message:
    message = truncated.kwargs["message"]
    assert isinstance(message, dns.message.Message)
    return message
