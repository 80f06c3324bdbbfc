"""Connecting to one address, and who says no: errno, ICMP and its sender, or our own firewall."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct

from towline.diagnosis.observed_path import DialOutcome, DialSeen, IcmpSeen
from towline.probe.stream import RawStream
from towline.probe.vantage import Sockets

SMALL_SEGMENT = 400
_IP_RECVERR, _IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h; Python's socket does not name them
_ICMP, _ICMP6 = 2, 3  # SO_EE_ORIGIN_*, linux/errqueue.h
_HEAD = struct.Struct("=IBBBBII")  # struct sock_extended_err
_UNREACHABLE = {  # RFC 792 and RFC 1812
    0: "net-unreachable",
    1: "host-unreachable",
    3: "port-unreachable",
    4: "fragmentation-needed",
    9: "net-prohibited",
    10: "host-prohibited",
    13: "admin-prohibited",
}
_UNREACHABLE6 = {0: "no-route", 1: "admin-prohibited", 3: "address-unreachable"}  # RFC 4443
_UNREACHABLE6 |= {4: "port-unreachable", 5: "policy-failed", 6: "reject-route"}
_OUTCOMES = {
    errno.ECONNREFUSED: DialOutcome.REFUSED,
    errno.EHOSTUNREACH: DialOutcome.NO_ROUTE,
    errno.ENETUNREACH: DialOutcome.UNREACHABLE,
    errno.EADDRNOTAVAIL: DialOutcome.UNREACHABLE,
    errno.EAFNOSUPPORT: DialOutcome.UNREACHABLE,
    errno.EACCES: DialOutcome.PROHIBITED,
    errno.EPERM: DialOutcome.PROHIBITED,
    errno.EINVAL: DialOutcome.BLACKHOLE,
    errno.ETIMEDOUT: DialOutcome.TIMED_OUT,
}
_SILENT = frozenset({DialOutcome.TIMED_OUT, DialOutcome.PROHIBITED})


async def dial(
    sockets: Sockets, address: str, port: int, seconds: float, segment: int = 0
) -> tuple[DialSeen, RawStream | None]:
    """Connect within some seconds; `segment` bounds what the other side may send in one packet."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        sock = sockets.stream(address)
    except OSError as error:
        return DialSeen(address, port, _outcome(error), _name(error)), None
    try:
        _prepare(sock, address, segment)
        async with asyncio.timeout(seconds):
            await loop.sock_connect(sock, (address, port))
    except OSError as error:
        took = loop.time() - began
        icmp = _icmp(sock)
        sock.close()
        own = _outcome(error) in _SILENT and _is_dropped_here(sockets, address, port)
        return DialSeen(address, port, _outcome(error), _name(error), icmp, own, "", took), None
    except BaseException:
        sock.close()
        raise
    local, took = str(sock.getsockname()[0]), loop.time() - began
    connected = DialSeen(address, port, DialOutcome.CONNECTED, local=local, seconds=took)
    return connected, RawStream(sock)


def _prepare(sock: socket.socket, address: str, segment: int) -> None:
    if ":" in address:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
    if segment:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)


def _outcome(error: OSError) -> DialOutcome:
    if isinstance(error, TimeoutError):
        return DialOutcome.TIMED_OUT
    return _OUTCOMES.get(error.errno or 0, DialOutcome.OTHER)


def _name(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "ETIMEDOUT"
    return errno.errorcode.get(error.errno or 0, str(error))


def _icmp(sock: socket.socket) -> IcmpSeen | None:
    """The ICMP error in the socket's queue, if one came."""
    try:
        _, ancillary, _, _ = sock.recvmsg(1, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    return next(filter(None, (read_icmp(content) for _, _, content in ancillary)), None)


def read_icmp(content: bytes) -> IcmpSeen | None:
    """Read a `struct sock_extended_err` and the address behind it; None when it is no ICMP."""
    if len(content) < _HEAD.size + 8:
        return None
    _, origin, kind, code, _, _, _ = _HEAD.unpack_from(content)
    sender = content[_HEAD.size :]
    if origin == _ICMP:
        name = _UNREACHABLE.get(code, f"code {code}") if kind == 3 else f"type {kind}"
        return IcmpSeen(name, socket.inet_ntop(socket.AF_INET, sender[4:8]))
    if origin == _ICMP6 and len(sender) >= 24:
        name = _UNREACHABLE6.get(code, f"code {code}") if kind == 1 else f"type {kind}"
        return IcmpSeen(name, socket.inet_ntop(socket.AF_INET6, sender[8:24]))
    return None


def _is_dropped_here(sockets: Sockets, address: str, port: int) -> bool:
    """Whether a datagram to the same place is refused by our own kernel: a rule on this side."""
    try:
        with sockets.datagram(address) as sock:
            sock.sendto(b"\0", (address, port))
    except OSError as error:
        return error.errno == errno.EPERM
    return False
