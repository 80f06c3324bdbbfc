"""What is relied on of crun, runc and conmon, each as it is installed here."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.sandboxes import until

from towline.linux.cgroups import CgroupLayout, Cgroups
from towline.linux.ledger import Ledger
from towline.linux.oci_runtime import ContainerFiles, OciRuntime, RuntimeRefused, state_folder
from towline.linux.process import Process
from towline.linux.runtime_exec import execute
from towline.linux.runtime_process import end_runtime_processes, runtime_processes
from towline.linux.sweep import sweep
from towline.problem import Problem

pytestmark = pytest.mark.root
NAME = "tl-test-1"


@dataclass(frozen=True, slots=True)
class Bench:
    """A runtime, and files for one container with busybox in it."""

    ledger: Ledger
    runtime: OciRuntime
    files: ContainerFiles

    @property
    def group(self) -> str:
        """The container's control group."""
        return f"{self.ledger.cgroup}/pod/{NAME}"

    def write(self, *words: str, **linux: object) -> None:
        """A config that runs these words."""
        config = {
            "ociVersion": "1.0.2",
            "process": {"args": words, "cwd": "/", "user": {"uid": 0, "gid": 0},
                        "env": ["PATH=/bin"]},
            "root": {"path": str(self.files.bundle / "root")},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "mount", "network")],
                "cgroupsPath": self.group,
                **linux,
            },
        }  # fmt: skip
        (self.files.bundle / "config.json").write_text(json.dumps(config))

    async def made(self) -> Process:
        """The container's process, made and waiting."""
        process = Process.of(await self.runtime.create(self.files))
        assert process is not None
        return process

    async def ended(self) -> int:
        """The container's exit code, when conmon has written it and has ended."""
        monitor = Process.of(int(self.files.monitor_pid.read_text()))
        if monitor is not None:
            await monitor.ended()
        return int(self.files.exit.read_text())


