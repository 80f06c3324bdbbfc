"""The ropes of this kernel, as those who start pods ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from towline.linux.fanotify import CannotWatch, can_watch
from towline.sandbox.lazy import rope
from towline.sandbox.lazy.hanging import CannotTie, Rope
from towline.sandbox.lazy.nursery import Nursery
from towline.sandbox.lazy.order import LazyLayer, Way


@dataclass(frozen=True, slots=True)
class KernelRopes:
    """Implements `towline.sandbox.lazy.hanging.Ropes`."""

    cgroup: str | None
    """Where their processes are."""
    nursery: Nursery
    """Where workers come from while it is open."""

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Be quick in tying ropes, where there can be any."""
        with self.nursery if can_watch() else nullcontext():
            yield

    async def tie(self, layers: Sequence[LazyLayer], way: Way, folder: Path) -> Rope:
        """See `Ropes`."""
        try:
            return _Tied(await rope.Rope.tie(layers, way, folder, self.cgroup, self.nursery))
        except CannotWatch as error:
            raise CannotTie(f"the kernel cannot make readers wait: {error}") from error

    async def find(self, folder: Path) -> Rope | None:
        """See `Ropes`."""
        found = await rope.Rope.find(folder, self.cgroup)
        return _Tied(found) if found else None


@dataclass(frozen=True, slots=True)
class _Tied:
    """Implements `towline.sandbox.lazy.hanging.Rope`."""

    held: rope.Rope

    @property
    def descriptor(self) -> int:
        return self.held.descriptor

    def add_way(self, way: Way) -> None:
        self.held.add_way(way)

    async def finished(self) -> str:
        match await self.held.finished():
            case rope.Whole():
                return ""
            case rope.Broken(reason=reason):
                return reason or "the rope broke"
            case never:
                assert_never(never)

    def filled(self) -> Mapping[str, tuple[int, int]]:
        return self.held.filled()

    async def untie(self) -> None:
        await self.held.untie()
