"""An agent that is killed loses nothing: the next one finds what stands, finishes what was begun,
and leaves no rubbish.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.images import busybox_tar, image
from tests.sandboxes import ANYBODY, UID, World, container, identity, output, until

from towline.cluster.node.provider import ContainerSpec, Image
from towline.linux.cgroups import Cgroups
from towline.linux.oci_runtime import state_folder
from towline.linux.runtime_process import runtime_processes
from towline.linux.sweep import sweep
from towline.pull.progress import NoProgress
from towline.sandbox.provider import Sandbox

pytestmark = pytest.mark.root
BUSYBOX = image(busybox_tar())
CHANGES = frozenset({"os.rename", "os.mkdir", "os.rmdir", "os.remove", "subprocess.Popen"})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An installation that is swept in the end."""
    made = World.below(tmp_path)
    yield made
    sweep(made.ledger)


def spec(image: Image) -> ContainerSpec:
    """A container that says one word and stays."""
    return container(image, "echo ran; sleep 1000")


async def pulled(world: World, sandbox: Sandbox) -> Image:
    """The image, opened and pulled again if need be."""
    await sandbox.open(identity())
    found = await sandbox.find(UID, "127.0.0.1:5000/app")
    if found is None:
        async with world.registry(UID, BUSYBOX, port=5000) as registry:
            found = await sandbox.pull(UID, f"{registry.address}/app", ANYBODY, NoProgress())
    return found


async def whole_life(world: World) -> None:
    """Everything that a sandbox does for a pod."""
    async with Sandbox(world.network, world.settings) as sandbox:
        wanted = spec(await pulled(world, sandbox))
        await sandbox.start(wanted)
        await until(lambda: output(sandbox.log(wanted.id)) == "ran\n")
        await sandbox.stop(wanted.id, grace=0)
        await sandbox.close(UID)


def killed_at(world: World, number: int) -> bool:
    """Live the whole life in a process that is killed before its so manieth change of the disk or
    start of a program; whether it came to that.
    """
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            counter = itertools.count()
            sys.addaudithook(lambda event, arguments: _strike(event, arguments, counter, number))
            asyncio.run(whole_life(world))
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status in {0, signal.SIGKILL}, "a life without a kill must succeed"
    return status != 0


def _strike(event: str, arguments: tuple[object, ...], counter: Iterator[int], number: int) -> None:
    flags = arguments[2] if event == "open" else 0
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    if (event in CHANGES or writes) and next(counter) == number:
        os.kill(os.getpid(), signal.SIGKILL)


