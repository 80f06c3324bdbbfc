"""A rope: some layers that are read before they are whole, and the processes that see to it.

Files with holes are safe as long as somebody holds the fanotify group that watches them: when the
last holder is gone, readers see zeros. So it is held by several, who need nothing of one another but
what they hold in common: the owner's process, the *holder* and the *worker* (each starts the other
anew, and the owner both), and conmon of every container on the layers, which is given `descriptor`.
What happens when which of them dies is told in `docs/decisions/0020-who-holds-the-rope.md`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from towline.content.index_blob import LayerIndex, decode_head
from towline.linux.fanotify import PreContent
from towline.linux.foreign_descriptor import descriptor_of
from towline.sandbox.lazy.fate import End
from towline.sandbox.lazy.journal import Journal, State, Wanted
from towline.sandbox.lazy.nursery import Nursery
from towline.sandbox.lazy.order import Layers, LazyLayer, Order, Way
from towline.sandbox.lazy.pair import PAIR, Pair
from towline.sandbox.lazy.seat import Seats
from towline.sandbox.lazy.strand import Held

_COMING = 1.0  # seconds within which a strand that was started has its seat
_LOOK = 0.05


@dataclass(frozen=True, slots=True)
class Whole:
    """All layers are there, verified, and watched no more."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Readers get errors from now on, until the rope is untied."""

    reason: str


Finished = Whole | Broken


class Rope:
    """One rope, as its owner sees it; see `tie` and `find`."""

    def __init__(self, pair: Pair | None, end: Finished | None) -> None:
        self._pair = pair
        self._end = end

    @classmethod
    async def tie(
        cls,
        layers: Sequence[LazyLayer],
        way: Way,
        folder: Path,
        cgroup: str | None,
        nursery: Nursery | None = None,
    ) -> Rope:
        """Watch the files of layers, and begin to fill them: from now on whoever opens one and reads
        it waits for its bytes. Nobody may have opened them before, to read or to mount them.

        `folder` is the rope's own; its processes are put into `cgroup`, and its worker may come from a
        nursery. Raises `CannotWatch`.
        """
        held = await asyncio.to_thread(_prepare, layers, way, folder)
        pair = Pair(held, folder / "log", cgroup, nursery)
        try:
            await pair.start()
        except BaseException:
            await pair.end()
            pair.close()
            raise
        return cls(pair, None)

    @classmethod
    async def find(cls, folder: Path, cgroup: str | None) -> Rope | None:
        """The rope of a folder, after its owner's restart; it may have ended meanwhile. None when
        none of its processes lives and it had not ended. Those that are started for it from now on
        are put into `cgroup`.
        """
        deadline = asyncio.get_running_loop().time() + _COMING
        while (held := _held_by_the_pair(folder)) is None:
            if (end := End.read(folder)) is not None:
                return cls(None, Whole() if end.broken is None else Broken(end.broken))
            if asyncio.get_running_loop().time() > deadline:
                return None
            await asyncio.sleep(_LOOK)  # one may have been started and not sat down
        return cls(Pair(held, folder / "log", cgroup, None), None)

    @property
    def descriptor(self) -> int:
        """Of the group, while the rope has not ended: whoever has a copy keeps readers waiting
        rather than seeing zeros. Afterwards -1.
        """
        return self._pair.group if self._pair is not None else -1

    def add_way(self, way: Way) -> None:
        """Another pod may fetch these layers."""
        if self._pair is not None:
            self._pair.order.add(way)

    def filled(self) -> Mapping[str, tuple[int, int]]:
        """How many packed bytes of each layer are there, of how many, by diff ID; nothing any more
        when the rope was whole.
        """
        if self._pair is None:
            return {}
        diff_ids = (layer.diff_id for layer in self._pair.order.layers.layers)
        return dict(zip(diff_ids, self._pair.journal.filled(), strict=True))

    async def finished(self) -> Finished:
        """Wait for the end, and see to it that somebody works on it meanwhile."""
        while self._end is None:
            assert self._pair is not None, "a rope without processes has ended"
            match self._pair.journal.state:
                case State.WHOLE:
                    self._end = Whole()
                    self._let_go()
                case State.BROKEN:
                    self._end = Broken(self._pair.journal.reason)
                case State.FILLING:
                    await self._pair.change()
        return self._end

    async def untie(self) -> None:
        """Nobody reads the layers any more, so nobody needs to be told what they hold; the files stay
        as they are.
        """
        if self._pair is not None:
            await self._pair.end()
            self._end = self._end or Broken("it was untied")
            self._let_go()

    def _let_go(self) -> None:
        if self._pair is not None:
            self._pair.close()
            self._pair = None


def _prepare(layers: Sequence[LazyLayer], way: Way, folder: Path) -> Sequence[int]:
    """All that a strand holds; the files are watched."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "end").unlink(missing_ok=True)
    heads = [decode_head(Path(layer.head).read_bytes()) for layer in layers]
    wanted = [Wanted(_packed(head), len(head.spans)) for head in heads]
    with ExitStack() as undo:
        kept = _Kept(undo)
        seats = kept.keep(os.open(folder / "seats", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        # Before they are watched: what is read and written through these asks nobody.
        files = [kept.keep(os.open(layer.path, os.O_RDWR | os.O_CLOEXEC)) for layer in layers]
        group = PreContent.make()
        kept.keep(group.fileno())
        journal = kept.keep(Journal.make(wanted).descriptor)
        order = kept.keep(Order.write(Layers(str(folder), tuple(layers)), [way]).descriptor)
        news = kept.keep(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))
        for file in files:
            group.mark(_File(file))
        undo.pop_all()
        return (group.fileno(), journal, order, news, seats, *files)


def _packed(head: LayerIndex) -> int:
    """The packed bytes of its spans; what comes before the first is gzip's own head."""
    return head.packed_size - (head.spans[0].packed if head.spans else 0)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Descriptors that are closed if what they are for fails."""

    undo: ExitStack

    def keep(self, descriptor: int) -> int:
        self.undo.callback(os.close, descriptor)
        return descriptor


@dataclass(frozen=True, slots=True)
class _File:
    descriptor: int

    def fileno(self) -> int:
        return self.descriptor


def _held_by_the_pair(folder: Path) -> Sequence[int] | None:
    """Copies of what one of the pair holds; None when none of them lives."""
    try:
        fd = os.open(folder / "seats", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        for seat in PAIR:
            pidfd = Seats(fd).watch(seat)
            if pidfd is not None:
                try:
                    return _copied(pidfd)
                except OSError:  # it ended meanwhile
                    continue
                finally:
                    os.close(pidfd)
    finally:
        os.close(fd)
    return None


def _copied(pidfd: int) -> Sequence[int]:
    with ExitStack() as undo:
        kept = _Kept(undo)
        held = [kept.keep(descriptor_of(pidfd, number)) for number in tuple(Held)[:-1]]
        files = Journal(held[Held.JOURNAL - Held.GROUP]).layers
        held += [kept.keep(descriptor_of(pidfd, Held.FILES + n)) for n in range(files)]
        undo.pop_all()
    return held
