"""The machine itself as a vantage, for anybody who may open a socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from towline.probe.vantage import Resolver, Vantage
from towline.pull.proxy import Proxies

RESOLV_CONF = Path("/etc/resolv.conf")
HOSTS = Path("/etc/hosts")

HERE = "this machine"
"""Its name as a vantage."""


class OwnSockets:
    """Sockets of the network that this process is in."""

    def stream(self, address: str, /) -> socket.socket:
        """A TCP socket for this address."""
        return _non_blocking(address, socket.SOCK_STREAM)

    def datagram(self, address: str, /) -> socket.socket:
        """A UDP socket for this address."""
        return _non_blocking(address, socket.SOCK_DGRAM)


def _non_blocking(address: str, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    made.setblocking(False)  # noqa: FBT003  # the socket module's own signature
    return made


def this_machine(
    environment: Mapping[str, str], clock: Callable[[], float], ca_file: Path | None = None
) -> Vantage:
    """This machine, with its own resolver, proxies and authorities."""
    resolver = Resolver.parse(_text(RESOLV_CONF), _text(HOSTS))
    proxies = Proxies.from_environment(environment)
    return Vantage(HERE, OwnSockets(), resolver, clock, ca_file, proxies)


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace")
    return ""
