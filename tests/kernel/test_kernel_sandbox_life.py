"""A pod from its opening to its closing: a namespace, an image, a container, a log, and nothing
left.
"""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.images import busybox_tar, directory, image, special, tar
from tests.sandboxes import ANYBODY, UID, Stage, container, output, staged, until

from towline.cluster.node.provider import (
    ContainerId,
    Limits,
    Mount,
    Provider,
    ScratchVolume,
    StartFailed,
    VolumeFiles,
)
from towline.linux.sweep import sweep
from towline.pull.progress import NoProgress
from towline.sandbox.provider import Sandbox

pytestmark = pytest.mark.root
BUSYBOX = image(busybox_tar(), Env=["FROM_IMAGE=yes"], Cmd=["/bin/sh", "-c", "echo of the image"])


@pytest.fixture(params=["crun", "runc"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """With each runtime."""
    async with staged(tmp_path, request.param, BUSYBOX) as made:
        yield made


async def test_a_container_runs_what_its_image_says(stage: Stage) -> None:
    """And its output is in the log."""
    provider: Provider = stage.sandbox
    started_at = await provider.start(container(stage.image))
    ended = await provider.wait(container(stage.image).id)

    assert (ended.code, ended.reason, ended.started_at) == (0, "Completed", started_at)
    assert ended.finished_at >= started_at
    assert output(provider.log(container(stage.image).id)) == "of the image\n"


async def test_the_pods_words_take_the_place_of_the_images(stage: Stage) -> None:
    """The command with its variables, working directory and user."""
    code, said = await stage.run(
        'echo "$FROM_IMAGE $MINE $HOSTNAME $(pwd) $(id -u):$(id -g)"; exit 7',
        env=(("MINE", "1"), ("FROM_IMAGE", "no")), working_dir="/made/for/it", user="1000:2000",
    )  # fmt: skip

    assert (code, said) == (7, "no 1 web-host /made/for/it 1000:2000\n")


async def test_the_pod_is_in_its_own_network_and_knows_its_name(stage: Stage) -> None:
    """Hosts, resolver and host name are the pod's."""
    _, said = await stage.run("cat /etc/hosts /etc/hostname /etc/resolv.conf; ls /sys/class/net")

    assert "\tweb-host\n" in said
    assert "nameserver 183.60.83.19\nsearch demo.svc.cluster.local svc.cluster.local" in said
    assert said.endswith("ndots:5\nlo\n")


async def test_limits_hold(stage: Stage) -> None:
    """Who takes more memory than he may is killed, and that is the reason given."""
    spec = replace(
        container(stage.image, "cat /dev/zero | tail -c 200000000"),
        limits=Limits(cpu_millicores=500, memory_bytes=16 * 1024 * 1024),
    )
    await stage.sandbox.start(spec)
    ended = await stage.sandbox.wait(spec.id)

    assert ended.reason == "OOMKilled"
    assert ended.code == 137


async def test_a_root_can_be_read_only(stage: Stage) -> None:
    """Volumes can still be written."""
    mounts = (Mount("/data", ScratchVolume("data")), Mount("/ro", ScratchVolume("data"), True))
    code, said = await stage.run(
        "echo 1 > /data/a && cat /ro/a; echo 2 > /ro/b; echo 3 > /c; exit 0",
        mounts=mounts, read_only_root=True,
    )  # fmt: skip

    assert code == 0
    assert said.splitlines()[0] == "1"
    assert said.count("Read-only file system") == 2


async def test_secrets_are_files_that_any_user_may_read(stage: Stage) -> None:
    """They lie in memory, cannot be changed, and go with the container."""
    mounts = (Mount("/etc/key", VolumeFiles({"a": b"one", "deep/b": b"two"})),)
    _, said = await stage.run(
        "cat /etc/key/a /etc/key/deep/b; echo; ls -l /etc/key/a; echo x > /etc/key/a",
        mounts=mounts, user="1000",
    )  # fmt: skip

    lines = said.splitlines()
    assert lines[0] == "onetwo"
    assert lines[1].startswith("-rw-r--r--")
    assert "Read-only file system" in lines[2]
    assert not list(stage.world.settings.folder.glob("pods/*/files/*"))


async def test_containers_of_a_pod_share_what_pods_share(stage: Stage) -> None:
    """The network, emptyDirs and /dev/shm; not each other's files."""
    mounts = (Mount("/data", ScratchVolume("data")),)
    await stage.run("echo a > /data/x; echo b > /dev/shm/y; echo c > /z", mounts=mounts)
    second = ContainerId(UID, "other", 0)

    code, said = await stage.run("cat /data/x /dev/shm/y; cat /z", mounts=mounts, id=second)
    assert code == 1
    assert said.startswith("a\nb\n")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("/no/such",), 'exec: "/no/such": stat /no/such: no such file or directory'),
        (("such",), 'exec: "such": executable file not found in $PATH'),
        (("/etc/hosts",), 'exec: "/etc/hosts": permission denied'),
    ],
    ids=["no-file", "not-in-path", "not-executable"],
)
async def test_what_cannot_be_run_is_said_in_containerds_words(
    stage: Stage, words: tuple[str, ...], text: str
) -> None:
    """By both runtimes alike; and the container counts as ended with code 128."""
    spec = replace(container(stage.image), command=words)
    with pytest.raises(StartFailed) as caught:
        await stage.sandbox.start(spec)
    ended = await stage.sandbox.wait(spec.id)

    runtime = stage.world.settings.runtimes[0]
    assert str(caught.value) == (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
        f"{runtime} create failed: unable to start container process: {text}: unknown"
    )
    assert (ended.code, ended.reason, ended.started_at) == (128, "StartError", 0)
    assert ended.message == str(caught.value)
    assert stage.sandbox.log(spec.id).exists()


