"""Where readers' questions are read, and answered when what they want is there.

A question is safe from the moment at which it is read: it lies in the journal until it is answered.
The order of an answer is: say it, clear the journal, close the descriptor. So whoever dies in between
leaves at worst a question that is answered twice, and the second answer finds nobody; and no number
names two questions, because it is free for the kernel to give again only after the last step. The
numbers of a dead worker's questions are taken by its successor first of all (`keep_numbers`).

Our own writes are asked about, too, when somebody else still watched a file while it was opened: a
strand of an earlier rope that was about to end. They are let through at once; nobody else could.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from towline.content.erofs import TAR_OFFSET
from towline.linux.fanotify import Access, PreContent, Verdict, read_access
from towline.sandbox.lazy.demand import Demand
from towline.sandbox.lazy.fate import Fate
from towline.sandbox.lazy.journal import SLOTS, Journal, Noted
from towline.sandbox.lazy.spans import Key, Spans


def keep_numbers(journal: Journal, descriptor: int) -> None:
    """Let no new question have the number of one that waits. It must happen before anything else is
    opened; `descriptor` lends itself to fill the places.
    """
    for noted in journal.noted():
        os.dup2(descriptor, read_access(noted.event).descriptor, inheritable=False)


class Desk:
    """Answers all questions about a rope's files."""

    def __init__(
        self, group: PreContent, journal: Journal, spans: Spans, demand: Demand, fate: Fate
    ) -> None:
        self._group = group
        self._journal = journal
        self._spans = spans
        self._demand = demand
        self._fate = fate
        self._free = list(range(SLOTS))
        self._freed = asyncio.Event()

    async def serve(self, layers: Mapping[int, int]) -> None:
        """Answer, for ever; `layers` says which layer an inode is."""
        async with asyncio.TaskGroup() as errands:
            for noted in tuple(self._journal.noted()):
                self._free.remove(noted.slot)
                self._take(read_access(noted.event), noted, errands)
            self._journal.begin()
            waiting, loop = asyncio.Event(), asyncio.get_running_loop()
            loop.add_reader(self._group.fileno(), waiting.set)
            try:
                while True:
                    await waiting.wait()
                    waiting.clear()
                    self._read(layers, errands)
                    if not self._free:
                        loop.remove_reader(self._group.fileno())
                        self._freed.clear()
                        await self._freed.wait()
                        loop.add_reader(self._group.fileno(), waiting.set)
            finally:
                loop.remove_reader(self._group.fileno())

    def _read(self, layers: Mapping[int, int], errands: asyncio.TaskGroup) -> None:
        while self._free:
            slot = self._free[-1]
            access = self._group.read_into(self._journal.place(slot))
            if access is None:
                return
            self._free.pop()
            layer = layers[access.inode]
            self._journal.note_layer(slot, layer)
            noted = Noted(slot, b"", layer)
            if access.pid == os.getpid():
                self._respond(access, noted, Verdict.ALLOW)
            else:
                self._take(access, noted, errands)

    def _take(self, access: Access, noted: Noted, errands: asyncio.TaskGroup) -> None:
        keys = self._wanted(access, noted.layer)
        missing = [key for key in keys if not self._spans.has(key)]
        following = self._demand.ahead(keys) if keys else None
        if missing and not self._fate.broken.is_set():
            errands.create_task(self._run(access, noted, missing))
        else:
            self._answer(access, noted)
        if following is not None:
            errands.create_task(self._demand.read_on(following))

    async def _run(self, access: Access, noted: Noted, missing: Sequence[Key]) -> None:
        """Have what is missing brought, or find out that it will not be."""
        async with asyncio.TaskGroup() as race:
            having = race.create_task(self._demand.have(missing))
            breaking = race.create_task(self._fate.broken.wait())
            having.add_done_callback(lambda _: breaking.cancel())
            breaking.add_done_callback(lambda _: having.cancel())
        self._answer(access, noted)

    def _answer(self, access: Access, noted: Noted) -> None:
        there = all(map(self._spans.has, self._wanted(access, noted.layer)))
        there = there and not self._fate.broken.is_set()
        self._respond(access, noted, Verdict.ALLOW if there else Verdict.DENY)

    def _respond(self, access: Access, noted: Noted, verdict: Verdict) -> None:
        self._group.respond(access.descriptor, verdict)
        self._journal.clear(noted.slot)
        os.close(access.descriptor)
        self._free.append(noted.slot)
        self._freed.set()

    def _wanted(self, access: Access, layer: int | None) -> list[Key]:
        """The spans that are wanted. Of a question whose reader died before it looked which file it is
        about, they are those of every file.
        """
        layers = range(self._journal.layers) if layer is None else (layer,)
        return [key for n in layers for key in self._spans.covering(n, *_of_tar(access))]


def _of_tar(access: Access) -> tuple[int, int]:
    begin = access.begin - TAR_OFFSET
    return begin, begin + access.size