@pytest.fixture(params=["crun", "runc"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """With each runtime."""
    ledger = Ledger.open(tmp_path / "ledger.json", tmp_path / "ours")
    runtime = OciRuntime.find(ledger.folder, Cgroups.of_machine(), (request.param,))
    bundle, state = ledger.folder / "bundle", ledger.folder / "monitor"
    state.mkdir()
    for folder in ("bin", "dev"):  # crun wants /dev to be there or mounted
        (bundle / "root" / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", bundle / "root" / "bin" / "busybox")
    yield Bench(ledger, runtime, ContainerFiles(NAME, bundle, ledger.folder / "log", state))
    sweep(ledger)


async def test_a_container_waits_until_it_is_let_run(bench: Bench) -> None:
    """Then it runs, and its code and its log are written by conmon."""
    bench.write("/bin/busybox", "sh", "-c", "echo ran; exit 9")
    process = await bench.made()

    assert process.lives()
    assert bench.runtime.waits(NAME)
    assert not bench.files.log.exists() or bench.files.log.read_text() == ""
    await bench.runtime.start(NAME)
    assert await bench.ended() == 9
    assert not bench.runtime.waits(NAME)
    assert bench.files.log.read_text().split(" ", 1)[1] == "stdout F ran\n"


@pytest.mark.parametrize("bench", ["crun"], indirect=True)
async def test_a_start_goes_on_where_another_was_killed_in_the_middle(bench: Bench) -> None:
    """The container was told to go on, and its gate was still there."""
    bench.write("/bin/busybox", "sleep", "1000")
    process = await bench.made()
    gate = bench.runtime.state / NAME / "exec.fifo"
    gate.write_bytes(b"\0")
    await until(lambda: b"busybox" in Path(f"/proc/{process.pid}/cmdline").read_bytes())
    await bench.runtime.start(NAME)

    assert not bench.runtime.waits(NAME)
    assert process.lives()


async def test_starting_a_second_time_is_refused(bench: Bench) -> None:
    """And harms nothing."""
    bench.write("/bin/busybox", "sleep", "1000")
    process = await bench.made()
    await bench.runtime.start(NAME)

    with pytest.raises(RuntimeRefused):
        await bench.runtime.start(NAME)
    assert process.lives()


async def test_deleting_ends_it_and_forgets_it(bench: Bench) -> None:
    """Whether it runs, waits or is not there."""
    bench.write("/bin/busybox", "sleep", "1000")
    process = await bench.made()
    await bench.runtime.delete(NAME)
    await bench.runtime.delete(NAME)
    await process.ended()

    assert list(bench.runtime.state.iterdir()) == []


async def test_a_process_that_a_signal_ends_has_128_and_its_number(bench: Bench) -> None:
    """As a shell counts."""
    bench.write("/bin/busybox", "sleep", "1000")
    process = await bench.made()
    await bench.runtime.start(NAME)
    process.signal(signal.SIGKILL)

    assert await bench.ended() == 128 + signal.SIGKILL


async def test_limits_are_in_the_containers_group(bench: Bench) -> None:
    """On whichever hierarchy the machine has, and nothing of it is left afterwards."""
    resources = {"memory": {"limit": 64 * 1024 * 1024}, "pids": {"limit": 77}}
    bench.write("/bin/busybox", "sleep", "1000", resources=resources)
    process = await bench.made()
    machine = Cgroups.of_machine()
    found = {
        (place / name).read_text().strip()
        for place in machine.folders(bench.group)
        for name in ("memory.limit_in_bytes", "memory.max", "pids.max")
        if (place / name).exists()
    }

    assert {str(64 * 1024 * 1024), "77"} <= found
    assert process.pid in machine.processes(bench.ledger.cgroup)
    machine.end(bench.ledger.cgroup)
    assert machine.folders(bench.ledger.cgroup) == []
    assert not process.lives()


async def test_who_starves_is_known_by_the_groups_own_count(bench: Bench) -> None:
    """Read after its end, before the group goes."""
    resources = {"memory": {"limit": 16 * 1024 * 1024}}
    bench.write("/bin/busybox", "tail", "-c", "200000000", "/dev/zero", resources=resources)
    await bench.made()
    machine = Cgroups.of_machine()
    before = machine.was_starved(bench.group)
    await bench.runtime.start(NAME)
    code = await bench.ended()

    assert (before, code) == (False, 137)
    assert machine.was_starved(bench.group)


def holds(pid: int, name: str) -> bool:
    """Whether a process has something of this name open."""
    links = Path(f"/proc/{pid}/fd").iterdir()
    return any(name in str(link.readlink()) for link in links)


async def test_conmon_holds_what_it_is_given_and_the_container_does_not(bench: Bench) -> None:
    """As long as it lives; what it holds keeps the container's readers waiting."""
    bench.write("/bin/busybox", "sleep", "1000")
    held = os.memfd_create("tl-held", os.MFD_CLOEXEC)
    try:
        process = await bench.runtime.create(bench.files, (held,))
    finally:
        os.close(held)
    await bench.runtime.start(NAME)
    await until(lambda: b"busybox" in Path(f"/proc/{process}/cmdline").read_bytes())

    assert holds(int(bench.files.monitor_pid.read_text()), "tl-held")
    assert not holds(process, "tl-held")


async def test_what_it_refuses_leaves_no_state(bench: Bench) -> None:
    """And its text comes through conmon."""
    bench.write("/bin/nothing")
    with pytest.raises(RuntimeRefused, match="/bin/nothing"):
        await bench.runtime.create(bench.files)

    assert list(bench.runtime.state.iterdir()) == []


async def test_all_processes_that_work_on_containers_are_found(bench: Bench) -> None:
    """By the state folder: conmon now, and nobody after it was ended."""
    bench.write("/bin/busybox", "sleep", "1000")
    await bench.made()
    await bench.runtime.start(NAME)
    state = state_folder(bench.ledger.folder)
    # Until it has become what it is to run, the container's process is one of the runtime itself.
    await until(lambda: len(list(runtime_processes(state, NAME))) == 1)
    (monitor,) = runtime_processes(state, NAME)

    assert monitor.pid == int(bench.files.monitor_pid.read_text())
    assert list(runtime_processes(state, "tl-test-2")) == []
    assert list(runtime_processes(bench.ledger.folder / "other")) == []
    await asyncio.to_thread(end_runtime_processes, state)
    assert not monitor.lives()


async def test_a_command_is_run_as_the_container_is(bench: Bench) -> None:
    """Its code is the command's."""
    bench.write("/bin/busybox", "sleep", "1000")
    await bench.made()
    await bench.runtime.start(NAME)
    code, said = await execute(
        bench.runtime, bench.files, ("/bin/busybox", "sh", "-c", "echo $PATH; exit 3")
    )

    assert (code, said) == (3, b"/bin\n")


async def test_sweeping_removes_what_was_half_made(bench: Bench) -> None:
    """A container that nobody has let run, with its monitor and its group."""
    bench.write("/bin/busybox", "sleep", "1000")
    process = await bench.made()

    sweep(bench.ledger)
    sweep(bench.ledger)

    assert not process.lives()
    assert not bench.ledger.folder.exists()
    assert not bench.ledger.path.exists()
    assert Cgroups.of_machine().folders(bench.ledger.cgroup) == []
    assert list(runtime_processes(state_folder(bench.ledger.folder))) == []


def test_crun_is_given_a_script_where_it_would_refuse_the_machine(tmp_path: Path) -> None:
    """Exactly on hybrid hierarchies; the script is made once."""
    machine = Cgroups.of_machine()
    found = OciRuntime.find(tmp_path, machine, ("crun",))
    again = OciRuntime.find(tmp_path, machine, ("crun",))

    hybrid = machine.layout is CgroupLayout.HYBRID
    assert (found.program != found.bare) == hybrid
    assert os.access(found.program, os.X_OK)
    assert found == again


def test_a_machine_without_a_runtime_is_told_what_to_install(tmp_path: Path) -> None:
    """A problem that the user can mend."""
    with pytest.raises(Problem) as caught:
        OciRuntime.find(tmp_path, Cgroups.of_machine(), ("no-such-runtime",))

    assert caught.value.code == "runtime-missing"
    assert "no-such-runtime is not installed" in str(caught.value)
