"""A situation: what is wrong with the world, and the code that is true of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tests.laboratory.certificate_kind import Certificate
from tests.laboratory.faulty_registry import PASSWORD, USERNAME, Registry
from tests.laboratory.http_service import Service
from tests.laboratory.landscape import Way
from tests.laboratory.name_service import Resolver
from tests.laboratory.real_registry import RealRegistry

from towline.pull.keyring import Login

HEALTHY = ""
KEY = Login(USERNAME, PASSWORD)
WRONG_KEY = Login(USERNAME, "battery-staple")


class Named(StrEnum):
    """What the name servers say of a host."""

    HERE = "its address"
    NOT = "that there is no such name"
    EMPTY = "that the name has no address"
    LOOPBACK = "127.0.0.1"
    ZERO = "0.0.0.0"
    IPV6 = "2001:db8::5"


@dataclass(frozen=True, slots=True)
class ConnectingProxy:
    """Stands in a host for a proxy that connects, which has to know where everybody is."""


@dataclass(frozen=True, slots=True)
class Host:
    """A server, and the way to it."""

    service: Service | Registry | RealRegistry | ConnectingProxy | None = None
    """None: nobody listens there."""
    certificate: Certificate | None = Certificate.GOOD
    """None: it does not speak TLS."""
    way: Way = Way.OPEN
    named: Named = Named.HERE
    also: tuple[str, ...] = ()
    """Other addresses that its name has, and that nobody answers at: they are named first."""
    port: int = 443
    public: bool = False


@dataclass(frozen=True, slots=True)
class ProxyHost:
    """A proxy, which answers every CONNECT with this status; with 0 nobody listens there.

    With 200 it connects.
    """

    status: int
    url: str = "http://{proxy}"
    way: Way = Way.OPEN
    named: bool = True
    """Whether its name is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One thing that goes wrong, or nothing."""

    name: str
    code: str
    registry: Host = field(default_factory=lambda: Host(Registry()))
    token: Host | None = None
    """A host of its own for the token server."""
    blobs: Host | None = None
    """A host of its own for layers, with the registry's content."""
    image: str = "{here}/team/app:1.0"
    login: Login | None = None
    login_for: str = "{here}"
    more_logins: tuple[tuple[str, Login], ...] = ()
    """Other keys, each with what it is for."""
    plain_http: str = ""
    unverified: str = ""
    resolver: Resolver = Resolver.HONEST
    before: Resolver | None = None
    """Another name server, which is asked first."""
    hosts: str = ""
    """A line of the client's hosts file."""
    proxy: ProxyHost | None = None
    no_proxy: str = ""
    platform: str = "linux/amd64"
    clock: int = 0
    """By how many seconds the client's clock is off."""
    disk: str = ""
    """Options of a small tmpfs that images are kept on."""
    said: str = ""
    """What the runtime says, where our own cannot have this fault. `{here}` and the other words are
    replaced."""
    client: str = "containerd"
    """Who says it."""
    probed: bool = True
    """Whether the fault is there still when it is looked for."""
    also: tuple[str, ...] = ()
    """Other codes that are as right, where one fault has two names."""
