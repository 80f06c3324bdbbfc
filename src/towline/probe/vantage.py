"""From where a probe looks: whose sockets, name servers, authorities, proxies, clock and disk.

A check from the wrong place passes. A pod's pull is probed with sockets of the pod's network
namespace and the pod's `resolv.conf`; a plain image reference from the machine itself.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from towline.pull.proxy import NO_PROXIES, Proxies

DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a probe may take, in seconds: who only warns has less of it than who explains."""

    step: float = 4.0
    total: float = 10.0


class Sockets(Protocol):
    """Makes non-blocking sockets in the network that is looked at."""

    def stream(self, address: str, /) -> socket.socket:
        """A TCP socket for this address."""
        ...

    def datagram(self, address: str, /) -> socket.socket:
        """A UDP socket for this address."""
        ...


@dataclass(frozen=True, slots=True)
class Resolver:
    """`resolv.conf` and the hosts file, as Go's resolver reads them."""

    servers: tuple[tuple[str, int], ...] = ()
    """In order; at most three, as in resolv.conf(5)."""
    search: tuple[str, ...] = ()
    ndots: int = 1
    hosts: str = ""
    """The text of the hosts file."""

    @classmethod
    def parse(cls, resolv_conf: str, hosts: str = "") -> Resolver:
        """Read both files; lines that mean nothing are left out."""
        servers, search, ndots = list[tuple[str, int]](), tuple[str, ...](), 1
        for line in resolv_conf.splitlines():
            match line.split():
                case ["nameserver", address, *_] if _is_address(address):
                    servers.append((address, DNS_PORT))
                case ["search", *domains]:
                    search = tuple(domain.strip(".") for domain in domains)
                case ["domain", domain, *_]:
                    search = (domain.strip("."),)
                case ["options", *options]:
                    ndots = _ndots(options, ndots)
        return cls(tuple(servers[:3]), tuple(filter(None, search)), ndots, hosts)

    def names(self, host: str) -> tuple[str, ...]:
        """The names to ask for, in order (Go's `nameList`)."""
        if host.endswith("."):
            return (host.rstrip("."),)
        searched = tuple(f"{host}.{domain}" for domain in self.search)
        if host.count(".") >= self.ndots:
            return (host, *searched)
        return (*searched, host)

    def hosts_line(self, host: str) -> str:
        """The first line of the hosts file that has an address for this name."""
        wanted = host.lower().rstrip(".")
        for line in self.hosts.splitlines():
            words = line.partition("#")[0].split()
            names = (word.lower().rstrip(".") for word in words[1:])
            if words and _is_address(words[0]) and wanted in names:
                return " ".join(words)
        return ""


def _ndots(options: list[str], default: int) -> int:
    for option in options:
        name, _, value = option.partition(":")
        if name == "ndots" and value.isdigit():
            default = min(int(value), 15)
    return default


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


_USUAL = Patience()


@dataclass(frozen=True, slots=True)
class Vantage:
    """One place to look from."""

    name: str
    """As evidence calls it: `this machine`, `pod default/web`."""
    sockets: Sockets
    resolver: Resolver
    clock: Callable[[], float]
    """Unix time."""
    ca_file: Path | None = None
    """Authorities that are believed beside the machine's own."""
    proxies: Proxies = NO_PROXIES
    store: Path | None = None
    """The folder that images are kept in, for its free space."""
    patience: Patience = _USUAL


def proxy_without_secrets(url: str) -> str:
    """A proxy's URL without user and password."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