async def test_a_user_that_the_image_does_not_know_cannot_start(stage: Stage) -> None:
    """A number would do."""
    with pytest.raises(StartFailed, match="no users found"):
        await stage.sandbox.start(replace(container(stage.image, "true"), user="somebody"))


async def test_a_container_stops_by_its_signal(stage: Stage) -> None:
    """The one that it handles ends it as it wishes."""
    spec = container(
        stage.image, "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    )
    await stage.sandbox.start(spec)
    await until(lambda: "ready" in output(stage.sandbox.log(spec.id)))
    await stage.sandbox.stop(spec.id, grace=30)
    ended = await stage.sandbox.wait(spec.id)

    assert (ended.code, ended.reason) == (5, "Error")
    assert output(stage.sandbox.log(spec.id)) == "ready\nbye\n"


async def test_a_container_that_does_not_stop_is_killed(stage: Stage) -> None:
    """With all its processes."""
    spec = container(stage.image, "sleep 1000 & echo ready; sleep 1000")
    await stage.sandbox.start(spec)
    # Before its program has taken over, the runtime's own process would end by the signal.
    await until(lambda: "ready" in output(stage.sandbox.log(spec.id)))
    await stage.sandbox.stop(spec.id, grace=0.05)
    ended = await stage.sandbox.wait(spec.id)

    assert ended.code == 137
    assert [each for each in stage.world.left() if each.isdigit()] == []


async def test_a_terminal_is_one(stage: Stage) -> None:
    """And its output is logged as well."""
    code, said = await stage.run("test -t 1 && echo $TERM", tty=True)

    assert code == 0
    assert said.split() == ["xterm"]


async def test_last_words_are_the_exits_message(stage: Stage) -> None:
    """What is written to the default terminationMessagePath."""
    spec = container(stage.image, "echo -n farewell > /dev/termination-log; exit 1")
    await stage.sandbox.start(spec)

    assert (await stage.sandbox.wait(spec.id)).message == "farewell"


async def test_a_container_sees_nothing_of_the_machine(stage: Stage) -> None:
    """Its own processes, its own mounts, and the usual rights; the rest is masked or refused."""
    _, processes = await stage.run("ls -d /proc/[0-9]* | wc -l")
    _, masked = await stage.run("cat /proc/keys | wc -c", id=ContainerId(UID, "keys", 0))
    _, mounts = await stage.run("cat /proc/mounts", id=ContainerId(UID, "mounts", 0))
    _, rights = await stage.run("cat /proc/self/status", id=ContainerId(UID, "rights", 0))
    setting = "echo x > /proc/sys/kernel/domainname"
    _, refused = await stage.run(setting, id=ContainerId(UID, "setting", 0))

    points = {line.split()[1] for line in mounts.splitlines()}
    assert int(processes) <= 4
    assert int(masked) == 0
    assert not any(point.startswith(str(stage.world.settings.folder)) for point in points)
    assert {"/", "/proc", "/sys", "/dev/shm", "/etc/resolv.conf"} <= points
    assert "CapEff:\t00000000a80425fb" in rights
    assert "NoNewPrivs:\t0" in rights
    assert "Read-only file system" in refused


async def test_a_container_cannot_make_itself_a_disk(stage: Stage) -> None:
    """It may make device files, and the kernel does not let it open them."""
    _, said = await stage.run("mknod /disk b 254 0 && echo made; cat /disk | wc -c")

    assert said.startswith("made\n")
    assert "Operation not permitted" in said or "Permission denied" in said
    assert "\n0\n" in said


async def test_starting_and_stopping_twice_is_the_same_as_once(stage: Stage) -> None:
    """Whoever asks again is told what was."""
    spec = container(stage.image, "echo once; sleep 1000")
    first = await stage.sandbox.start(spec)

    assert await stage.sandbox.start(spec) == first
    await until(lambda: output(stage.sandbox.log(spec.id)) == "once\n")
    await stage.sandbox.stop(spec.id, grace=0)
    await stage.sandbox.stop(spec.id, grace=0)
    assert await stage.sandbox.start(spec) == first
    assert output(stage.sandbox.log(spec.id)) == "once\n"


async def test_who_stops_waiting_stops_nothing_half_way(stage: Stage) -> None:
    """However often, and in the middle of whatever: the end is the same, and all is given back."""
    spec = container(stage.image, "exit 6")
    await stage.sandbox.start(spec)
    for thousandths in range(40):
        with suppress(TimeoutError):
            async with asyncio.timeout(thousandths / 1000):
                await stage.sandbox.wait(spec.id)
    ended = await stage.sandbox.wait(spec.id)

    assert ended.code == 6
    here = stage.world.settings.folder / "pods" / UID / "containers" / "main-0"
    assert sorted(path.name for path in here.iterdir()) == [
        "container.json", "ended.json", "started.json", "termination-log",
    ]  # fmt: skip


async def test_closing_a_pod_leaves_nothing(stage: Stage) -> None:
    """While its containers run."""
    spec = container(stage.image, "sleep 1000")
    await stage.sandbox.start(spec)
    await stage.sandbox.close(UID)
    await stage.sandbox.close(UID)

    assert stage.world.left() == []
    assert await stage.sandbox.inventory() == ()
    assert not stage.sandbox.log(spec.id).exists()


async def test_sweeping_leaves_nothing_whatever_ran(stage: Stage) -> None:
    """`towline down` does it, when the agent has ended."""
    await stage.sandbox.start(container(stage.image, "sleep 1000"))

    sweep(stage.world.ledger)

    assert stage.world.left() == []
    assert not stage.world.settings.folder.exists()


async def test_only_the_last_attempt_before_is_kept(stage: Stage) -> None:
    """With its log, for `kubectl logs --previous`."""
    for attempt in range(4):
        await stage.run(f"echo {attempt}", id=ContainerId(UID, "main", attempt))
    (pod,) = await stage.sandbox.inventory()

    assert [each.id.attempt for each in pod.containers] == [2, 3]
    logs = [stage.sandbox.log(ContainerId(UID, "main", attempt)) for attempt in range(4)]
    assert [log.exists() for log in logs] == [False, False, True, True]
    assert output(logs[2]) == "2\n"


async def test_a_runtime_that_is_kept_waiting_is_given_up(stage: Stage, tmp_path: Path) -> None:
    """runc reads the image's list of users, and would wait for the other end of a pipe for ever."""
    trap = tar(directory("etc"), special("etc/passwd", tarfile.FIFOTYPE, mode=0o666))
    world = replace(stage.world, settings=replace(stage.world.settings, start_patience=3.0))
    await stage.sandbox.__aexit__(None, None, None)
    async with Sandbox(world.network, world.settings) as sandbox:
        async with world.registry(UID, image(busybox_tar(), trap)) as registry:
            pulled = await sandbox.pull(UID, f"{registry.address}/trap", ANYBODY, NoProgress())
        spec = replace(container(pulled, "echo on"), id=ContainerId(UID, "trap", 0))
        try:
            await sandbox.start(spec)
        except StartFailed as refused:
            assert "context deadline exceeded" in str(refused)
        ended = await sandbox.wait(spec.id)

        assert ended.reason == (
            "Completed" if world.settings.runtimes[0] == "crun" else "StartError"
        )
        await sandbox.close(UID)
        assert world.left() == []
    await stage.sandbox.__aenter__()
