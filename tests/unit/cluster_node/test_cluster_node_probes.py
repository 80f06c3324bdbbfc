"""Probes and hooks: how a container is asked whether it is well, and told what is coming."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.simulated_provider import SimulatedProvider
from tests.unit.cluster_node.node_world import World, container, messages, play, pod

from towline.cluster.node.probe_tally import Tally
from towline.cluster.node.probing import Answer, ProbeBroken, Target, ask
from towline.cluster.node.provider import ContainerId
from towline.kube.pod import Container
from towline.kube.probe import ContainerPort, HttpGet, HttpHeader, Probe, TcpSocket

TRUE = {"exec": {"command": ["true"]}}


def test_answers_count_when_there_are_enough_in_a_row() -> None:
    """Two failures of three are nothing; a success begins anew."""
    probe = Probe(failure_threshold=3, success_threshold=2)
    tally = Tally(verdict=True)
    verdicts = []
    for success in (False, False, True, False, False, False, True, True):
        tally = tally.heard(probe, success=success)
        verdicts.append(tally.verdict)

    assert verdicts == [True, True, True, True, True, False, False, True]


def test_a_container_is_ready_when_its_readiness_probe_says_so() -> None:
    """Unready at first, unready again after three failures; it is never restarted for that."""

    async def scenario(world: World) -> None:
        world.provider.execute_codes = [1, 0, 1, 1, 1, 0]
        await world.apply(pod("a", container(readinessProbe=TRUE | {"periodSeconds": 10})))
        await world.until_phase("a", "Running")
        ready = []
        for _ in range(6):
            await asyncio.sleep(10)
            ready.append((await world.condition("a", "Ready"))["status"])

        assert ready == ["True", "True", "True", "False", "True", "True"]
        assert "Unhealthy: Readiness probe failed: code 1" in messages(world.events("a"))
        assert (await world.status("a"))["restartCount"] == 0

    play(scenario)


def test_a_container_that_fails_its_liveness_probe_is_restarted() -> None:
    """Three times Unhealthy, then Killing in the kubelet's words, then another run."""

    async def scenario(world: World) -> None:
        world.provider.execute_codes = [0, 1, 1, 1]
        await world.apply(pod("a", container(livenessProbe=TRUE)))
        await world.until_phase("a", "Running")
        await asyncio.sleep(45)
        events = messages(world.events("a"))

        assert "Unhealthy: Liveness probe failed: code 1" in events
        assert "Killing: Container web failed liveness probe, will be restarted" in events
        assert (await world.status("a"))["restartCount"] == 1
        assert world.provider.running() == ["web"]

    play(scenario)


def test_until_the_startup_probe_succeeds_nothing_else_is_asked() -> None:
    """And the container does not count as started or ready."""

    async def scenario(world: World) -> None:
        world.provider.execute_codes = [1, 1, 0]
        startup = {"exec": {"command": ["up"]}, "periodSeconds": 5, "failureThreshold": 10}
        live = {"exec": {"command": ["live"]}, "periodSeconds": 5}
        await world.apply(pod("a", container(startupProbe=startup, livenessProbe=live)))
        await world.until_phase("a", "Running")
        await asyncio.sleep(6)

        assert world.provider.executed == [("up",), ("up",)]
        assert not (await world.status("a"))["started"]
        await asyncio.sleep(6)
        assert world.provider.executed[2:4] == [("up",), ("live",)]
        assert (await world.status("a"))["started"]
        assert (await world.status("a"))["ready"]

    play(scenario)


def test_a_container_that_does_not_start_up_is_killed() -> None:
    """After as many failures as its startup probe allows."""

    async def scenario(world: World) -> None:
        world.provider.execute_codes = [1, 1]
        startup = TRUE | {"periodSeconds": 5, "failureThreshold": 2}
        await world.apply(pod("a", container(startupProbe=startup)))
        await world.until_phase("a", "Running")
        await asyncio.sleep(20)

        told = messages(world.events("a"))
        assert "Killing: Container web failed startup probe, will be restarted" in told
        assert (await world.status("a"))["restartCount"] == 1

    play(scenario)


def test_a_stop_waits_for_its_hook_within_the_grace_period() -> None:
    """What the hook took is taken from the time for the signal."""

    async def scenario(world: World) -> None:
        hooks = {"preStop": {"sleep": {"seconds": 7}}}
        await world.apply(pod("a", container(lifecycle=hooks)))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=30)
        took = await world.until_gone("a")

        assert 7 <= took < 8
        [(_, grace)] = world.provider.stops
        assert 22.5 < grace <= 23

    play(scenario)


def test_a_hook_that_takes_too_long_is_cut_short() -> None:
    """The signal comes with the two seconds that are always left for it."""

    async def scenario(world: World) -> None:
        hooks = {"preStop": {"sleep": {"seconds": 700}}}
        await world.apply(pod("a", container(lifecycle=hooks)))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=10)
        took = await world.until_gone("a")

        assert 10 <= took < 11
        assert [grace for _, grace in world.provider.stops] == [2.0]

    play(scenario)


