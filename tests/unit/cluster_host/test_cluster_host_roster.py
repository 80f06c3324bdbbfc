"""Who works for which cluster: begun, ended and begun anew as the records say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from towline.cluster.host import roster
from towline.cluster.host.roster import Roster, port_when_served
from towline.resource import kind
from towline.resource.cluster import Cluster, ClusterStatus
from towline.store.collection import Collection
from towline.store.store import Store

BEGUN = Cluster(
    id="cls-1",
    name="shop",
    vpc_id="vpc-1",
    subnet_ids=("subnet-1",),
    created_at="",
    own=False,
)


@dataclass
class Diary:
    """What was done for which cluster."""

    lines: list[str] = field(default_factory=list)
    troubles: int = 0
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, line: str) -> None:
        """One thing more was done."""
        self.lines.append(line)
        self.more.set()

    async def work(self, cluster: Cluster) -> None:
        """Until somebody ends it; a number of times it fails."""
        self.note(f"+{cluster.id}:{cluster.port}")
        if self.troubles:
            self.troubles -= 1
            raise OSError("no luck")
        try:
            await asyncio.Event().wait()
        finally:
            self.note(f"-{cluster.id}:{cluster.port}")

    async def until(self, *lines: str) -> None:
        """Return when this is what was done, and nothing else."""
        async with asyncio.timeout(10):
            while self.lines != list(lines):
                self.more.clear()
                await self.more.wait()


@asynccontextmanager
async def employed(folder: Path, diary: Diary) -> AsyncIterator[Collection[Cluster]]:
    """A roster that follows records."""
    async with Store.open(folder / "records.db") as store, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(Roster.of(store).employ(port_when_served, diary.work))
        yield Collection(store, kind.CLUSTER, Cluster)
        task.cancel()


def running(port: int) -> Callable[[Cluster], Cluster]:
    """The cluster's API listens on a port."""
    return lambda held: msgspec.structs.replace(held, status=ClusterStatus.RUNNING, port=port)


async def test_work_begins_on_its_terms_and_ends_with_the_record(tmp_path: Path) -> None:
    """A cluster that moves to another port is worked for anew; its name does not matter."""
    diary = Diary()
    async with employed(tmp_path, diary) as clusters:
        own = msgspec.structs.replace(BEGUN, id="cls-0", own=True)
        await clusters.create("", own.id, running(6443)(own))
        await clusters.create("", BEGUN.id, BEGUN)
        await clusters.update("", BEGUN.id, running(6444))
        await diary.until("+cls-1:6444")
        await clusters.update("", BEGUN.id, lambda it: msgspec.structs.replace(it, name="store"))
        await clusters.update("", BEGUN.id, running(6445))
        await diary.until("+cls-1:6444", "-cls-1:6444", "+cls-1:6445")
        await clusters.delete("", BEGUN.id)
        await diary.until("+cls-1:6444", "-cls-1:6444", "+cls-1:6445", "-cls-1:6445")


async def test_one_clusters_trouble_is_not_that_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails is begun with again, while the others go on."""
    monkeypatch.setattr(roster, "_AGAIN", 0.05)
    diary = Diary()
    async with employed(tmp_path, diary) as clusters:
        await clusters.create("", BEGUN.id, running(6444)(BEGUN))
        await diary.until("+cls-1:6444")
        diary.troubles = 1
        other = msgspec.structs.replace(BEGUN, id="cls-2")
        await clusters.create("", other.id, running(6445)(other))
        await diary.until("+cls-1:6444", "+cls-2:6445", "+cls-2:6445")
