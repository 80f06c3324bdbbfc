"""A command run inside a container that runs already.

The runtime waits for the command and ends with its code. It is killed by the number that the
runtime wrote down, because killing the runtime would leave it running.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from towline.linux.oci_runtime import ContainerFiles, OciRuntime, RuntimeRefused
from towline.linux.process import Process

OUTPUT_AT_MOST = 10 * 1024  # the kubelet's maxRespBodyLength for probes
_DRAIN = 1.0
"""Seconds for the output of a command that has ended: what it left behind may hold it open."""
_START = 10.0
"""Seconds for a runtime that nobody waits for any more to start its command, so that it can be killed."""
_LOOK = 0.01


class _Config(msgspec.Struct):
    process: dict[str, Any]


async def execute(
    runtime: OciRuntime, container: ContainerFiles, command: tuple[str, ...]
) -> tuple[int, bytes]:
    """Run a command with the container's own user, variables and folder; its code, and the last of
    what it wrote to both outputs.

    Who is cancelled kills it. What it leaves running in the container goes on; while that holds the
    output open, runc waits for it. Raises `RuntimeRefused` when it could not be run.
    """
    with tempfile.TemporaryDirectory(prefix=".exec-", dir=runtime.state.parent) as folder:
        pid_file, process = Path(folder) / "pid", Path(folder) / "process.json"
        process.write_bytes(_process(container, command))
        options = (f"--pid-file={pid_file}", f"--process={process}")
        arguments = ("exec", *options, container.id)
        async with _output() as (tail, sender):
            code = await _run(runtime, arguments, sender, pid_file)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN):
                    await tail.ended.wait()
        if not pid_file.exists():
            raise RuntimeRefused(tail.kept.decode(errors="replace"))
    return code, bytes(tail.kept)


def _process(container: ContainerFiles, command: tuple[str, ...]) -> bytes:
    """The container's own process with other words: crun's flags know no working directory of it."""
    try:
        config = msgspec.json.decode((container.bundle / "config.json").read_bytes(), type=_Config)
    except FileNotFoundError as error:
        raise RuntimeRefused("container is not running") from error
    return msgspec.json.encode(config.process | {"args": command, "terminal": False})


async def _run(runtime: OciRuntime, arguments: tuple[str, ...], sender: int, pid_file: Path) -> int:
    try:
        process = await asyncio.create_subprocess_exec(
            *runtime.command(*arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sender,
            stderr=sender,
        )
    finally:
        os.close(sender)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        await _give_up(process, pid_file)
        raise


async def _give_up(process: asyncio.subprocess.Process, pid_file: Path) -> None:
    """Kill the command; the runtime then ends by itself and takes the dead process with it."""
    command = await _started(process, pid_file)
    if command is not None:
        command.signal(signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                await process.wait()
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def _started(process: asyncio.subprocess.Process, pid_file: Path) -> Process | None:
    """The command, once the runtime has told its number; None if that ends without one.

    A runtime that is killed before may leave behind a command whose number nobody knows.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_START):
            # Of another process there is no event.
            while process.returncode is None and not _number(pid_file):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK)
    number = _number(pid_file)
    return Process.of(number) if number else None


def _number(pid_file: Path) -> int:
    try:
        return int(pid_file.read_text())
    except (FileNotFoundError, ValueError):  # not there, or not written yet
        return 0


class _Tail(asyncio.Protocol):
    """The last of what comes out of a pipe."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.kept += data
        del self.kept[:-OUTPUT_AT_MOST]

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


@asynccontextmanager
async def _output() -> AsyncIterator[tuple[_Tail, int]]:
    """A pipe: what is kept of it, and the end to write to, which the user closes."""
    receiver, sender = os.pipe()
    pipe = os.fdopen(receiver, "rb", buffering=0)
    loop = asyncio.get_running_loop()
    transport, tail = await loop.connect_read_pipe(_Tail, pipe)
    try:
        yield tail, sender
    finally:
        transport.close()
