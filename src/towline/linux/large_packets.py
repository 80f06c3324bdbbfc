"""How large the packets are that a virtual link takes.

Inside one machine a packet is a piece of memory that is handed on, and each costs the same on its way
through bridges, routers and translations, however much is in it. The kernel's own bound for TCP over
IPv4 is 64 KiB; since Linux 6.3 a link can be told another one (BIG TCP), which older kernels overlook.
Whatever leaves by a link that takes less is cut there, so nobody notices but who counts.

Debian's iproute2 (6.1) cannot say it yet, hence a netlink message by hand (rtnetlink(7)).
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable

from towline.linux.namespace_socket import SocketMaker
from towline.linux.network_namespace import path_of

LARGE = 256 * 1024
USUAL = 65_536  # GSO_LEGACY_MAX_SIZE
_NETLINK_ROUTE, _RTM_SETLINK, _REQUEST_ACK = 0, 19, 0x1 | 0x4
_IFLA_GSO_IPV4_MAX_SIZE = 63  # linux/if_link.h
_HEAD, _LINK, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BxHiII"), struct.Struct("=HHI")
_ANSWER = 4096


def take(namespace: str, links: Iterable[str], largest: int) -> None:
    """Have these links take packets up to this size. A link that is gone by now needs nothing."""

    def tell() -> None:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as kernel:
            for link in links:
                with contextlib.suppress(OSError):
                    kernel.send(_message(socket.if_nametoindex(link), largest))
                    kernel.recv(_ANSWER)

    with contextlib.suppress(FileNotFoundError):
        SocketMaker(path_of(namespace)).inside(tell)


def _message(number: int, largest: int) -> bytes:
    body = _LINK.pack(0, 0, number, 0, 0)
    body += _ATTRIBUTE.pack(_ATTRIBUTE.size, _IFLA_GSO_IPV4_MAX_SIZE, largest)
    return _HEAD.pack(_HEAD.size + len(body), _RTM_SETLINK, _REQUEST_ACK, 1, 0) + body
