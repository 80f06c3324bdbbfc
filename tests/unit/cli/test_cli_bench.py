"""`towline bench pull` compares with what a machine has, and leaves the machine as it was."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.images import file, image, tar
from tests.registries import ScriptedRegistry, scripted

from towline.linux.process import Process

IMAGE = image(tar(file("small", b"1")))
KEEPING = '#!/bin/sh\nmkdir -p "$2/overlay" && chmod 0 "$2/overlay" && echo pulled\n'
REFUSING = "#!/bin/sh\necho first; echo it is not to my taste >&2; exit 3\n"
HANGING = '#!/bin/sh\necho $$ >"$STARTED"\nexec sleep 60\n'
NOTING = r"""#!/bin/sh
printf '%s\n' "$*" >>"$NOTES"
if [ "$3 $4" = "leases ls" ]; then echo a-lease; fi
"""

pytestmark = pytest.mark.slow


class Machine:
    """Programs on a path of their own, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "programs"
        self.work = folder / "work"
        self.environment = {"CONTAINERD_ADDRESS": str(folder / "containerd.sock")}
        for each in (self.programs, self.work):
            each.mkdir()

    def has(self, name: str, script: str) -> None:
        """One program more."""
        (self.programs / name).write_text(script)
        (self.programs / name).chmod(0o755)

    async def started(self, address: str, *options: str) -> asyncio.subprocess.Process:
        """A comparison that is going on."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "towline", "bench", "pull", f"{address}/a", "--in", self.work,
            "-o", "json", *options,
            env={"PATH": f"{self.programs}:/usr/bin:/bin", **self.environment},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def compared(self, *options: str) -> Mapping[str, Mapping[str, object]]:
        """What is said in the end."""
        async with scripted(ScriptedRegistry(IMAGE)) as registry:
            process = await self.started(registry.address, *options)
            said, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()
        found: Mapping[str, Mapping[str, object]] = json.loads(said)
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """One where only what a test puts there is known to pull."""
    return Machine(tmp_path)


async def test_whoever_pulls_is_compared_and_whoever_does_not_is_named(machine: Machine) -> None:
    """With medians, ratios, the last words of who failed, and why who is absent is."""
    machine.has("podman", KEEPING)
    machine.has("crane", REFUSING)

    result = await machine.compared("--runs", "2", "--with", "podman", "--with", "crane",
                                    "--with", "ctr")  # fmt: skip

    assert set(result["medians"]) == {"towline", "podman"}
    assert set(result["ratios"]) == {"towline/podman"}
    assert result["failed"] == {"crane": "it is not to my taste"}
    assert set(result["absent"]) == {"ctr"}
    assert list(machine.work.iterdir()) == []


async def test_containerd_gets_a_namespace_that_is_removed_again(machine: Machine) -> None:
    """The daemon that listens is the one whose time and memory count."""
    notes = machine.work.with_name("notes")
    machine.environment["NOTES"] = str(notes)
    machine.has("ctr", NOTING)
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(machine.environment["CONTAINERD_ADDRESS"])
        daemon.listen()
        result = await machine.compared("--runs", "1", "--with", "ctr")

    lines = notes.read_text().splitlines()
    (namespace,) = {line.split()[1] for line in lines}
    assert set(result["medians"]) == {"towline", "ctr"}
    assert lines[0].startswith(f"-n {namespace} images pull ")
    assert f"-n {namespace} leases rm --sync a-lease" in lines
    assert lines[-1] == f"-n {namespace} namespaces rm {namespace}"


async def test_an_interrupted_comparison_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    """No folder, and nobody who goes on."""
    started = tmp_path / "started"
    os.mkfifo(started)
    machine.environment["STARTED"] = str(started)
    machine.has("podman", HANGING)
    async with scripted(ScriptedRegistry(IMAGE)) as registry:
        process = await machine.started(registry.address, "--with", "podman")
        pid = int(await asyncio.to_thread(started.read_text))
        process.send_signal(signal.SIGINT)
        await process.communicate()

    assert process.returncode == 130
    assert list(machine.work.iterdir()) == []
    assert Process.of(pid) is None


async def test_who_is_not_known_cannot_be_compared_with(machine: Machine) -> None:
    """The remedy has those that are."""
    process = await machine.started("127.0.0.1:1", "--with", "rkt")
    _, complaint = await process.communicate()

    assert process.returncode == 1
    error = json.loads(complaint)["error"]
    assert error["code"] == "unknown-rival"
    assert "crane, ctr, podman, skopeo" in error["remedy"]
