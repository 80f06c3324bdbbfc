"""What a pull needs of the network, and what the network may answer.

`Wire` is implemented by sockets inside a pod's network namespace, and by scripted scenarios in
tests. Faults are data: their words, which are Go's because containerd prints them, live in
`towline.pull.message` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol
from urllib.parse import urljoin, urlsplit


class Trouble(StrEnum):
    """All ways in which the network fails a request."""

    NO_SUCH_HOST = "no such host"
    LOOKUP_TIMED_OUT = "lookup timed out"
    LOOKUP_REFUSED = "lookup refused"
    LOOKUP_FAILED = "the name server failed"
    TIMED_OUT = "timed out"
    REFUSED = "connection refused"
    NO_ROUTE = "no route to host"
    NETWORK_UNREACHABLE = "network unreachable"
    DIAL_FAILED = "dial failed"
    HTTP_ANSWER = "answered HTTP to a TLS client"
    NOT_TLS = "answered something that is not TLS"
    HANDSHAKE_TIMED_OUT = "TLS handshake timed out"
    UNKNOWN_AUTHORITY = "certificate signed by unknown authority"
    WRONG_NAME = "certificate is for another name"
    NO_NAMES = "certificate names nothing"
    NO_ADDRESS_NAMES = "certificate names no addresses"
    LEGACY_NAME = "certificate has only a common name"
    EXPIRED = "certificate is not valid now"
    NOT_PINNED = "certificate is not the one that is pinned"
    TLS_ALERT = "the server refused the handshake"
    TLS_FAILED = "TLS failed"
    RESET = "connection reset"
    CLOSED = "connection closed too early"
    STALLED = "no more bytes came"
    MALFORMED = "answer is not HTTP"
    PROXY_SAID_NO = "the proxy said no"
    PROXY_SILENT = "the proxy did not answer"
    PROXY_UNUSABLE = "the proxy's address is no proxy's"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happened, to what. `subject` is a host name in look-ups, else `address:port`."""

    trouble: Trouble
    subject: str
    server: str = ""
    """The name server that was asked, as `address:port`; empty when the machine's own way was used.
    """
    local: str = ""
    """Our own end of the connection, as `address:port`."""
    detail: str = ""
    """What else the words need: the certificate's names, the alert, the clock."""
    proxy: str = ""
    """The address of a proxy, when it was met on the way to it and not behind it."""


class WireFailed(Exception):
    """The network failed a request."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.subject}: {fault.trouble.value}")
        self.fault = fault


class Transport(StrEnum):
    """How a registry is spoken to."""

    TLS = "https"
    TLS_UNVERIFIED = "https, any certificate"
    PLAIN = "http"
    TLS_OR_PLAIN = "https, or http if that is what answers"
    """For registries on the machine's own loopback only, as docker does it."""


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute HTTP address, taken apart once."""

    scheme: str
    authority: str
    """`host[:port]` as it was written: error texts repeat it so."""
    host: str
    """Without brackets and port."""
    port: int
    target: str
    """Path and query."""

    @classmethod
    def parse(cls, text: str) -> Url | None:
        """Read `http[s]://host[:port]/…`; None for anything else, a user name included."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            return None
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
            return None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        port = port or _PORTS[parts.scheme]
        return cls(parts.scheme, parts.netloc, parts.hostname, port, target)

    def join(self, location: str) -> Url | None:
        """Where a `Location` header leads from here."""
        return Url.parse(urljoin(str(self), location))

    def with_target(self, target: str) -> Url:
        """Another path and query on the same server."""
        return replace(self, target=target)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


_PORTS = {"http": 80, "https": 443}


class Upload(Protocol):
    """Content that need not be in memory, and can be read again when a request is repeated."""

    def __len__(self) -> int:
        """How many bytes there are."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The bytes from the beginning, in pieces. Read in the thread that sends them."""
        ...


Content = bytes | Upload


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `headers` name neither host nor length. `CONNECT` asks for the URL's host and
    port (RFC 9110 §9.3.6): once it is answered with 200, the line leads there.
    """

    method: str
    url: Url
    headers: tuple[tuple[str, str], ...] = ()
    content: Content = b""
    names_host: bool = False
    """It is asked of a proxy, which has to read the whole URL (RFC 9112 §3.2.2)."""

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url})"  # headers and content may hold secrets


class Body(Protocol):
    """The bytes of an answer. Reading blocks: it is done in the thread that needs the bytes."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Read some bytes; 0 at the end. Raises `WireFailed` when the connection breaks."""
        ...

    def close(self) -> None:
        """Give up the connection; a reader in another thread is woken with `WireFailed`."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an HTTP answer, and its body still to be read."""

    status: int
    reason: str
    headers: Mapping[str, tuple[str, ...]]
    """By lower-case name."""
    body: Body = field(repr=False)
    length: int | None = None
    """What `Content-Length` says."""
    reusable: bool = False
    """Whether the line may carry another request once the body has been read."""

    def header(self, name: str) -> str:
        """The first header of this lower-case name, or nothing."""
        return self.headers.get(name, ("",))[0]

    @property
    def status_line(self) -> str:
        """`404 Not Found`."""
        return f"{self.status} {self.reason}".rstrip()


class Line(Protocol):
    """A connection to one address."""

    @property
    def peer(self) -> str:
        """`address:port` of the other end."""
        ...

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the other side's certificate, in hex; empty where no TLS is spoken."""
        ...

    def close(self) -> None:
        """Hang up. Doing it twice is the same as once."""
        ...


class Wire(Protocol):
    """The network as one puller sees it. Everything raises `WireFailed`, and nothing else about the
    network.
    """

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The addresses of a name, in the order in which to try them; an address is its own."""
        ...

    async def dial(self, address: str, port: int) -> Line:
        """Connect."""
        ...

    async def secure(self, line: Line, host: str, transport: Transport) -> Line:
        """Speak TLS on the line, and verify the other side unless the transport says otherwise."""
        ...

    async def send(self, line: Line, request: Request) -> Answer:
        """Ask, and wait for the head of the answer."""
        ...

    async def read(self, body: Body, limit: int) -> bytes:
        """The bytes of a body up to a limit."""
        ...

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        ...
