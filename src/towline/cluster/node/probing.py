"""Asks a container whether it is well: a request, a connection or a command, from inside its pod.

The words are those of the kubelet and of Go's `net/http`, which people search for. Looked at for
the request: aiohttp's client, with a socket of the pod's network; nothing had to be written by hand.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from towline.cluster.node.provider import ContainerId, Reach, StartFailed
from towline.kube.pod import Container
from towline.kube.probe import Exec, HttpGet, Probe, TcpSocket

_AGENT = "kube-probe/1.33"
_MAX_OUTPUT = 10 * 1024  # bytes, pkg/kubelet/prober: maxRespBodyLength


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe heard."""

    success: bool
    output: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The container that is asked."""

    id: ContainerId
    container: Container
    address: str
    """Its pod's."""

    def port(self, wanted: int | str) -> int:
        """A port by its number or name; raises ValueError."""
        if isinstance(wanted, int):
            return wanted
        for port in self.container.ports:
            if port.name == wanted:
                return port.container_port
        return int(wanted)


class ProbeBroken(Exception):
    """The question could not be put; the answer is not known."""


async def ask(reach: Reach, target: Target, probe: Probe) -> Answer:
    """Ask once, within the probe's own time; raises `ProbeBroken`."""
    seconds = float(probe.timeout_seconds)
    if probe.exec is not None:
        return await _execute(reach, target, probe.exec, seconds)
    if probe.http_get is not None:
        return await _request(reach, target, probe.http_get, seconds)
    if probe.tcp_socket is not None:
        return await _connect(reach, target, probe.tcp_socket, seconds)
    raise ProbeBroken(f"missing probe handler for {target.container.name}")


async def get(reach: Reach, target: Target, request: HttpGet, seconds: float) -> Answer:
    """A request on behalf of a hook; raises `ProbeBroken`."""
    return await _request(reach, target, request, seconds)


async def _execute(reach: Reach, target: Target, command: Exec, seconds: float) -> Answer:
    try:
        async with asyncio.timeout(seconds):
            done = await reach.execute(target.id, command.command)
    except TimeoutError:
        text = f"command timed out: {' '.join(command.command)!r} timed out after {seconds:g}s"
        return Answer(success=False, output=text)
    except StartFailed as error:
        raise ProbeBroken(str(error)) from error
    return Answer(success=done.code == 0, output=done.output)


async def _connect(reach: Reach, target: Target, wanted: TcpSocket, seconds: float) -> Answer:
    host, port = wanted.host or target.address, _port(target, wanted.port)

    async def connect() -> Answer:
        with await reach.socket(target.id.pod_uid) as made:
            await asyncio.get_running_loop().sock_connect(made, (host, port))
        return Answer(success=True)

    return await _within(seconds, connect, f"dial tcp {host}:{port}: ")


async def _within(seconds: float, work: Callable[[], Awaitable[Answer]], prefix: str) -> Answer:
    try:
        async with asyncio.timeout(seconds):
            return await work()
    except TimeoutError:
        return Answer(success=False, output=f"{prefix}i/o timeout")
    except OSError as error:
        return Answer(success=False, output=f"{prefix}connect: {_go_text(error)}")


async def _request(reach: Reach, target: Target, wanted: HttpGet, seconds: float) -> Answer:
    host, port = wanted.host or target.address, _port(target, wanted.port)
    url = f"{wanted.scheme.lower()}://{host}:{port}/{wanted.path.removeprefix('/')}"
    try:
        async with asyncio.timeout(seconds):
            made = await reach.socket(target.id.pod_uid)
            return await _fetch(made, url, wanted)
    except TimeoutError:
        cause = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    except aiohttp.ClientConnectorError as error:
        cause = f"dial tcp {host}:{port}: connect: {_go_text(error.os_error)}"
    except (aiohttp.ClientError, OSError) as error:
        cause = "EOF" if isinstance(error, aiohttp.ServerDisconnectedError) else str(error)
    return Answer(success=False, output=f'Get "{url}": {cause}')


async def _fetch(made: socket.socket, url: str, wanted: HttpGet) -> Answer:
    headers = {"User-Agent": _AGENT, "Accept": "*/*", "Connection": "close"}
    headers |= {header.name: header.value for header in wanted.http_headers}
    with made:
        connector = aiohttp.TCPConnector(ssl=_any_certificate(), socket_factory=lambda _: made)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            await answer.content.read(_MAX_OUTPUT)
            if 200 <= answer.status < 400:
                return Answer(success=True)
            text = f"HTTP probe failed with statuscode: {answer.status}"
            return Answer(success=False, output=text)


def _any_certificate() -> ssl.SSLContext:
    """The kubelet does not check whose certificate a probe meets."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _port(target: Target, wanted: int | str) -> int:
    try:
        return target.port(wanted)
    except ValueError as error:
        raise ProbeBroken(f"couldn't find port: {wanted}") from error


def _go_text(error: OSError) -> str:
    """An error of the kernel as Go writes it."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
