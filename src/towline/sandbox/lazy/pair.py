"""Holder and worker of a rope, as its owner sees them: started, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from towline.linux.cgroups import Cgroups
from towline.sandbox.lazy.journal import Journal
from towline.sandbox.lazy.nursery import Nursery
from towline.sandbox.lazy.order import Order
from towline.sandbox.lazy.seat import Seat, Seats
from towline.sandbox.lazy.strand import Held, Setbacks, reap, start

PAIR = (Seat.HOLDER, Seat.WORKER)


class Pair:
    """The two, by what they and we hold."""

    def __init__(
        self, held: Sequence[int], log: Path, cgroup: str | None, nursery: Nursery | None
    ) -> None:
        """`held` are a strand's descriptors, in their order; they belong to this from now on."""
        self._held = tuple(held)
        self._log = log
        self._cgroup = cgroup
        self._nursery = nursery
        of = dict(zip(Held, held, strict=False))
        self.group = of[Held.GROUP]
        self.journal = Journal(of[Held.JOURNAL])
        self.order = Order(of[Held.ORDER])
        self._news = of[Held.NEWS]
        self._seats = Seats(of[Held.SEATS])
        self._setbacks = Setbacks(self.journal)
        self._children = set[int]()
        """Pidfds of those that we started."""

    async def start(self) -> None:
        """Start both. One whose seat is taken ends at once."""
        loop = asyncio.get_running_loop()
        pids = await asyncio.to_thread(self._start)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # no child of ours, and dead already
                pidfd = os.pidfd_open(pid)
                self._children.add(pidfd)
                loop.add_reader(pidfd, self._bury, pidfd)

    def _start(self) -> Sequence[int]:
        forked = self._nursery.worker(self._held, self._log) if self._nursery else None
        seats = (Seat.HOLDER,) if forked else (Seat.WORKER, Seat.HOLDER)
        pids = [start(seat, self._held, self._log) for seat in seats]
        pids += [forked] if forked else []
        if self._cgroup is not None:
            move_into(self._cgroup, pids)
        return pids

    async def change(self) -> None:
        """Wait until there is news of the rope, or one of the two has ended; when both have, they are
        started again.
        """
        with self._watched() as pidfds:
            if pidfds or self._children:
                await _readable((self._news, *(pidfds or tuple(self._children))))
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._news)
                return
        await asyncio.sleep(self._setbacks.another())
        if self._setbacks.hopeless:
            self.journal.break_off("its processes ended again and again")
        elif not any(map(self._seats.occupant, PAIR)):
            await self.start()

    async def end(self) -> None:
        """Have both end."""
        self.journal.untie()
        while True:
            killed = [fd for seat in PAIR if (fd := self._seats.kill(seat)) is not None]
            killed += [os.dup(fd) for fd in self._children]
            if not killed:
                return
            try:
                for fd in killed:
                    await _readable((fd,))
            finally:
                for fd in killed:
                    os.close(fd)
            await asyncio.sleep(0)  # so that those that were our children are buried

    def close(self) -> None:
        """Let go what we hold."""
        for fd in self._held:
            os.close(fd)

    def _bury(self, pidfd: int) -> None:
        asyncio.get_running_loop().remove_reader(pidfd)
        self._children.remove(pidfd)
        reap(pidfd)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[tuple[int, ...]]:
        """Pidfds of those who sit."""
        pidfds = tuple(fd for seat in PAIR if (fd := self._seats.watch(seat)) is not None)
        try:
            yield pidfds
        finally:
            for fd in pidfds:
                os.close(fd)


def move_into(cgroup: str, pids: Sequence[int]) -> None:
    """Put processes into a control group of one hierarchy, the first that takes them; the group is
    made there. Those that have ended are not missed.
    """
    for hierarchy in reversed(Cgroups.of_machine().hierarchies):  # version 2 is last
        folder = hierarchy / cgroup.lstrip("/")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    (folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            continue  # not ours to write, or one that wants settings first, as cpuset does
        return


async def _readable(descriptors: Sequence[int]) -> None:
    """Wait until one of them is."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    copies = [os.dup(fd) for fd in descriptors]  # each may be watched by somebody else, too
    for fd in copies:
        loop.add_reader(fd, ready.set)
    try:
        await ready.wait()
    finally:
        for fd in copies:
            loop.remove_reader(fd)
            os.close(fd)
