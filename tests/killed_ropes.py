"""Ropes whose processes are killed with SIGKILL at any moment, while readers check every byte.

The owner of a rope is a process of its own, so that it can be killed like the holder and the worker;
this process plays conmon, which has a copy of the group. When all three are dead at once, what an
agent does then is done: the readers are killed before anything else, and the layers are tied again.
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.lazy_layers import Holes

from towline.content.layer_file import LayerFile
from towline.linux.foreign_descriptor import descriptor_of
from towline.sandbox.lazy.order import LazyLayer, Way
from towline.sandbox.lazy.rope import Rope, Whole
from towline.sandbox.lazy.seat import Seat, Seats
from towline.sandbox.lazy.strand import Held

_PATIENCE = 60.0
_LOOK = 0.01
_LONGEST_REST = (
    0.4  # seconds between two kills: some come before the last ones are back, some after
)
_OWNER = "owner"
_VICTIMS: tuple[tuple[Seat | str, ...], ...] = (
    (Seat.HOLDER,),
    (Seat.WORKER,),
    (_OWNER,),
    (Seat.HOLDER, Seat.WORKER),
    (Seat.WORKER, _OWNER),
    (Seat.HOLDER, _OWNER),
    (Seat.HOLDER, Seat.WORKER, _OWNER),
)
_OFTEN = (4, 8, 4, 4, 4, 3, 1)


@dataclass(slots=True)
class Toll:
    """What was seen."""

    lives: int = 0
    kills: int = 0
    worker_kills: int = 0
    lost: int = 0
    """How often all three were dead at once."""
    read: int = 0
    """Bytes that readers have compared."""
    wrong: list[str] = field(default_factory=list)
    """What was not as it should be."""


class Torment:
    """One rope and those around it."""

    def __init__(self, holes: Holes, way: Way, chance: random.Random, toll: Toll) -> None:
        self._holes = holes
        self._way = way
        self._chance = chance
        self._toll = toll
        self._folder = holes.folder / "rope"
        self._folder.mkdir(exist_ok=True)
        self._processes = _forking()
        self._owner: BaseProcess | None = None
        self._readers: list[BaseProcess] = []

    def live(self, kills: int, readers: int = 2) -> None:
        """From the first hole to the last, with so many kills on the way."""
        self._toll.lives += 1
        left = kills
        while (left := self._hang(left, readers)) > 0 and not self._ended():
            self._toll.lost += 1
        for layer in self._holes.layers:
            LayerFile.open(Path(layer.path)).verify()

    def _hang(self, kills: int, readers: int) -> int:
        """Until it is whole, or nobody is left; how many kills there are yet to do."""
        for name in ("tied", "lost"):
            (self._folder / name).unlink(missing_ok=True)
        self._own()
        self._wait(lambda: self._said("tied"), "it is not tied")
        group = self._copy()
        try:
            with self._holes.mounted() as at:
                self._readers = [self._start(read_all, at, self._sums(), n) for n in range(readers)]
                try:
                    while not self._ended() and not self._said("lost"):
                        kills -= self._maybe_kill(kills)
                finally:
                    self._dismiss(kill=not self._ended())
        finally:
            os.close(group)
            self._end_owner()
        return max(kills, 1) if self._said("lost") else 0

    def _maybe_kill(self, kills: int) -> int:
        time.sleep(self._chance.random() * _LONGEST_REST)
        if kills <= 0:
            self._wait(lambda: self._ended() or self._said("lost"), "it does not end")
            return 0
        (victims,) = self._chance.choices(_VICTIMS, _OFTEN)
        for victim in victims:
            self._kill(victim)
        if _OWNER in victims:
            self._own()
        return len(victims)

    def _kill(self, victim: Seat | str) -> None:
        self._toll.kills += 1
        if isinstance(victim, str):
            self._end_owner()
            return
        self._toll.worker_kills += victim is Seat.WORKER
        fd = os.open(self._folder / "seats", os.O_RDWR | os.O_CLOEXEC)
        try:
            pidfd = Seats(fd).kill(victim)
            if pidfd is not None:
                os.close(pidfd)
        finally:
            os.close(fd)

    def _own(self) -> None:
        self._owner = self._start(own, self._holes.layers, self._way, self._folder)

    def _end_owner(self) -> None:
        if self._owner is not None:
            self._owner.kill()
            self._owner.join()
            self._owner = None

    def _dismiss(self, *, kill: bool) -> None:
        """Let the readers finish, or kill them, as an agent does when nobody could answer them."""
        for reader in self._readers:
            if kill:
                reader.kill()
            reader.join(_PATIENCE)
            if reader.exitcode is None:
                self._toll.wrong.append("a reader waits for ever")
                reader.kill()
                reader.join()
            elif reader.exitcode == 0:
                self._toll.read += sum(map(_size, self._holes.contents))
            elif reader.exitcode != -signal.SIGKILL or not kill:
                self._toll.wrong.append(f"a reader ended with {reader.exitcode}")
        self._readers = []

    def _copy(self) -> int:
        """The group, as conmon would have it."""
        fd = os.open(self._folder / "seats", os.O_RDWR | os.O_CLOEXEC)
        deadline = time.monotonic() + _PATIENCE
        try:
            while time.monotonic() < deadline:
                for seat in Seat:
                    pidfd = Seats(fd).watch(seat)
                    if pidfd is None:
                        continue
                    try:
                        return descriptor_of(pidfd, Held.GROUP)
                    except OSError:
                        continue
                    finally:
                        os.close(pidfd)
                time.sleep(_LOOK)
        finally:
            os.close(fd)
        raise TimeoutError("nobody holds the rope")

    def _sums(self) -> Mapping[tuple[int, str], str]:
        return self._holes.digests()

    def _start(self, work: object, *arguments: object) -> BaseProcess:
        process = self._processes.Process(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]  # a function
        process.start()
        return process

    def _said(self, word: str) -> bool:
        return (self._folder / word).exists()

    def _ended(self) -> bool:
        return self._said("whole")

    def _wait(self, condition: object, complaint: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not condition():  # type: ignore[operator]  # a function
            if time.monotonic() > deadline:
                raise TimeoutError(complaint)
            time.sleep(_LOOK)


def own(layers: Sequence[LazyLayer], way: Way, folder: Path) -> None:
    """The owner's process: tie the layers, or find who holds them; say how it ended."""
    asyncio.run(_own(layers, way, folder))


async def _own(layers: Sequence[LazyLayer], way: Way, folder: Path) -> None:
    rope = await Rope.find(folder, None)
    if rope is None and (folder / "tied").exists():
        (folder / "lost").touch()
        return
    if rope is None:
        rope = await Rope.tie(layers, way, folder, None)
    (folder / "tied").touch()
    end = await rope.finished()
    (folder / ("whole" if end == Whole() else "broken")).write_text(str(end))


def read_all(at: Sequence[Path], sums: Mapping[tuple[int, str], str], seed: int) -> None:
    """A reader's process: every file, in an order of its own, a piece at a time."""
    order = list(sums)
    random.Random(seed).shuffle(order)
    for layer, name in order:
        digest = hashlib.sha256()
        with (at[layer] / name).open("rb", buffering=0) as file:
            while piece := file.read(64 * 1024):
                digest.update(piece)
        if digest.hexdigest() != sums[layer, name]:
            os._exit(3)  # a wrong byte


def _size(contents: Mapping[str, bytes]) -> int:
    return sum(map(len, contents.values()))


def _forking() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.killed_ropes"])
    return context
