"""What has to be done now and then: forgetting uploads that rest, and content that nobody owns."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog

from towline.registry import change
from towline.registry.catalogue import Catalogue
from towline.registry.change import Place
from towline.registry.journal import Journal
from towline.registry.right import namespace_of
from towline.registry.uploads import Uploads
from towline.registry.vault import Vault
from towline.resource.instance import Namespace
from towline.store.collection import Collection
from towline.store.error import Compacted
from towline.store.record import Change

_log = structlog.get_logger("towline.registry")


class Upkeep:
    """Removes what is no longer wanted, while the doors are open."""

    def __init__(
        self,
        catalogue: Catalogue,
        journal: Journal,
        uploads: Uploads,
        vault: Vault,
        lifetime: timedelta,
    ) -> None:
        self._catalogue = catalogue
        self._journal = journal
        self._uploads = uploads
        self._vault = vault
        self._lifetime = lifetime.total_seconds()

    async def erase_instance(self, instance_id: str) -> None:
        """Remove all that an instance holds; its doors are closed."""
        await self._uploads.cancel_all(instance_id)
        await self._journal.write(lambda database: change.remove_instance(database, instance_id))
        self._catalogue.drop_all()
        await self._vault.sweep()

    async def follow_namespaces(self, namespaces: Collection[Namespace]) -> None:
        """Remove the repositories of each namespace that is deleted, until cancelled.

        A namespace that is made again under the same name must not show what the old one held.
        """
        store = namespaces.store
        while True:
            revision = store.revision
            with _told():
                await self._erase_ownerless(namespaces)
            with suppress(Compacted):
                async for seen in namespaces.watch(after=revision):
                    if seen.change is Change.DELETED:
                        with _told():
                            await self._erase_namespace(seen.value.instance_id, seen.value.name)

    async def run(self, namespaces: Collection[Namespace], every: timedelta) -> None:
        """Expire uploads and sweep blobs at intervals, until cancelled."""
        with _told():
            await self.sweep_strays()
        while True:
            await asyncio.sleep(every.total_seconds())
            with _told():
                await self.expire()
                await self._erase_ownerless(namespaces)
                await self.sweep()

    async def expire(self) -> None:
        """Forget the uploads that have rested too long."""
        await self._uploads.expire(self._lifetime)

    async def sweep(self) -> None:
        """Remove the blobs that no repository has any more."""
        await self._vault.sweep()

    async def sweep_strays(self) -> None:
        """Remove the files of blobs that were never written down."""
        await self._vault.sweep_strays()

    async def _erase_ownerless(self, namespaces: Collection[Namespace]) -> None:
        """Remove what was pushed while its namespace was going away."""
        known = {(one.instance_id, one.name) for one in namespaces.list()}
        await self._erase(
            place
            for place in self._catalogue.places()
            if (place.instance_id, namespace_of(place.repository)) not in known
        )

    async def _erase_namespace(self, instance_id: str, name: str) -> None:
        await self._erase(
            place
            for place in self._catalogue.places()
            if (place.instance_id, namespace_of(place.repository)) == (instance_id, name)
        )

    async def _erase(self, places: Iterable[Place]) -> None:
        gone = tuple(places)
        if not gone:
            return
        await self._journal.write(lambda database: change.remove_repositories(database, gone))
        for place in gone:
            self._catalogue.drop(place)
        _log.info("repositories-removed", count=len(gone))


@contextmanager
def _told() -> Iterator[None]:
    """Log what the disk or the database refuses: a registry that cannot tidy up still serves."""
    try:
        yield
    except (OSError, sqlite3.Error):
        _log.exception("upkeep-failed")
