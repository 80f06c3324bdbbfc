"""Another name server, asked for what nobody here knows, by the host's own network."""

from __future__ import annotations

import asyncio
import random
from ipaddress import IPv4Address
from typing import cast

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
from dns.message import Message

from towline.network.name_answer import PAYLOAD, Beyond
from towline.problem import Problem

Said = asyncio.Future[Message | None]
"""What the uplink says; None when it says nothing."""
_PORT = 53
PATIENCE = 2.0  # seconds for each attempt: together less than the 5 of who asked us
_ATTEMPTS = 2
_MOST = 4096  # questions that wait at a time


class Uplink(asyncio.DatagramProtocol):
    """One server. Answers are matched by number and question; what else comes is dropped."""

    def __init__(self, host: str, port: int, patience: float = PATIENCE) -> None:
        """Each of two attempts may take as many seconds as there is patience."""
        self._server = (host, port)
        self._patience = patience
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[int, tuple[Message, Said]] = {}
        self._numbers = random.SystemRandom()

    @classmethod
    def parse(cls, text: str) -> Uplink:
        """The server at an address, perhaps with a port: `192.0.2.1`, `192.0.2.1:5353`; raises
        `Problem`.
        """
        host, _, port = text.partition(":")
        try:
            address, number = str(IPv4Address(host)), int(port or _PORT)
        except ValueError as error:
            raise Problem(
                "uplink-malformed",
                cause=f"{text!r} is no address of a name server: {error}",
                remedy="give an IPv4 address, perhaps with a port, as in 192.0.2.1:53",
            ) from error
        return cls(address, number)

    async def open(self) -> None:
        """Be ready to ask, if not yet; raises `OSError`."""
        if self._transport is not None:
            return
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, remote_addr=self._server)

    def close(self) -> None:
        """Ask no more; who still waits is told nothing."""
        if self._transport is not None:
            self._transport.close()
        for number in list(self._waiting):
            self._settle(number, None)

    def ask(self, beyond: Beyond) -> Said:
        """Ask by UDP; what is too long for it comes back marked as cut."""
        said: Said = asyncio.get_running_loop().create_future()
        if self._transport is None or len(self._waiting) >= _MOST:
            said.set_result(None)
            return said
        number = self._numbers.randrange(2**16)
        while number in self._waiting:
            number = self._numbers.randrange(2**16)
        question = _question(beyond, number)
        self._waiting[number] = question, said
        self._send(number, _ATTEMPTS)
        return said

    async def ask_whole(self, beyond: Beyond) -> Message | None:
        """Ask for all of it, by TCP where UDP does not do."""
        question = _question(beyond, self._numbers.randrange(2**16))
        host, port = self._server
        try:
            answer, _ = await dns.asyncquery.udp_with_fallback(
                question, host, timeout=self._patience * _ATTEMPTS, port=port
            )
        except (OSError, EOFError, dns.exception.DNSException):
            return None
        return answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember by what to send; the transports of loops are no subclasses of the class."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Give an answer to who waits for it."""
        del addr  # the socket hears only the server
        number = int.from_bytes(data[:2], "big")
        if number not in self._waiting:
            return
        try:
            answer = dns.message.from_wire(data, ignore_trailing=True)
        except dns.message.Truncated as cut:
            answer = cast("Message", cut.kwargs["message"])
        except dns.exception.DNSException:
            return
        if self._waiting[number][0].is_response(answer):
            self._settle(number, answer)

    def error_received(self, exc: Exception) -> None:
        """Nobody is there: the attempts go on, for the server may be starting."""

    def _send(self, number: int, attempts: int) -> None:
        if number not in self._waiting or self._transport is None:
            return
        if not attempts:
            self._settle(number, None)
            return
        self._transport.sendto(self._waiting[number][0].to_wire())
        loop = asyncio.get_running_loop()
        loop.call_later(
            self._patience, self._send_again, self._waiting[number][1], number, attempts - 1
        )

    def _send_again(self, said: Said, number: int, attempts: int) -> None:
        if not said.done():  # else the number may be another question's by now
            self._send(number, attempts)

    def _settle(self, number: int, answer: Message | None) -> None:
        _, said = self._waiting.pop(number)
        if not said.done():
            said.set_result(answer)


def _question(beyond: Beyond, number: int) -> Message:
    question = dns.message.make_query(beyond.name, beyond.type, use_edns=0, payload=PAYLOAD)
    question.id = number
    return question
