"""What a probe saw on its way to one host: its name, its addresses, a proxy, TLS.

Plain data without judgement and without secrets. The registry, its token server and its blob store
each have a way of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NameOutcome(StrEnum):
    """How one name server answered one question."""

    ADDRESSES = "addresses"
    NXDOMAIN = "NXDOMAIN"
    NODATA = "NODATA"
    SERVFAIL = "SERVFAIL"
    REFUSED = "REFUSED"
    OTHER_CODE = "other"
    TIMED_OUT = "no answer"
    REJECTED = "connection refused"
    """No server listens there: an ICMP port-unreachable came back."""
    UNREACHABLE = "unreachable"
    """Our own kernel or a router says that there is no way to the server."""


@dataclass(frozen=True, slots=True)
class NameAnswer:
    """One question to one name server, and what came of it."""

    server: str
    """`address:port`."""
    name: str
    """As it was asked, search domain included, without the last dot."""
    kind: str
    """`A` or `AAAA`."""
    outcome: NameOutcome
    addresses: tuple[str, ...] = ()
    error: str = ""
    """`ECONNREFUSED`, `ENETUNREACH`, …; or the response code when it is a rare one."""
    over_tcp: NameOutcome | None = None
    """The same question over TCP port 53, asked only where UDP brought no answer."""


@dataclass(frozen=True, slots=True)
class DnsSeen:
    """How one host's name was looked up. An address needs no look-up: it is its own."""

    host: str
    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    hosts_line: str = ""
    """The line of the hosts file that answered, which then no server was asked about."""
    answers: tuple[NameAnswer, ...] = ()
    addresses: tuple[str, ...] = ()
    """What came of it all, IPv4 first."""
    is_address: bool = False


class DialOutcome(StrEnum):
    """How connecting to one address ended."""

    CONNECTED = "connected"
    TIMED_OUT = "timed out"
    REFUSED = "refused"
    NO_ROUTE = "no route to host"
    UNREACHABLE = "network is unreachable"
    PROHIBITED = "permission denied"
    BLACKHOLE = "invalid argument"
    """What a local route of the kind `blackhole` gives."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class IcmpSeen:
    """An ICMP error from the socket's error queue."""

    kind: str
    """`admin-prohibited`, `host-unreachable`, `port-unreachable`, …"""
    sender: str


@dataclass(frozen=True, slots=True)
class DialSeen:
    """One connection to one address."""

    address: str
    port: int
    outcome: DialOutcome
    error: str = ""
    """`ECONNREFUSED`, …"""
    icmp: IcmpSeen | None = None
    """Who refused it, when it was not the address itself."""
    own_firewall: bool = False
    """A UDP packet to the same address failed at once with EPERM: a rule on this side drops it."""
    local: str = ""
    """Our own address on this way."""
    seconds: float = 0.0


class ProxyOutcome(StrEnum):
    """How a CONNECT through a proxy ended."""

    CONNECTED = "connected"
    BAD_URL = "bad URL"
    """Its scheme is none that a runtime knows, or it names no host."""
    NO_ADDRESS = "its name has no address"
    NOT_REACHED = "not reached"
    TLS_FAILED = "TLS to the proxy failed"
    ANSWERED_NO = "answered with another status than 200"
    NO_ANSWER = "no answer"
    NOT_HTTP = "answered something else than HTTP"
    NOT_PROBED = "of a kind that is not looked at (SOCKS)"


@dataclass(frozen=True, slots=True)
class ProxySeen:
    """A proxy that stands before a host."""

    url: str
    """Without user and password."""
    variable: str
    """Which variable names it: `HTTPS_PROXY`."""
    outcome: ProxyOutcome
    status: int = 0
    reason: str = ""
    body: str = ""
    """The beginning of what it said with its no."""
    sent_credentials: bool = False
    dns: DnsSeen | None = None
    dials: tuple[DialSeen, ...] = ()
    direct: tuple[DialSeen, ...] = ()
    """The same host dialled without the proxy, when the proxy failed: would NO_PROXY help?"""


