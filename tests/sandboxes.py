"""Sandboxes for tests: real namespaces with nothing but a loopback, and registries inside them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from aiohttp import web
from tests.certificates import Issued
from tests.images import MadeImage
from tests.registries import ScriptedRegistry

from towline.cluster.node.provider import ContainerId, ContainerSpec, Image, PodIdentity
from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT
from towline.linux import network_namespace
from towline.linux.cgroups import Cgroups
from towline.linux.ledger import Ledger
from towline.linux.mounts import mounts_below
from towline.linux.oci_runtime import state_folder
from towline.linux.runtime_process import runtime_processes
from towline.linux.sweep import sweep
from towline.network.name import Names
from towline.pull.keyring import Keyring
from towline.pull.progress import NoProgress
from towline.sandbox.provider import Sandbox
from towline.sandbox.settings import SandboxSettings


@dataclass(frozen=True, slots=True)
class LoopbackNetwork:
    """Gives each pod a namespace of its own that leads nowhere."""

    names: Names

    async def attach(self, uid: str, subnet_id: str, pod: PodIdentity | None = None) -> str:
        """Make the namespace; the address follows from the uid."""
        network_namespace.create(self.names.pod(uid))
        return _address(uid)

    async def detach(self, uid: str) -> None:
        """Remove it."""
        network_namespace.delete(self.names.pod(uid))

    def standing(self) -> Mapping[str, str]:
        """What the kernel has."""
        prefix = self.names.pod("")
        names = filter(network_namespace.stands, network_namespace.names(prefix))
        return {uid: _address(uid) for uid in (name.removeprefix(prefix) for name in names)}

    def namespace_path(self, uid: str) -> Path:
        """Its file."""
        return network_namespace.path_of(self.names.pod(uid))

    def nameservers(self, uid: str) -> tuple[str, ...]:
        """A name server that nobody reaches."""
        return ("183.60.83.19",)


def _address(uid: str) -> str:
    return f"10.77.0.{int(sha256(uid.encode()).hexdigest()[:4], 16) % 250 + 1}"


@dataclass(frozen=True, slots=True)
class World:
    """One installation's sandbox on this machine."""

    ledger: Ledger
    network: LoopbackNetwork
    settings: SandboxSettings

    @classmethod
    def below(cls, folder: Path, runtime: str = "crun") -> World:
        """Everything in a test's own folder, under names that follow from it."""
        ledger = Ledger.open(folder / "ledger.json", folder / "sandbox")
        settings = SandboxSettings(
            ledger.folder,
            folder / "layers",
            ledger.cgroup,
            ledger.ropes_cgroup,
            dial_timeout=2,
            runtimes=(runtime,),
        )
        return cls(ledger, LoopbackNetwork(ledger.names), settings)

    def left(self) -> list[str]:
        """What of pods is on the machine: namespaces, mounts, groups and processes."""
        machine = Cgroups.of_machine()
        return [
            *network_namespace.names(self.ledger.names.prefix),
            *map(str, mounts_below(self.ledger.folder / "pods")),
            *map(str, mounts_below(self.ledger.folder / "layers")),
            *(str(each) for each in machine.folders(f"{self.ledger.cgroup}/{UID}")),
            *(str(each.pid) for each in runtime_processes(state_folder(self.ledger.folder))),
        ]

    @contextlib.asynccontextmanager
    async def registry(
        self,
        uid: str,
        served: MadeImage | ScriptedRegistry,
        port: int = 0,
        certificate: Issued | None = None,
    ) -> AsyncIterator[ScriptedRegistry]:
        """A registry on the loopback of a pod that is open."""
        registry = ScriptedRegistry(served) if isinstance(served, MadeImage) else served
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", registry.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        sock = network_namespace.listen(self.ledger.names.pod(uid), "127.0.0.1", port)
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
        await web.SockSite(runner, sock, ssl_context=context).start()
        registry.address = f"127.0.0.1:{sock.getsockname()[1]}"
        try:
            yield registry
        finally:
            for connection in runner.server.connections if runner.server else ():
                if connection.transport is not None:
                    connection.transport.abort()  # TLS waits half a minute for a farewell
            await runner.cleanup()


def output(log: Path) -> str:
    """What was written, from a log in CRI format."""
    lines = (line.split(" ", 3) for line in log.read_text().splitlines())
    return "".join(text + ("\n" if tag == "F" else "") for _, _, tag, text in lines)


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  # of another process there is no event
            await asyncio.sleep(0.01)


UID = "0b5c9e8e-0000-4000-8000-000000000001"
ANYBODY = Keyring(())


def identity(uid: str = UID, **annotations: str) -> PodIdentity:
    """A pod that reaches every registry over plain HTTP."""
    policy = {REGISTRY_HTTP_ENDPOINT: "all", **annotations}
    return PodIdentity(uid, "demo", "web", "subnet-1", "web-host", policy)


def container(image: Image, *args: str, name: str = "main", attempt: int = 0) -> ContainerSpec:
    """A container that runs a shell's words, or what the image says when there are none."""
    words = ("/bin/sh", "-c", *args) if args else None
    return ContainerSpec(ContainerId(UID, name, attempt), image, command=words)


@dataclass(frozen=True, slots=True)
class Stage:
    """An open pod that has pulled an image."""

    world: World
    sandbox: Sandbox
    image: Image

    async def run(self, *words: str, **changes: object) -> tuple[int, str]:
        """Run a container to its end: its code, and its output without times."""
        spec = replace(container(self.image, *words), **changes)  # type: ignore[arg-type]  # by name
        await self.sandbox.start(spec)
        ended = await self.sandbox.wait(spec.id)
        return ended.code, output(self.sandbox.log(spec.id))


@contextlib.asynccontextmanager
async def staged(folder: Path, runtime: str, made: MadeImage) -> AsyncIterator[Stage]:
    """A stage that is swept in the end."""
    world = World.below(folder, runtime)
    try:
        async with Sandbox(world.network, world.settings) as sandbox:
            await sandbox.open(identity())
            async with world.registry(UID, made) as registry:
                pulled = await sandbox.pull(UID, f"{registry.address}/app", ANYBODY, NoProgress())
            yield Stage(world, sandbox, pulled)
    finally:
        sweep(world.ledger)
