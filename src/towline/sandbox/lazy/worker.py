"""The worker of a rope: reads what readers want, brings it, and fills the rest behind them.

It may be killed at any moment: the next one goes on from the journal and from what is in the files
(see `desk` and `spans`). When all layers are whole and verified, nobody is asked any more about them,
and the worker ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from towline.content.index_blob import decode_head
from towline.content.lazy_file import LazyFile
from towline.linux.fanotify import PreContent
from towline.sandbox.lazy.behind import Behind
from towline.sandbox.lazy.demand import Demand, RightOfWay
from towline.sandbox.lazy.desk import Desk, keep_numbers
from towline.sandbox.lazy.fate import Fate
from towline.sandbox.lazy.journal import Journal, State
from towline.sandbox.lazy.order import Order
from towline.sandbox.lazy.road import Roads
from towline.sandbox.lazy.seat import Seat, Seats
from towline.sandbox.lazy.spans import Spans
from towline.sandbox.lazy.strand import Companion, Held, forget_others

_EXPENDABLE = "-500"  # before the holder when memory is short, after the containers
_THREADS = 4
_GRACE = 1.0
"""Seconds after the last file was let go: a reader may have met the mark just before, and asks yet."""


def main() -> None:
    """Work, until there is nothing left to do; at once over when another works already."""
    if not Seats(Held.SEATS).take(Seat.WORKER):
        return
    journal = Journal(Held.JOURNAL)
    forget_others(journal.layers)
    keep_numbers(journal, Held.NEWS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_EXPENDABLE)
    if not journal.untied and journal.state is not State.WHOLE:
        asyncio.run(_work(journal))


async def _work(journal: Journal) -> None:
    order = Order(Held.ORDER)
    files = _files(order)
    group = PreContent(Held.GROUP)
    fate = Fate(journal, Held.NEWS, Path(order.layers.folder))
    right = RightOfWay()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="towline-spans") as threads:
        spans = Spans(files, journal, fate, threads)
        roads = Roads(order, right)
        desk = Desk(group, journal, spans, Demand(spans, roads, right, fate), fate)
        filler = _Filler(files, spans, Behind(spans, roads, right), group, fate)
        async with asyncio.TaskGroup() as tasks:
            inodes = {os.fstat(file.descriptor).st_ino: n for n, file in enumerate(files)}
            served = tasks.create_task(desk.serve(inodes))
            kept = tasks.create_task(_keep_holder(journal))
            await roads.open_up()
            await filler.fill()
            await asyncio.sleep(_GRACE)
            served.cancel()
            kept.cancel()


def _files(order: Order) -> Sequence[LazyFile]:
    heads = (decode_head(Path(layer.head).read_bytes()) for layer in order.layers.layers)
    return [LazyFile(Held.FILES + number, head) for number, head in enumerate(heads)]


async def _keep_holder(journal: Journal) -> None:
    """Have a holder, for ever."""
    held = range(Held.GROUP, Held.FILES + journal.layers)
    holder, loop = Companion(Seat.HOLDER, held, journal), asyncio.get_running_loop()
    while True:
        pidfd, ended = holder.watch(), asyncio.Event()
        loop.add_reader(pidfd, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(pidfd)
        await asyncio.sleep(holder.mourn(pidfd))


class _Filler:
    """Makes layers whole, and lets them go."""

    def __init__(
        self,
        files: Sequence[LazyFile],
        spans: Spans,
        behind: Behind,
        group: PreContent,
        fate: Fate,
    ) -> None:
        self._files = files
        self._spans = spans
        self._behind = behind
        self._group = group
        self._fate = fate

    async def fill(self) -> None:
        """Returns when all layers are whole, and never when the rope broke."""
        async with asyncio.TaskGroup() as race:
            filling = race.create_task(self._fill())
            breaking = race.create_task(self._fate.broken.wait())
            filling.add_done_callback(lambda _: breaking.cancel())
            breaking.add_done_callback(lambda _: filling.cancel())
        if self._fate.broken.is_set():
            await asyncio.Event().wait()
        self._fate.finish()

    async def _fill(self) -> None:
        """The largest layers first: the last ones are verified when nothing comes any more."""
        largest_first = sorted(range(len(self._files)), key=self._packed_size, reverse=True)
        async with asyncio.TaskGroup() as sealing:
            for layer in largest_first:
                await self._behind.fill(layer)
                sealing.create_task(self._seal(layer))

    def _packed_size(self, layer: int) -> int:
        return self._spans.index(layer).packed_size

    async def _seal(self, layer: int) -> None:
        if not await self._spans.is_whole(layer):
            diff_id = self._spans.index(layer).diff_id
            self._fate.break_off(f"the spans of {diff_id} are there, but are not that layer")
            return
        with contextlib.suppress(FileNotFoundError):  # a worker before us came so far
            self._group.unmark(self._files[layer])


if __name__ == "__main__":
    main()