async def check_and_finish(world: World) -> None:
    """Whatever was left: it is told truly, can be gone on with, runs once, and can be removed."""
    async with Sandbox(world.network, world.settings) as sandbox:
        standing = await sandbox.inventory()
        known = {str(each.id) for pod in standing for each in pod.containers}
        folders = world.settings.folder.glob("pods/*/containers/*")
        assert {f"{UID}-{each.name}" for each in folders} == known
        states = {path.name for path in state_folder(world.settings.folder).iterdir()}
        assert states <= known
        wanted = spec(await pulled(world, sandbox))
        await sandbox.start(wanted)
        await until(lambda: output(sandbox.log(wanted.id)) == "ran\n")
        (pod,) = await sandbox.inventory()
        assert pod.images == (wanted.image,)
        assert [each.id for each in pod.containers] == [wanted.id]
        await sandbox.close(UID)
        assert await sandbox.inventory() == ()
    assert world.left() == []
    assert list((world.settings.folder / "pods").iterdir()) == []
    assert list((world.settings.layers / "partial").iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_kill_at_any_moment_is_survived(world: World) -> None:
    """Before every single change that a pod's whole life makes."""
    moments = 0
    while killed_at(world, moments):
        try:
            asyncio.run(check_and_finish(world))
        except Exception as error:
            error.add_note(f"killed before change {moments}")
            raise
        moments += 1

    assert moments > 50
    assert world.left() == []


async def test_containers_outlive_the_agent(world: World) -> None:
    """The next agent finds them with their images, and sees them end."""
    async with Sandbox(world.network, world.settings) as sandbox:
        wanted = spec(await pulled(world, sandbox))
        started_at = await sandbox.start(wanted)

    async with Sandbox(world.network, world.settings) as sandbox:
        (pod,) = await sandbox.inventory()
        (standing,) = pod.containers
        assert (pod.uid, pod.images) == (UID, (wanted.image,))
        assert (standing.id, standing.image) == (wanted.id, wanted.image)
        assert (standing.started_at, standing.exit) == (started_at, None)
        assert await sandbox.find(UID, "127.0.0.1:5000/app") == wanted.image
        await sandbox.stop(wanted.id, grace=0)
        ended = await sandbox.wait(wanted.id)
        (pod,) = await sandbox.inventory()
        assert pod.containers[0].exit == ended


async def test_an_end_that_nobody_saw_is_known_afterwards(world: World) -> None:
    """With its code and its time, from what the monitor wrote."""
    async with Sandbox(world.network, world.settings) as sandbox:
        wanted = container(await pulled(world, sandbox), "exit 3")
        await sandbox.start(wanted)
    await until(lambda: not list(runtime_processes(state_folder(world.settings.folder))))

    async with Sandbox(world.network, world.settings) as sandbox:
        (pod,) = await sandbox.inventory()

    ended = pod.containers[0].exit
    assert ended is not None
    assert (ended.code, ended.reason) == (3, "Error")


async def test_a_container_whose_monitor_was_killed_ends(world: World) -> None:
    """Nobody could see how it ends, so it must not go on; 255 is containerd's code for that."""
    async with Sandbox(world.network, world.settings) as sandbox:
        wanted = spec(await pulled(world, sandbox))
        await sandbox.start(wanted)
        for process in runtime_processes(state_folder(world.settings.folder)):
            process.signal(signal.SIGKILL)
        ended = await sandbox.wait(wanted.id)

        assert (ended.code, ended.reason) == (255, "Error")
        assert Cgroups.of_machine().processes(world.settings.cgroup) == frozenset()


async def test_nothing_is_left_to_go_on_with_after_the_machine_restarts(world: World) -> None:
    """The folder is from another boot: pods are gone, and verified layers are not."""
    async with Sandbox(world.network, world.settings) as sandbox:
        wanted = spec(await pulled(world, sandbox))
    (world.settings.folder / "boot.json").write_text('"another boot"')

    async with Sandbox(world.network, world.settings) as sandbox:
        assert await sandbox.inventory() == ()
        assert await sandbox.find(UID, wanted.image.reference) is None
    assert world.left() == []
    assert len(list((world.settings.layers / "sha256").iterdir())) == 1


async def test_a_namespace_that_nobody_knows_is_reported(world: World) -> None:
    """So that the node can have it removed."""
    await world.network.attach(UID, "subnet-1")

    async with Sandbox(world.network, world.settings) as sandbox:
        (pod,) = await sandbox.inventory()
        await sandbox.close(UID)

    assert (pod.uid, pod.containers) == (UID, ())
    assert world.left() == []


async def test_a_pod_keeps_what_it_was_created_with(world: World) -> None:
    """Whatever its annotations say later, and whoever opens it again."""
    async with Sandbox(world.network, world.settings) as sandbox:
        first = await sandbox.open(identity())
        plain = identity()
        edited = type(plain)(UID, "demo", "web", "subnet-1", "other", {})

        assert await sandbox.open(edited) == first
        assert (await pulled(world, sandbox)).size > 0
    hosts = world.settings.folder / "pods" / UID / "etc" / "hosts"
    assert "web-host" in hosts.read_text()


async def test_two_agents_cannot_have_the_same_layers(world: World) -> None:
    """The second is told so."""
    async with Sandbox(world.network, world.settings):
        with pytest.raises(Exception, match="another process keeps its layers"):
            await Sandbox(world.network, world.settings).__aenter__()
