"""Pods run before their images are here, read every byte right, and leave nothing behind.

The registry is in this very process: were the agent ever to wait for bytes on its event loop, nothing
would come.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.certificates import Issued, Wish, issue
from tests.lazy_images import SUMS, LazyImage
from tests.registries import ScriptedRegistry
from tests.sandboxes import ANYBODY, UID, World, container, identity, output, until

from towline.cluster.node.provider import ContainerSpec, Image, PodIdentity
from towline.content.layer_file import LayerFile
from towline.diagnosis.survey import Records
from towline.kube.annotations import LAZY
from towline.linux.cgroups import Cgroups
from towline.linux.mounts import mounts_below
from towline.linux.sweep import sweep
from towline.network.model import NetworkModel
from towline.pull.progress import NoProgress
from towline.resource.instance import Instance
from towline.sandbox.provider import Sandbox

pytestmark = pytest.mark.root
PORT = 5000
HOST = f"127.0.0.1:{PORT}"
OTHER = UID.replace("1", "2")
READ = "echo runs; for n in 0 1 2; do /bin/busybox md5sum < /part$n || exit 7; done"
RIGHT = "runs\n" + "".join(f"{each}  -\n" for each in SUMS)
INSTANCE = Instance(
    id="tcr-demo",
    name="demo",
    edition="basic",
    domain=HOST,
    public_address="198.18.0.10",
    created_at="2026-01-02T03:04:05Z",
)


def records() -> Records:
    """The registry is the installation's own."""
    return Records(network=NetworkModel(instances=(INSTANCE,)))


def pod(uid: str = UID, **annotations: str) -> PodIdentity:
    """One that trusts the installation's authority and nobody else."""
    return replace(identity(uid), annotations=annotations)


@dataclass(frozen=True, slots=True)
class Stage:
    """An installation with a registry that holds an image back."""

    world: World
    image: LazyImage
    registry: ScriptedRegistry
    certificate: Issued

    def sandbox(self) -> Sandbox:
        """The agent's part."""
        return Sandbox(self.world.network, self.world.settings, records)

    @asynccontextmanager
    async def served(self, *uids: str) -> AsyncIterator[None]:
        """The registry answers on the loopbacks of these pods, whether an agent is there or not."""
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(self._serve(uid)) for uid in uids]
            await asyncio.sleep(0)
            try:
                yield
            finally:
                self.image.gate.set()
                for task in serving:
                    task.cancel()

    async def _serve(self, uid: str) -> None:
        await self.world.network.attach(uid, "")
        async with self.world.registry(uid, self.registry, PORT, self.certificate):
            await asyncio.Event().wait()

    async def pull(self, sandbox: Sandbox, uid: str = UID) -> Image:
        """Pull the image for a pod that is open."""
        return await sandbox.pull(uid, f"{HOST}/team/app", ANYBODY, NoProgress())

    def layers(self) -> set[str]:
        """The digits of the layers that are whole."""
        return {path.name for path in (self.world.settings.layers / "sha256").iterdir()}

    def is_whole(self) -> bool:
        """Whether the large layer is one like the others, and right."""
        path = self.world.settings.layers / "sha256" / self.image.diff_id.hex
        if not path.exists():
            return False
        LayerFile.open(path).verify()
        return True

    def ropes(self) -> list[object]:
        """What there is of ropes: folders and processes."""
        folder = self.world.settings.folder / "ropes"
        group = self.world.ledger.ropes_cgroup
        return [*folder.iterdir(), *Cgroups.of_machine().processes(group)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """One that is swept in the end, and leaves nothing."""
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    authority = issue(certificates, Wish(authority=True, common_name="ours"))
    signed = issue(certificates, Wish(names=("127.0.0.1",)), authority)
    world = World.below(tmp_path)
    settings = replace(world.settings, ca_file=authority.certificate)
    world, image = replace(world, settings=settings), LazyImage()
    yield Stage(world, image, image.registry(tmp_path), signed)
    sweep(world.ledger)
    left = Cgroups.of_machine().folders(world.ledger.ropes_cgroup)
    assert (world.left(), left, mounts_below(tmp_path)) == ([], [], [])


def reader(image: Image, uid: str = UID) -> ContainerSpec:
    """A container that reads all of its image."""
    spec = container(image, READ)
    return replace(spec, id=replace(spec.id, pod_uid=uid))


async def says(sandbox: Sandbox, spec: ContainerSpec, text: str) -> None:
    """Wait until a container has said so."""
    await until(lambda: output(sandbox.log(spec.id)) == text)


async def test_a_pod_runs_before_its_image_is_there(stage: Stage) -> None:
    """It waits where it reads; then the layer is one like the others, and nothing is left of ropes."""
    async with stage.sandbox() as sandbox, stage.served(UID):
        await sandbox.open(pod())
        pulled = await stage.pull(sandbox)
        missing = await sandbox.missing(UID, pulled)
        spec = reader(pulled)
        await sandbox.start(spec)
        await says(sandbox, spec, "runs\n")

        assert missing is not None
        assert missing.have < missing.wanted
        assert await sandbox.find(UID, f"{HOST}/team/app") == pulled
        assert stage.image.diff_id.hex not in stage.layers()

        stage.image.gate.set()
        ended = await sandbox.wait(spec.id)
        completion = await sandbox.completion(UID, pulled)

        assert (ended.code, output(sandbox.log(spec.id))) == (0, RIGHT)
        assert completion is not None
        assert completion.trouble == ""
        assert stage.is_whole()
        await until(lambda: stage.ropes() == [])
        await sandbox.close(UID)


async def test_a_pod_that_does_not_want_it_waits_for_its_image(stage: Stage) -> None:
    """`towline.dev/lazy: off`."""
    stage.image.gate.set()
    async with stage.sandbox() as sandbox, stage.served(UID):
        await sandbox.open(pod(**{LAZY: "off"}))
        pulled = await stage.pull(sandbox)

        assert stage.is_whole()
        assert await sandbox.missing(UID, pulled) is None
        await until(lambda: stage.ropes() == [])


async def test_pods_share_what_comes(stage: Stage) -> None:
    """Two pods of one image hang on one rope, and the second does not even ask for the index."""
    async with stage.sandbox() as sandbox, stage.served(UID, OTHER):
        specs = list[ContainerSpec]()
        for uid in (UID, OTHER):
            await sandbox.open(pod(uid))
            specs.append(reader(await stage.pull(sandbox, uid), uid))
            await sandbox.start(specs[-1])
        for spec in specs:
            await says(sandbox, spec, "runs\n")
        ropes = list((stage.world.settings.folder / "ropes").iterdir())
        stage.image.gate.set()

        for spec in specs:
            assert (await sandbox.wait(spec.id)).code == 0
            assert output(sandbox.log(spec.id)) == RIGHT
        await until(stage.is_whole)
        assert len(ropes) == 1
        assert ["/referrers/" in one for one in stage.registry.seen].count(True) == 1


async def test_a_pod_that_is_deleted_early_leaves_nothing_but_what_has_come(stage: Stage) -> None:
    """It was waiting for its bytes when it was killed."""
    async with stage.sandbox() as sandbox, stage.served(UID):
        await sandbox.open(pod())
        spec = reader(await stage.pull(sandbox))
        await sandbox.start(spec)
        await says(sandbox, spec, "runs\n")
        await sandbox.close(UID)

        await until(lambda: stage.ropes() == [])
        assert mounts_below(stage.world.settings.folder / "layers") == []
        assert stage.image.diff_id.hex not in stage.layers()


async def test_what_is_not_as_the_index_says_ends_its_containers(stage: Stage) -> None:
    """Never a wrong byte; and then the image is pulled in full."""
    stage.image.wrong_span = 1
    stage.image.gate.set()
    wrong = stage.image.registry(stage.world.settings.folder.parent)
    async with stage.sandbox() as sandbox, replace(stage, registry=wrong).served(UID):
        await sandbox.open(pod())
        pulled = await stage.pull(sandbox)
        spec = container(pulled, "sleep 1000")
        await sandbox.start(spec)
        completion = await sandbox.completion(UID, pulled)

        assert completion is not None
        assert completion.trouble
        assert (await sandbox.wait(spec.id)).code == 128 + signal.SIGKILL
        assert await sandbox.find(UID, f"{HOST}/team/app") is None

        again = reader(await stage.pull(sandbox))
        again = replace(again, id=replace(again.id, attempt=1))
        await sandbox.start(again)
        assert (await sandbox.wait(again.id)).code == 0
        assert output(sandbox.log(again.id)) == RIGHT
        assert stage.is_whole()


async def killed_agent(stage: Stage) -> ContainerSpec:
    """An agent in a process of its own, killed as soon as its container runs; the container."""
    ready, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(_start_and_wait(stage, write))
        finally:
            os._exit(1)
    os.close(write)
    reader_ = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader_), os.fdopen(ready, "rb")
    )
    assert await reader_.read(1) == b"!", "the agent ended"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)  # noqa: ASYNC222  # it has been killed
    return reader(Image(f"{HOST}/team/app:latest", str(stage.image.made.digest), 0))


