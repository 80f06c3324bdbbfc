"""What is read of the kernel's own texts, and the words for what runtimes refuse."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from towline.linux.cgroups import CgroupLayout, Cgroups
from towline.linux.ledger import Ledger
from towline.linux.mounts import make_folders, mounts_below
from towline.linux.process import Process
from towline.linux.runtime_message import exec_refusal, refusal, spec_refusal
from towline.linux.system_call import open_below

V1 = "31 30 0:27 / /sys/fs/cgroup/{name} rw,relatime shared:9 - cgroup cgroup rw,{name}\n"
V2 = "40 30 0:36 / {path} rw,relatime shared:18 - cgroup2 cgroup2 rw\n"
OTHER = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "layout", "hierarchies"),
    [
        (OTHER, CgroupLayout.NONE, 0),
        (OTHER + V2.format(path="/sys/fs/cgroup"), CgroupLayout.UNIFIED, 1),
        (V1.format(name="memory") + V1.format(name="pids"), CgroupLayout.LEGACY, 2),
        (
            V1.format(name="memory") + V2.format(path="/sys/fs/cgroup/unified"),
            CgroupLayout.HYBRID,
            2,
        ),
    ],
    ids=["none", "v2", "v1", "hybrid"],
)
def test_a_machines_hierarchies_are_seen(
    mountinfo: str, layout: CgroupLayout, hierarchies: int
) -> None:
    """In any mixture."""
    found = Cgroups.parse(mountinfo)

    assert found.layout is layout
    assert len(found.hierarchies) == hierarchies
    assert (found.unified is not None) == (layout in {CgroupLayout.UNIFIED, CgroupLayout.HYBRID})


def test_starvation_is_read_from_either_version(tmp_path: Path) -> None:
    """And only from counts that are not 0."""
    one, two, none = (tmp_path / name for name in ("v1", "v2", "none"))
    for folder in (one, two, none):
        (folder / "pod").mkdir(parents=True)
    (one / "pod" / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    (two / "pod" / "memory.events").write_text("low 0\nmax 12\noom 1\noom_kill 1\n")
    (none / "pod" / "memory.events").write_text("oom 1\noom_kill 0\n")

    def starved(*hierarchies: Path) -> bool:
        return Cgroups(CgroupLayout.HYBRID, hierarchies).was_starved("/pod")

    assert [starved(one), starved(two), starved(none), starved(none, one)] == [
        True, True, False, True,
    ]  # fmt: skip
    assert not starved(tmp_path / "gone")


def test_a_group_that_is_not_there_has_ended(tmp_path: Path) -> None:
    """Ending it is done before it was begun."""
    machine = Cgroups(CgroupLayout.UNIFIED, (tmp_path,))
    machine.end("/none")

    assert machine.processes("/none") == frozenset()


@pytest.mark.parametrize(
    ("runtime", "said", "core"),
    [
        (
            "runc",
            (
                'level=error msg="runc create failed: unable to start container process: '
                'exec: \\"x\\": executable file not found in $PATH"\n'
            ),
            'unable to start container process: exec: "x": executable file not found in $PATH',
        ),
        (
            "crun",
            "executable file `x` not found in $PATH: No such file or directory\n",
            'unable to start container process: exec: "x": executable file not found in $PATH',
        ),
        (
            "crun",
            "executable file `/x` not found in $PATH: No such file or directory\n",
            'unable to start container process: exec: "/x": stat /x: no such file or directory',
        ),
        (
            "crun",
            "open executable: Permission denied\n",
            'unable to start container process: exec: "x": permission denied',
        ),
        ("crun", "", "unable to start container process: no reason given"),
        ("crun", "a warning\nsomething new\n", "unable to start container process: something new"),
        ("runc", "no line of a log\n", "no line of a log"),
    ],
    ids=["runc", "path", "file", "permission", "silent", "unknown", "runc-plain"],
)
def test_both_runtimes_refuse_in_the_same_words(runtime: str, said: str, core: str) -> None:
    """Framed as containerd frames them."""
    frame = (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed"
    )

    assert refusal(runtime, said, "x") == f"{frame}: {runtime} create failed: {core}: unknown"


def test_what_no_config_can_be_made_for_is_said_in_containerds_words() -> None:
    """With the container's id."""
    assert spec_refusal("id-1", "no command specified") == (
        'failed to generate container "id-1" spec: failed to generate spec: no command specified'
    )


