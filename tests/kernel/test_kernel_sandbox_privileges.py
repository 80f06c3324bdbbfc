"""What a process may do: its user and groups, its capabilities, and whether it can gain any."""

from __future__ import annotations

import os
import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.images import busybox_tar, image, special, tar
from tests.sandboxes import UID, Stage, container, staged

from towline.cluster.node.provider import Mount, Privileges, ScratchVolume, VolumeFiles

pytestmark = pytest.mark.root
DISK = Path("/").stat().st_dev
DEVICES = tar(
    special("memory", tarfile.CHRTYPE, devmajor=1, devminor=1, mode=0o666),
    special("disk", tarfile.BLKTYPE, devmajor=os.major(DISK), devminor=os.minor(DISK), mode=0o666),
)
BUSYBOX = image(busybox_tar(), DEVICES, User="1000:1000")
STATUS = "sed -n 's/^CapEff:.//p;s/^CapBnd:.//p;s/^NoNewPrivs:.//p' /proc/self/status"


@pytest.fixture(params=["crun", "runc"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """With each runtime."""
    async with staged(tmp_path, request.param, BUSYBOX) as made:
        yield made


async def test_a_pull_tells_whose_an_image_is(stage: Stage) -> None:
    """What it told is remembered with the image."""
    found = await stage.sandbox.find(UID, stage.image.reference)

    assert stage.image.user == "1000:1000"
    assert found == stage.image


async def test_the_images_user_stays_in_another_group(stage: Stage) -> None:
    """It does not become root."""
    _, said = await stage.run("echo $(id -u):$(id -g)", user=":2000")

    assert said == "1000:2000\n"


@pytest.mark.parametrize(
    ("privileges", "bits", "no_more"),
    [
        pytest.param(Privileges(), 0xA80425FB, 0, id="usual"),
        pytest.param(Privileges(capabilities=()), 0, 0, id="none"),
        pytest.param(Privileges(("CAP_CHOWN", "CAP_IPC_LOCK")), 1 | 1 << 14, 0, id="chosen"),
        pytest.param(Privileges(may_gain=False), 0xA80425FB, 1, id="no-more"),
    ],
)
async def test_the_kernel_knows_what_a_process_may_do(
    stage: Stage, privileges: Privileges, bits: int, no_more: int
) -> None:
    """Of the container's own process, and of a command that is run beside it."""
    spec = replace(container(stage.image, "sleep 1000"), user="0", privileges=privileges)
    _, said = await stage.run(STATUS, user="0", privileges=privileges)
    second = replace(spec, id=replace(spec.id, attempt=1))
    await stage.sandbox.start(second)
    beside = await stage.sandbox.execute(second.id, ("/bin/sh", "-c", STATUS))

    assert said == f"{bits:016x}\n{bits:016x}\n{no_more}\n"
    assert beside.output == said


async def test_volumes_are_the_groups(stage: Stage) -> None:
    """A process that is no longer root can share what it writes with its group; Secrets too."""
    mounts = (
        Mount("/data", ScratchVolume("data")),
        Mount("/key", VolumeFiles({"deep/a": b"one"})),
    )
    privileges = Privileges(groups=(3000, 4000), volumes_group=3000)
    _, said = await stage.run(
        "id -G; echo 1 > /data/x; stat -c '%g %a' /data /data/x /key /key/deep /key/deep/a",
        mounts=mounts,
        privileges=privileges,
    )

    assert set(said.splitlines()[0].split()) == {"1000", "3000", "4000"}
    assert said.splitlines()[1:] == [
        "3000 2777", "3000 644", "3000 2755", "3000 2755", "3000 644",
    ]  # fmt: skip


@pytest.mark.parametrize("user", ["1000", "0"])
async def test_disks_and_memory_in_an_image_open_for_nobody(stage: Stage, user: str) -> None:
    """They are there, and lead nowhere, for root too; nor does a disk that root makes itself. What
    every container has may be opened anywhere.
    """
    look = "for d in /memory /disk; do [ -e $d ] && head -c 1 $d | wc -c; done"
    make = f"mknod /dev/own b {os.major(DISK)} {os.minor(DISK)}; head -c 1 /dev/own | wc -c"
    _, said = await stage.run(f"{look}; {make}; head -c 1 /dev/zero | wc -c", user=user)

    assert [line for line in said.splitlines() if line.isdigit()] == ["0", "0", "0", "1"]