def test_a_failed_hook_after_the_start_ends_the_run() -> None:
    """FailedPostStartHook, killed, and tried again."""

    async def scenario(world: World) -> None:
        world.provider.execute_codes = [3]
        hooks = {"postStart": {"exec": {"command": ["warm", "up"]}}}
        await world.apply(pod("a", container(lifecycle=hooks)))
        await world.until_phase("a", "Running")
        await asyncio.sleep(3)
        told = messages(world.events("a"))

        assert (
            "FailedPostStartHook: PostStartHook failed: command 'warm up' exited with 3: code 3"
            in told
        )
        assert "Killing: FailedPostStartHook" in told
        assert (await world.status("a"))["restartCount"] == 1

    play(scenario)


Reply = Callable[[str], bytes]


@asynccontextmanager
async def web(reply: Reply) -> AsyncIterator[int]:
    """An HTTP server that answers as it is told, on a port of its own."""
    answering = list[asyncio.Task[Any] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.append(asyncio.current_task())
        head = b""
        while b"\r\n\r\n" not in head and (more := await reader.read(1000)):
            head += more
        if answer := reply(head.decode()):
            writer.write(answer)
            await writer.drain()
        else:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait([task for task in answering if task])


def target(port: int) -> Target:
    """A container on this host."""
    ports = (ContainerPort(container_port=port, name="http"),)
    spec = Container(name="web", ports=ports)
    return Target(ContainerId("uid", "web", 0), spec, "127.0.0.1")


def provider() -> SimulatedProvider:
    """Its sockets are this host's."""
    return SimulatedProvider(lambda: 0.0)


@pytest.mark.parametrize(
    ("status", "success", "output"),
    [
        pytest.param(b"200 OK", True, "", id="well"),
        pytest.param(b"302 Found", True, "", id="elsewhere"),
        pytest.param(b"503 Busy", False, "HTTP probe failed with statuscode: 503", id="not now"),
    ],
)
async def test_a_request_is_a_success_from_200_to_399(
    status: bytes, success: bool, output: str
) -> None:
    """Asked over a real socket, as the kubelet asks: user agent, headers and a named port."""
    heads = []

    def reply(head: str) -> bytes:
        heads.append(head)
        return b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nLocation: /x\r\n\r\n"

    header = HttpHeader(name="X-Who", value="probe")
    async with web(reply) as port:
        request = HttpGet(path="/healthz?full=1", port="http", http_headers=(header,))
        answer = await ask(provider(), target(port), Probe(http_get=request))

    assert answer == Answer(success, output)
    assert heads[0].startswith("GET /healthz?full=1 HTTP/1.1\r\n")
    assert "User-Agent: kube-probe/1.33" in heads[0]
    assert "X-Who: probe" in heads[0]


async def test_a_server_that_is_silent_fails_in_gos_words() -> None:
    """The probe's own time is kept."""
    async with web(lambda _: b"") as port:
        answer = await ask(provider(), target(port), Probe(http_get=HttpGet(port=port)))

    assert answer == Answer(
        success=False,
        output=f'Get "http://127.0.0.1:{port}/": context deadline exceeded '
        "(Client.Timeout exceeded while awaiting headers)",
    )


async def test_a_closed_port_fails_in_gos_words() -> None:
    """A request and a connection say the same thing."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        request = await ask(provider(), target(port), Probe(http_get=HttpGet(port=port)))
        connection = await ask(provider(), target(port), Probe(tcp_socket=TcpSocket(port=port)))

    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert request.output == f'Get "http://127.0.0.1:{port}/": {refused}'
    assert connection.output == refused


async def test_a_connection_that_is_made_is_a_success() -> None:
    """Nothing has to be said over it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        probe = Probe(tcp_socket=TcpSocket(port=port))

        assert (await ask(provider(), target(port), probe)).success


@pytest.mark.parametrize(
    "probe",
    [
        pytest.param(Probe(), id="nothing to do"),
        pytest.param(Probe(tcp_socket=TcpSocket(port="none")), id="no port of that name"),
    ],
)
async def test_a_question_that_cannot_be_put_has_no_answer(probe: Probe) -> None:
    """It counts neither for nor against the container."""
    with pytest.raises(ProbeBroken):
        await ask(provider(), target(80), probe)


def test_probe_fields_of_every_kind_are_read() -> None:
    """From the API's JSON."""
    content: dict[str, Any] = {"name": "x", "readinessProbe": {"httpGet": {"port": "http"}}}

    async def scenario(world: World) -> None:
        await world.apply(pod("a", container() | content | {"ports": [{"containerPort": 80}]}))
        await asyncio.sleep(5)

        assert any("couldn't find port: http" in one for one in messages(world.events("a")))

    play(scenario)
