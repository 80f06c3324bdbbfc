"""Which proxy stands before a registry: by the variables and exceptions that containerd heeds.

The rules are those of Go's `golang.org/x/net/http/httpproxy`: the variable follows from the scheme of
what is asked for, not of the proxy; this machine is never reached through a proxy; an exception is a
domain with all below it, an address or a network, with or without a port. (Python's `urllib` knows
the same variables, but neither networks nor ports.)
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import unquote, urlsplit

from towline.pull.wire import Url

USABLE = frozenset({"http", "https"})
_PORTS = {"http": 80, "https": 443}
_CIDR = re.compile(r"[0-9a-f:.]+/[0-9]{1,3}")
_HOST_AND_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)")
_Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is, how it is spoken to, and how we log in there."""

    scheme: str
    """Of the proxy itself."""
    host: str
    port: int
    authorization: str = field(default="", repr=False)
    """What `Proxy-Authorization` has to say; empty without a login."""

    @classmethod
    def parse(cls, text: str) -> Proxy:
        """Read `[scheme://][user[:password]@]host[:port]`. What makes no sense is a proxy that is not
        usable: nobody who wanted one is to go without it.
        """
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            return cls("", "", 0)
        if not parts.hostname or re.search(r"[\s\x00-\x1f]", parts.netloc):
            return cls("", "", 0)
        login = ""
        if parts.username is not None:
            login = _basic(unquote(parts.username), unquote(parts.password or ""))
        return cls(parts.scheme, parts.hostname, port, login)

    @property
    def is_usable(self) -> bool:
        """Whether we can speak with it at all."""
        return self.scheme in USABLE and self.port > 0

    @property
    def url(self) -> Url:
        """Its address, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return Url(self.scheme, f"{host}:{self.port}", self.host, self.port, "/")

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What only the proxy may see of a request."""
        return (("Proxy-Authorization", self.authorization),) if self.authorization else ()


def _basic(username: str, password: str) -> str:
    pair = f"{username}:{password}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies for HTTPS and for HTTP, and who is reached without them."""

    https: str = field(default="", repr=False)
    http: str = field(default="", repr=False)
    no_proxy: str = ""
    source: str = ""
    """What names them, where it is not the variables."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Proxies:
        """Capitals win over small letters."""

        def read(name: str) -> str:
            return environment.get(name) or environment.get(name.lower()) or ""

        return cls(read("HTTPS_PROXY"), read("HTTP_PROXY"), read("NO_PROXY"))

    def before(self, scheme: str, host: str, port: int) -> tuple[str, str]:
        """What names the proxy for this host, and its URL as written; both empty when the host is
        reached directly.
        """
        url = self.https if scheme == "https" else self.http
        if not url or self._excepts(host.lower(), port):
            return "", ""
        return self.source or f"{scheme.upper()}_PROXY", url

    def of(self, url: Url) -> Proxy | None:
        """The proxy through which to ask for this; None when it is asked for directly."""
        _, text = self.before(url.scheme, url.host, url.port)
        return Proxy.parse(text) if text else None

    def _excepts(self, host: str, port: int) -> bool:
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        return any(_covers(entry, address or host, str(port)) for entry in self._exceptions())

    def _exceptions(self) -> Iterator[str]:
        return filter(None, (entry.strip().lower() for entry in self.no_proxy.split(",")))


NO_PROXIES = Proxies()


def _covers(entry: str, host: _Address | str, port: str) -> bool:
    """Whether an exception is for this host."""
    if entry == "*":
        return True
    if _CIDR.fullmatch(entry) and (network := _network(entry)) is not None:
        return not isinstance(host, str) and host in network
    name, wanted = entry, ""
    if found := _HOST_AND_PORT.fullmatch(entry):
        name, wanted = found[1] or found[2] or "", found[3]
    if not name or wanted not in {"", port}:
        return False
    address = _address(name)
    if address is not None or not isinstance(host, str):
        return address == host
    return _is_below(host, name.removeprefix("*") if name.startswith("*.") else name)


def _is_below(host: str, domain: str) -> bool:
    """`.a.b` is all below a domain, `a.b` the domain as well."""
    if domain.startswith("."):
        return host.endswith(domain)
    return host == domain or host.endswith(f".{domain}")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> _Address | None:
    """IPv4 that is written as IPv6 is IPv4, as in Go."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
