"""Doors are handed to the registry, over a real UNIX socket, for as long as both live."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.networks import StandInRegistry, heard, until

from towline.installation.data_directory import DataDirectory
from towline.sandbox.network.handover import Handover, OpenDoor


def listening() -> socket.socket:
    """A socket that listens on this machine."""
    made = socket.create_server(("127.0.0.1", 0))
    made.setblocking(False)
    return made


async def dial(door: OpenDoor) -> str:
    """What is said at a door; without a registry there is a wait and nothing more."""
    loop = asyncio.get_running_loop()
    made = socket.socket()
    made.setblocking(False)
    await loop.sock_connect(made, door.listening.getsockname())
    return await heard(made)


@asynccontextmanager
async def handing_over(folder: Path) -> AsyncIterator[Handover]:
    """A handover at work for the length of the block."""
    handover = Handover(DataDirectory(folder).doors_socket, lambda: None)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(handover.run())
        yield handover
        task.cancel()


async def test_a_door_is_served_until_it_is_withdrawn(tmp_path: Path) -> None:
    """Then the registry has closed its copy of the socket."""
    registry = StandInRegistry(tmp_path)
    async with registry.serving(), handing_over(tmp_path) as handover:
        door = OpenDoor("door-1", "tcr-1", listening())
        handover.offer(door)
        told = await dial(door)
        served = handover.is_served(door)
        doors = dict(registry.doors)
        handover.withdraw(door.id)
        door.listening.close()

        async def closed() -> bool:
            return not registry.doors

        await until(closed)

    assert (told, served, doors) == ("127.0.0.1", True, {"door-1": "tcr-1"})
    assert not handover.is_served(door)


async def test_all_doors_are_handed_to_the_next_registry(tmp_path: Path) -> None:
    """Those who dial while there is none wait."""
    registry = StandInRegistry(tmp_path)
    doors = [OpenDoor(f"door-{number}", "tcr-1", listening()) for number in range(3)]
    told = list[str]()
    async with handing_over(tmp_path) as handover:
        for door in doors:
            handover.offer(door)
        for _ in range(2):
            async with asyncio.TaskGroup() as dialling:
                waiting = [dialling.create_task(dial(door)) for door in doors]
                async with registry.serving():
                    told += [await task for task in waiting]
                    told += [await dial(door) for door in doors]
    for door in doors:
        door.listening.close()

    assert told == ["127.0.0.1"] * 12


async def test_a_door_that_takes_anothers_place_is_served_instead(tmp_path: Path) -> None:
    """A link may get another address under the same id."""
    registry = StandInRegistry(tmp_path)
    async with registry.serving(), handing_over(tmp_path) as handover:
        old = OpenDoor("door-1", "tcr-1", listening())
        handover.offer(old)
        await dial(old)
        new = OpenDoor("door-1", "tcr-1", listening())
        handover.offer(new)
        await dial(new)
        served = (handover.is_served(old), handover.is_served(new))
        for door in (old, new):
            door.listening.close()

    assert served == (False, True)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b'{"ok": false, "cause": "not yet"}\n', id="refusal"),
        pytest.param(b"what?\n", id="no-answer-at-all"),
        pytest.param(b"", id="hang-up"),
    ],
)
async def test_what_goes_wrong_once_is_tried_again(tmp_path: Path, first: bytes) -> None:
    """A registry that refuses, babbles or dies at the first door takes it in the end."""
    path = DataDirectory(tmp_path).doors_socket
    path.parent.mkdir()
    answers = iter([first])
    offers = list[str]()
    taken = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            offers.append(json.loads(line)["id"])
            answer = next(answers, b'{"ok": true}\n')
            if not answer:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    door = OpenDoor("door-1", "tcr-1", listening())
    handover = Handover(path, taken.set)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(handover.run())
        handover.offer(door)
        async with asyncio.timeout(10):
            await taken.wait()
        task.cancel()
    server.close()
    await server.wait_closed()
    door.listening.close()

    assert offers == ["door-1", "door-1"]


@pytest.mark.parametrize("turns", range(4))
async def test_both_sides_may_end_at_the_same_moment(tmp_path: Path, turns: int) -> None:
    """Whichever is noticed first, the handover ends."""
    registry = StandInRegistry(tmp_path)
    door = OpenDoor("door-1", "tcr-1", listening())
    handover = Handover(DataDirectory(tmp_path).doors_socket, lambda: None)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        async with registry.serving():
            task = tasks.create_task(handover.run())
            handover.offer(door)
            await dial(door)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
    door.listening.close()

    assert task.cancelled()
