"""A pod pulls from its own network with its own policy and credentials, and an image that reaches
out of its root gets nowhere.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web
from tests.certificates import Wish, issue
from tests.images import (
    MadeImage,
    busybox_tar,
    directory,
    file,
    hard_link,
    image,
    special,
    symlink,
    tar,
)
from tests.registries import ScriptedRegistry, docker_registry, put_image, silence
from tests.sandboxes import ANYBODY, UID, World, container, identity, output, until

from towline.cluster.node.provider import Image
from towline.kube.annotations import REGISTRY_INSECURE_SKIP_VERIFY
from towline.linux.namespace_socket import SocketMaker
from towline.linux.sweep import sweep
from towline.oci.digest import Digest
from towline.pull.attempt import PullFailed
from towline.pull.keyring import Keyring
from towline.pull.progress import NoProgress
from towline.sandbox.provider import Sandbox

pytestmark = pytest.mark.root
BUSYBOX = image(busybox_tar())
OTHER = UID.replace("1", "2")
CANARY = "nobody may change this"


@dataclass(frozen=True, slots=True)
class Stage:
    """A sandbox with an open pod."""

    world: World
    sandbox: Sandbox

    async def pull(self, made: MadeImage | ScriptedRegistry, keyring: Keyring = ANYBODY) -> Image:
        """Pull an image from a registry on the pod's loopback."""
        async with self.world.registry(UID, made) as registry:
            return await self.sandbox.pull(
                UID, f"{registry.address}/team/app", keyring, NoProgress()
            )

    async def refusal(self, made: MadeImage | ScriptedRegistry) -> str:
        """Why an image cannot be pulled; nothing of it may be left."""
        with pytest.raises(PullFailed) as caught:
            await self.pull(made)
        (pod,) = await self.sandbox.inventory()
        assert pod.images == ()
        partial = self.world.settings.layers / "partial"
        assert all(path.is_dir() for path in partial.iterdir())  # but what others may go on with
        return str(caught.value)

    async def run(self, pulled: Image, *words: str) -> tuple[int, str]:
        """Run a shell's words to their end: code and output."""
        wanted = container(pulled, *words)
        await self.sandbox.start(wanted)
        ended = await self.sandbox.wait(wanted.id)
        return ended.code, output(self.sandbox.log(wanted.id))

    def layers(self) -> set[str]:
        """The digits of the layers that are here."""
        return {path.name for path in (self.world.settings.layers / "sha256").iterdir()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An installation that is swept in the end."""
    made = World.below(tmp_path)
    yield made
    sweep(made.ledger)


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    """With a pod that speaks plain HTTP to everybody."""
    async with Sandbox(world.network, world.settings) as sandbox:
        await sandbox.open(identity())
        yield Stage(world, sandbox)


@contextmanager
def debians_registry(folder: Path, netns: Path) -> Iterator[str]:
    """Debian's docker-registry inside a namespace, with busybox in it."""
    with docker_registry(folder) as outside:
        put_image(outside, "team/app", "latest", BUSYBOX)
    environment = {
        **os.environ,
        "REGISTRY_HTTP_ADDR": "127.0.0.1:5000",
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(folder / "registry"),
        "OTEL_TRACES_EXPORTER": "none",
    }
    command = ["nsenter", f"--net={netns}", "docker-registry", "serve", str(folder / "config.yml")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield "127.0.0.1:5000"
        finally:
            process.terminate()


def names_in(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def listens(netns: Path, port: int) -> bool:
    """Whether somebody accepts connections in a namespace."""

    def connect() -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    return SocketMaker(netns).inside(connect)


async def test_a_real_registry_in_the_pods_network_serves_it(stage: Stage, tmp_path: Path) -> None:
    """Nobody else could reach it; and the image runs."""
    netns = stage.world.network.namespace_path(UID)
    with debians_registry(tmp_path, netns) as address:
        await until(lambda: listens(netns, 5000))
        pulled = await stage.sandbox.pull(UID, f"{address}/team/app", ANYBODY, NoProgress())

    assert pulled == Image(f"{address}/team/app:latest", str(BUSYBOX.digest), pulled.size)
    assert await stage.sandbox.find(UID, f"{address}/team/app") == pulled
    assert await stage.run(pulled, "echo hello") == (0, "hello\n")


async def test_plain_http_is_for_pods_that_say_so(world: World) -> None:
    """The policy is the pod's own annotations."""
    async with Sandbox(world.network, world.settings) as sandbox:
        await sandbox.open(replace(identity(), annotations={}))

        text = await Stage(world, sandbox).refusal(BUSYBOX)

    assert text.endswith("http: server gave HTTP response to HTTPS client")


async def test_a_certificate_is_judged_by_the_pods_policy(world: World, tmp_path: Path) -> None:
    """The installation's own authority is trusted; others are where the pod says so."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    authority = issue(folder, Wish(authority=True, common_name="ours"))
    signed = issue(folder, Wish(names=("127.0.0.1",)), authority)
    foreign = issue(folder, Wish(names=("127.0.0.1",)))
    trusting = replace(world.settings, ca_file=authority.certificate)
    lenient = {REGISTRY_INSECURE_SKIP_VERIFY: "127.0.0.1:7001"}
    async with Sandbox(world.network, trusting) as sandbox:
        await sandbox.open(replace(identity(), annotations={}))
        await sandbox.open(replace(identity(OTHER), annotations=lenient))
        async with world.registry(UID, BUSYBOX, 7000, signed):
            await sandbox.pull(UID, "127.0.0.1:7000/app", ANYBODY, NoProgress())
        async with world.registry(UID, BUSYBOX, 7001, foreign):
            with pytest.raises(PullFailed, match="certificate signed by unknown authority"):
                await sandbox.pull(UID, "127.0.0.1:7001/app", ANYBODY, NoProgress())
        async with world.registry(OTHER, BUSYBOX, 7001, foreign):
            await sandbox.pull(OTHER, "127.0.0.1:7001/app", ANYBODY, NoProgress())
        async with world.registry(OTHER, BUSYBOX, 7002, foreign):
            with pytest.raises(PullFailed, match="certificate signed by unknown authority"):
                await sandbox.pull(OTHER, "127.0.0.1:7002/app", ANYBODY, NoProgress())


async def test_a_pull_that_is_given_up_leaves_nothing(stage: Stage) -> None:
    """The pod was deleted while the registry kept silent."""
    asked = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        asked.set()
        return await silence(_)

    registry = ScriptedRegistry(BUSYBOX, overrides={f"GET /blobs/{BUSYBOX.layers[0]}": silent})
    async with asyncio.TaskGroup() as group:
        pull = group.create_task(stage.pull(registry))
        await asked.wait()
        pull.cancel()
    await stage.sandbox.close(UID)

    assert stage.layers() == set()
    assert names_in(stage.world.settings.layers / "partial") == []
    assert stage.world.left() == []


async def test_another_pods_image_is_not_ones_own(stage: Stage) -> None:
    """The layers are here and verified; who may not pull does not get them all the same."""
    registry = ScriptedRegistry(BUSYBOX, login=("user", "key"))
    content = b'{"auths": {"127.0.0.1:7000": {"username": "user", "password": "key"}}}'
    keyring = Keyring.from_secret("kubernetes.io/dockerconfigjson", {".dockerconfigjson": content})
    async with stage.world.registry(UID, registry, port=7000):
        await stage.sandbox.pull(UID, "127.0.0.1:7000/team/app", keyring, NoProgress())
    await stage.sandbox.open(identity(OTHER))

    assert await stage.sandbox.find(OTHER, "127.0.0.1:7000/team/app") is None
    async with stage.world.registry(OTHER, registry, port=7000):
        with pytest.raises(PullFailed, match="authorization failed"):
            await stage.sandbox.pull(OTHER, "127.0.0.1:7000/team/app", ANYBODY, NoProgress())
        await stage.sandbox.pull(OTHER, "127.0.0.1:7000/team/app", keyring, NoProgress())


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([file("../../canary", b"x")], '"../../canary" is outside of the root filesystem'),
        ([file("/canary", b"x")], '"/canary" is an absolute path: outside of the root filesystem'),
        (
            [symlink("out", "/"), file("out/canary", b"x")],
            '"out" is a symbolic link, and other files lie below it',
        ),
        (
            [symlink("out", "../../.."), directory("out/tmp"), file("out/tmp/canary", b"x")],
            '"out" is a symbolic link, and other files lie below it',
        ),
        ([hard_link("mine", "../../canary")], '"../../canary" is outside of the root filesystem'),
        ([hard_link("mine", "/etc/passwd")], "is an absolute path: outside of the root filesystem"),
    ],
    ids=[
        "dots",
        "absolute",
        "through-link",
        "through-relative-link",
        "hard-link-dots",
        "hard-link",
    ],
)
async def test_a_pod_gets_no_layer_that_reaches_out(
    stage: Stage, tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], reason: str
) -> None:
    """In containerd's words; outside nothing is touched, and the pod can go on."""
    canary = tmp_path / "canary"
    canary.write_text(CANARY)
    evil = tar(*members)

    text = await stage.refusal(image(busybox_tar(), evil))

    assert f"failed to extract layer {Digest.of(evil)}: " in text
    assert text.endswith(f"{reason}: unknown")
    assert canary.read_text() == CANARY
    assert Digest.of(evil).hex not in stage.layers()
    assert await stage.run(await stage.pull(BUSYBOX), "echo on") == (0, "on\n")


async def test_absolute_links_lead_into_the_container(stage: Stage, tmp_path: Path) -> None:
    """Whoever follows them, the runtime and ourselves included."""
    canary = tmp_path / "canary"
    canary.write_text(CANARY)
    outside = str(tmp_path)
    links = tar(
        directory("etc"), symlink("etc/passwd", f"/../../..{outside}/canary"),
        symlink("etc/hosts", f"{outside}/canary"), symlink("link", f"{outside}/canary"),
        symlink("work", outside), directory("dev"), symlink("proc", outside),
    )  # fmt: skip
    made = image(busybox_tar(), links, WorkingDir="/work/inside")

    pulled = await stage.pull(made)
    try:
        _, said = await stage.run(pulled, "cat /link; echo x > /link; ls /work")
    except Exception as error:  # noqa: BLE001  # to refuse is as good
        said = str(error)

    assert CANARY not in said
    assert canary.read_text() == CANARY
    assert names_in(tmp_path) == ["canary", "layers", "ledger.json", "sandbox"]


async def test_a_pipe_for_a_list_of_users_keeps_nobody_waiting(stage: Stage) -> None:
    """What is no plain file is no list."""
    trap = tar(directory("etc"), special("etc/passwd", tarfile.FIFOTYPE, mode=0o666))

    pulled = await stage.pull(image(busybox_tar(), trap, User="1000"))

    assert await stage.run(pulled, "echo on") == (0, "on\n")


async def test_names_of_users_are_the_images(stage: Stage) -> None:
    """With their groups."""
    accounts = tar(
        directory("etc"),
        file("etc/passwd", b"root:x:0:0::/:\nweb:x:1234:2345::/home/web:/bin/sh\n"),
        file("etc/group", b"web:x:2345:\nlogs:x:77:other,web\n"),
    )

    pulled = await stage.pull(image(busybox_tar(), accounts, User="web"))
    code, said = await stage.run(pulled, "id -u; id -g; id -G")

    assert code == 0
    assert said == "1234\n2345\n2345 77\n"


async def test_upper_layers_hide_what_they_remove(stage: Stage) -> None:
    """Whiteouts and opaque directories, as mounted."""
    lower = tar(directory("d"), file("d/old", b"1"), file("gone", b"2"), file("kept", b"3"))
    upper = tar(directory("d"), file("d/.wh..wh..opq"), file("d/new"), file(".wh.gone"))

    pulled = await stage.pull(image(busybox_tar(), lower, upper))

    assert await stage.run(pulled, "ls /d; cat /kept; ls /gone") == (
        1,
        "new\n3ls: /gone: No such file or directory\n",
    )


async def test_what_a_container_writes_is_its_own(stage: Stage) -> None:
    """The next attempt begins with the image again, and the layer's bytes stay what they were."""
    pulled = await stage.pull(BUSYBOX)
    await stage.run(pulled, "echo x > /written; rm /bin/ls")
    second = replace(container(pulled, "ls /written"), id=replace(container(pulled).id, attempt=1))
    await stage.sandbox.start(second)
    ended = await stage.sandbox.wait(second.id)

    assert ended.code == 1
    assert "No such file" in output(stage.sandbox.log(second.id))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda data: data[:-10], "failed to read expected number of bytes: unexpected EOF"),
        (lambda data: bytes(len(data)), "unexpected commit digest sha256:"),
    ],
    ids=["truncated", "other-bytes"],
)
async def test_bytes_that_are_not_the_images_leave_nothing(
    stage: Stage, change: object, text: str
) -> None:
    """However the registry fails its image."""
    (layer,) = BUSYBOX.layers
    body = change(BUSYBOX.blobs[layer])  # type: ignore[operator]  # one of two functions

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    registry = ScriptedRegistry(BUSYBOX, overrides={f"GET /blobs/{layer}": answer})

    assert text in await stage.refusal(registry)
    assert stage.layers() == set()


async def test_layers_stay_while_a_pod_holds_them(world: World) -> None:
    """With no room for more, they go with the last pod; its mounts do so in any case."""
    tight = replace(world, settings=replace(world.settings, bytes_kept=0))
    async with Sandbox(tight.network, tight.settings) as sandbox:
        await sandbox.open(identity())
        stage = Stage(tight, sandbox)
        pulled = await stage.pull(BUSYBOX)
        await sandbox.open(identity(OTHER))
        await sandbox.close(OTHER)

        assert stage.layers() == {BUSYBOX.diff_ids[0].hex}
        assert await stage.run(pulled, "echo still") == (0, "still\n")
        await sandbox.close(UID)
        assert stage.layers() == set()
    assert world.left() == []


async def test_layers_stay_for_the_next_pod_where_there_is_room(stage: Stage) -> None:
    """The next pull asks the registry for everything but the layers."""
    await stage.pull(BUSYBOX)
    await stage.sandbox.close(UID)
    await stage.sandbox.open(identity())
    registry = ScriptedRegistry(BUSYBOX)
    await stage.pull(registry)

    assert not any(str(BUSYBOX.layers[0]) in request for request in registry.seen)
    assert any("/manifests/" in request for request in registry.seen)
