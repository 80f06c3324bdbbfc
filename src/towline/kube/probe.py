"""Probes and hooks: how a container is asked whether it is well, and told what is coming."""

from __future__ import annotations

import msgspec


class _Word(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Read-only, with names as Python writes them."""


class ContainerPort(_Word, frozen=True, kw_only=True):
    """A port that a container says it listens on; probes may call it by its name."""

    container_port: int
    name: str = ""


class HttpHeader(_Word, frozen=True, kw_only=True):
    """One header of a request."""

    name: str
    value: str = ""


class HttpGet(_Word, frozen=True, kw_only=True):
    """A request; an answer from 200 to 399 is a success."""

    path: str = "/"
    port: int | str
    host: str = ""
    scheme: str = "HTTP"
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocket(_Word, frozen=True, kw_only=True):
    """A connection; making it is the success."""

    port: int | str
    host: str = ""


class Exec(_Word, frozen=True, kw_only=True):
    """A command inside the container; code 0 is a success."""

    command: tuple[str, ...] = ()


class Sleep(_Word, frozen=True, kw_only=True):
    """Doing nothing for a while."""

    seconds: int


class GrpcCheck(_Word, frozen=True, kw_only=True):
    """The gRPC health protocol."""

    port: int
    service: str = ""


class Handler(_Word, frozen=True, kw_only=True):
    """What is done; one of them is set."""

    exec: Exec | None = None
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    sleep: Sleep | None = None


class Probe(_Word, frozen=True, kw_only=True):
    """What is asked, how often, and how many answers count."""

    exec: Exec | None = None
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    grpc: GrpcCheck | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class Lifecycle(_Word, frozen=True, kw_only=True):
    """What is done when a container has begun, and before it is told to end."""

    post_start: Handler | None = None
    pre_stop: Handler | None = None