async def _start_and_wait(stage: Stage, write: int) -> None:
    async with stage.sandbox() as sandbox:
        await sandbox.open(pod())
        spec = reader(await stage.pull(sandbox))
        await sandbox.start(spec)
        await says(sandbox, spec, "runs\n")
        os.write(write, b"!")
        await asyncio.Event().wait()


async def test_an_agent_that_is_killed_goes_on_when_it_is_back(stage: Stage) -> None:
    """Its pods wait for bytes meanwhile, as if nothing had happened."""
    async with stage.served(UID):
        spec = await killed_agent(stage)
        async with stage.sandbox() as sandbox:
            (standing,) = await sandbox.inventory()
            stage.image.gate.set()
            ended = await sandbox.wait(spec.id)
            await sandbox.completion(UID, standing.images[0])

            assert (ended.code, output(sandbox.log(spec.id))) == (0, RIGHT)
            assert stage.is_whole()
            await until(lambda: stage.ropes() == [])


async def test_what_nobody_fills_any_more_ends_before_anything_else(stage: Stage) -> None:
    """Agent, holder and worker were killed, while conmon held: nobody reads a zero."""
    async with stage.served(UID):
        spec = await killed_agent(stage)
        while pids := Cgroups.of_machine().processes(stage.world.ledger.ropes_cgroup):
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.01)
        async with stage.sandbox() as sandbox:
            ended = await sandbox.wait(spec.id)

            assert ended.code == 128 + signal.SIGKILL
            assert output(sandbox.log(spec.id)) == "runs\n"
            assert await sandbox.find(UID, f"{HOST}/team/app") is None

            stage.image.gate.set()
            again = reader(await stage.pull(sandbox))
            again = replace(again, id=replace(again.id, attempt=1))
            await sandbox.start(again)
            assert (await sandbox.wait(again.id)).code == 0
            assert output(sandbox.log(again.id)) == RIGHT


async def test_down_leaves_nothing_of_what_was_coming(stage: Stage) -> None:
    """Neither processes nor mounts; the fixture looks."""
    async with stage.served(UID):
        await killed_agent(stage)
        sweep(stage.world.ledger)

        assert Cgroups.of_machine().processes(stage.world.ledger.ropes_cgroup) == frozenset()