def test_a_command_is_refused_as_containerd_says_it() -> None:
    """runc says once more that it failed; once is enough."""
    said = 'level=error msg="exec failed: unable to start container process: exec: \\"x\\": boo"'

    assert exec_refusal("runc", said, "x") == (
        "failed to exec in container: OCI runtime exec failed: exec failed: "
        'unable to start container process: exec: "x": boo: unknown'
    )


def test_a_ledger_is_the_same_for_the_same_folder(tmp_path: Path) -> None:
    """It is on the disk before anything is made, and an earlier boot's is read as it was."""
    path = tmp_path / "state" / "ledger.json"
    assert Ledger.read(path) is None
    first = Ledger.open(path, tmp_path / "ours")
    again = Ledger.open(path, tmp_path / "elsewhere")
    other = Ledger.open(tmp_path / "other.json", tmp_path / "theirs")

    assert again == first == Ledger.read(path)
    assert first.installation != other.installation
    assert first.cgroup == f"/towline-{first.installation}"
    assert first.names.prefix == f"tl-{first.installation}-"


def test_a_process_is_not_the_next_of_its_number() -> None:
    """Its start is part of it."""
    mine = Process.of(os.getpid())
    assert mine is not None
    impostor = Process(mine.pid, mine.started + 1, mine.boot)

    assert mine.lives()
    assert not impostor.lives()
    impostor.signal(signal.SIGKILL)  # or this test would not go on


async def test_the_end_of_anybodys_process_can_be_awaited() -> None:
    """Also when it has ended long ago."""
    with subprocess.Popen(["sleep", "1000"]) as child:  # noqa: ASYNC220  # not asyncio's own
        process = Process.of(child.pid)
        assert process is not None
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(process.ended())
            await asyncio.sleep(0)
            assert not waiting.done()
            process.signal(signal.SIGTERM)
    await process.ended()

    assert not process.lives()
    assert Process.of(2**22 + 1) is None


def test_links_lead_nowhere_out_of_a_root(tmp_path: Path) -> None:
    """Neither for reading nor for making folders."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "file").write_text("outside")
    (root / "up").symlink_to("../outside")
    (root / "absolute").symlink_to(outside)
    for path in ("up/file", "absolute/file", "../outside/file"):
        with pytest.raises(FileNotFoundError):
            open_below(root, path)
    for path in ("up/made", "absolute/made"):
        with pytest.raises(FileNotFoundError):
            make_folders(root, path, 0o777)
    make_folders(root, "a/b", 0o777)
    make_folders(root, "a/b/c", 0o777)

    assert list(outside.iterdir()) == [outside / "file"]
    assert (root / "a" / "b" / "c").stat().st_mode & 0o777 == 0o777


def test_nothing_is_mounted_below_a_new_folder(tmp_path: Path) -> None:
    """And the root of everything is."""
    assert mounts_below(tmp_path) == []
    assert Path("/") in mounts_below(Path("/"))


def test_who_expects_a_process_moves_nobody_elsewhere(tmp_path: Path) -> None:
    """It is one write into a group that it is in already."""
    lines = [
        line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines() if line
    ]
    places = {name.removeprefix("name=") or "unified": group for _, name, group in lines}
    for name, group in places.items():
        (tmp_path / name / group.lstrip("/")).mkdir(parents=True)
    hierarchies = tuple(tmp_path / name for name in places)

    Cgroups(CgroupLayout.HYBRID, hierarchies, tmp_path / "unified").expect_arrival()

    written = [file.read_text() for file in tmp_path.rglob("cgroup.procs")]
    assert written == [str(os.getpid())]
