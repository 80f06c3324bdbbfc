"""Reaching into a running pod, and volumes of which only a part is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.images import busybox_tar, image
from tests.sandboxes import UID, Stage, container, staged

from towline.cluster.node.provider import (
    ContainerId,
    Executed,
    Mount,
    ScratchVolume,
    StartFailed,
    VolumeFiles,
)

pytestmark = pytest.mark.root
BUSYBOX = image(busybox_tar())


@pytest.fixture(params=["crun", "runc"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """With each runtime."""
    async with staged(tmp_path, request.param, BUSYBOX) as made:
        yield made


async def test_a_part_of_a_volume_can_be_shown(stage: Stage) -> None:
    """A file of a Secret, and a folder of an emptyDir that is made if need be."""
    secret = VolumeFiles({"a": b"one", "b": b"two"})
    mounts = (
        Mount("/etc/a.conf", secret, sub_path="a"),
        Mount("/data", ScratchVolume("data"), sub_path="deep/er"),
        Mount("/all", ScratchVolume("data")),
    )
    code, said = await stage.run(
        "cat /etc/a.conf; echo 1 > /data/x; ls /all/deep/er", mounts=mounts
    )

    assert (code, said) == (0, "onex\n")


async def test_a_part_that_is_not_there_cannot_be_shown(stage: Stage) -> None:
    """The kubelet's words."""
    mounts = (Mount("/etc/a.conf", VolumeFiles({"a": b"one"}), sub_path="c"),)
    with pytest.raises(
        StartFailed, match=r'failed to prepare subPath for volumeMount "/etc/a\.conf"'
    ):
        await stage.run("true", mounts=mounts)


async def test_a_part_never_leads_out_of_its_volume(stage: Stage, tmp_path: Path) -> None:
    """A link that one container puts into an emptyDir shows the next one nothing of the machine."""
    whole = (Mount("/all", ScratchVolume("data")),)
    await stage.run(
        f"echo mine > /all/own; ln -s {tmp_path} /all/out; ln -s /own /all/in", mounts=whole
    )
    parts = (
        Mount("/out", ScratchVolume("data"), sub_path="out/made"),
        Mount("/in", ScratchVolume("data"), sub_path="in"),
    )
    inside = parts[1:]
    _, said = await stage.run("cat /in", mounts=inside, id=ContainerId(UID, "second", 0))
    with pytest.raises(StartFailed, match="subPath"):
        await stage.run("ls /out", mounts=parts, id=ContainerId(UID, "third", 0))

    assert said == "mine\n"
    assert not (tmp_path / "made").exists()


async def test_a_command_can_be_run_in_a_running_container(stage: Stage) -> None:
    """With the container's variables and files; its code and the last of its output."""
    spec = container(stage.image, "sleep 1000")
    await stage.sandbox.start(replace(spec, env=(("MINE", "1"),), working_dir="/bin"))
    words = ("/bin/sh", "-c", "echo $MINE $(pwd); echo complaint >&2; exit 4")
    done = await stage.sandbox.execute(spec.id, words)
    much = await stage.sandbox.execute(spec.id, ("/bin/sh", "-c", "yes | head -c 100000; echo end"))

    assert done.code == 4
    assert sorted(done.output.splitlines()) == ["1 /bin", "complaint"]  # runc keeps no order
    assert much.code == 0
    assert len(much.output) == 10240
    assert much.output.endswith("end\n")


async def test_a_command_that_is_not_there_is_refused(stage: Stage) -> None:
    """In the words of both kubelet and runtime; also when the container has ended."""
    spec = container(stage.image, "sleep 1000")
    await stage.sandbox.start(spec)
    with pytest.raises(StartFailed) as caught:
        await stage.sandbox.execute(spec.id, ("nothing",))
    await stage.sandbox.stop(spec.id, grace=0)
    with pytest.raises(StartFailed):
        await stage.sandbox.execute(spec.id, ("true",))

    assert str(caught.value) == (
        "failed to exec in container: OCI runtime exec failed: exec failed: unable to start container"
        ' process: exec: "nothing": executable file not found in $PATH: unknown'
    )


async def test_a_command_that_nobody_waits_for_any_more_is_killed(stage: Stage) -> None:
    """A probe's time is up, be it while the command is being started."""
    spec = container(stage.image, "sleep 1000")
    await stage.sandbox.start(spec)
    for patience in (0.02, 0.04, 0.08, 0.3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(patience):
                await stage.sandbox.execute(spec.id, ("/bin/sleep", "77"))
    seen = ("/bin/sh", "-c", "cat /proc/*/cmdline | tr '\\0' ' '")
    processes = await stage.sandbox.execute(spec.id, seen)

    assert "sleep 1000" in processes.output
    assert "sleep 77" not in processes.output


async def test_a_command_may_leave_something_running(stage: Stage) -> None:
    """It is not waited for."""
    spec = container(stage.image, "sleep 1000")
    await stage.sandbox.start(spec)

    done = await stage.sandbox.execute(
        spec.id, ("/bin/sh", "-c", "echo done; sleep 900 >/dev/null 2>&1 &")
    )
    assert done == Executed(0, "done\n")


async def test_a_socket_of_the_pods_network_reaches_the_pod(stage: Stage) -> None:
    """Its loopback is the pod's, not the machine's."""
    async with stage.world.registry(UID, BUSYBOX) as registry:
        sock = await stage.sandbox.socket(UID)
        with sock:
            port = int(registry.address.rpartition(":")[2])
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))

            assert sock.getpeername() == ("127.0.0.1", port)