class TlsOutcome(StrEnum):
    """How a handshake ended, before anybody looked at the certificate."""

    SHAKEN = "shaken"
    TIMED_OUT = "timed out"
    HTTP_ANSWER = "an HTTP answer"
    NOT_TLS = "something that is not TLS"
    RESET = "reset"
    CLOSED = "closed"
    ALERT = "alert"
    FAILED = "failed"


class TrustOutcome(StrEnum):
    """What verifying the certificate gave; several may hold, they are all listed."""

    UNTRUSTED = "signed by nobody we know"
    SELF_SIGNED = "signed by itself"
    INCOMPLETE = "the intermediate certificate was not sent"
    NOT_PINNED = "another than the one that is pinned"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "for other names"
    COMMON_NAME_ONLY = "has the name only as common name"
    NO_ADDRESS_NAMES = "names no addresses"


@dataclass(frozen=True, slots=True)
class CertificateSeen:
    """A certificate of the chain that a server sent."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """DNS names and addresses it is good for."""
    common_name: str
    not_before: int
    not_after: int
    """Seconds of Unix time."""
    sha256: str
    issuer_url: str = ""
    """Where the issuer's certificate can be had (AIA)."""


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """A handshake, and what was tried when it failed."""

    host: str
    peer: str
    """`address:port`."""
    outcome: TlsOutcome
    version: str = ""
    """`TLSv1.3`."""
    alert: str = ""
    """OpenSSL's name of the server's alert, in lower case: `protocol version`, …"""
    problems: tuple[TrustOutcome, ...] = ()
    """Empty for a certificate that a Go client accepts."""
    chain: tuple[CertificateSeen, ...] = ()
    ca_file: str = ""
    """Whom the vantage trusts beside the machine's authorities."""
    clock: int = 0
    """Our own Unix time."""
    server_clock: int | None = None
    """Unix time by the server's Date header."""
    versions: tuple[str, ...] = ()
    """The versions a handshake passes with, looked at when the version was refused."""
    wants_certificate: bool = False
    """The server asks for a certificate of the client and ends the connection without one."""
    small_segments_pass: bool | None = None
    """With segments of 400 bytes at most the handshake passes: the path drops big packets."""
    plain_status: int | None = None
    """The status that a plain `GET /v2/` got on a new connection."""
    plain_body: str = ""
    banner: str = ""
    """What a server that is not TLS said first."""
    other_name_passes: bool | None = None
    """The handshake passes with another server name: something looks at the name."""
    refused_before_hello: bool = False
    """The connection ended before we had said anything."""

    @property
    def accepted(self) -> bool:
        """Whether a Go client would go on."""
        return (
            self.outcome is TlsOutcome.SHAKEN and not self.problems and not self.wants_certificate
        )


@dataclass(frozen=True, slots=True)
class PathSeen:
    """The way to one host, up to where bytes can be exchanged: as far as it was gone."""

    host: str
    port: int
    scheme: str
    """`https` or `http`, as the policy has it."""
    dns: DnsSeen | None = None
    proxy: ProxySeen | None = None
    dials: tuple[DialSeen, ...] = ()
    tls: TlsSeen | None = None
    verified: bool = True
    """False where the policy says that the certificate is not looked at."""

    @property
    def authority(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def passed(self) -> bool:
        """Whether requests can be made on it."""
        if self.proxy is not None and self.proxy.outcome is not ProxyOutcome.CONNECTED:
            return False
        dialled = self.proxy is not None or any(
            dial.outcome is DialOutcome.CONNECTED for dial in self.dials
        )
        if self.scheme == "http" or self.tls is None:
            return dialled and self.scheme == "http"
        shaken = self.tls.outcome is TlsOutcome.SHAKEN and not self.tls.wants_certificate
        return dialled and shaken and (not self.verified or self.tls.accepted)
