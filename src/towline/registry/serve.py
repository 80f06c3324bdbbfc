"""The registry's role: all instances of an installation, each behind doors of its own.

Order matters twice. At the start: the tables, then what was left of the last process, then the
doors. At the end: first the doors, so that what was acknowledged is written down and nothing more
is, then the files.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from towline.content.blobs import BlobStore
from towline.registry import database
from towline.registry.application import Endpoints
from towline.registry.blob_endpoint import BlobEndpoint
from towline.registry.catalogue import Catalogue
from towline.registry.certificates import Certificates
from towline.registry.contents_endpoint import ContentsEndpoint
from towline.registry.custom_domains import CustomDomains
from towline.registry.door_intake import DoorIntake
from towline.registry.doors import Doors
from towline.registry.journal import Journal
from towline.registry.layer_indexer import LayerIndexer
from towline.registry.listing_endpoint import ListingEndpoint
from towline.registry.loopback import LoopbackDoors
from towline.registry.manifests import Manifests
from towline.registry.settings import Settings
from towline.registry.tenancy import Tenancy
from towline.registry.token import TokenAuthority, load_key
from towline.registry.upkeep import Upkeep
from towline.registry.upload_endpoint import UploadEndpoint
from towline.registry.uploads import Uploads
from towline.registry.vault import Vault
from towline.resource import kind
from towline.resource.custom_domain import CustomDomain
from towline.resource.instance import Instance, Namespace
from towline.store.collection import Collection
from towline.store.store import Store


@dataclass(frozen=True, slots=True)
class Registry:
    """What answers at every door, what keeps it tidy, and what indexes the layers in it."""

    endpoints: Endpoints
    upkeep: Upkeep
    indexer: LayerIndexer


async def serve(store: Store, settings: Settings, ready: Callable[[], None]) -> None:
    """Serve until cancelled; `ready` is called once every instance's loopback door and the socket
    for other doors are open.
    """
    instances = Collection(store, kind.INSTANCE, Instance)
    namespaces = Collection(store, kind.NAMESPACE, Namespace)
    domains = CustomDomains(
        Collection(store, kind.CUSTOM_DOMAIN, CustomDomain),
        instances,
        Certificates(settings, time.time),
    )
    async with opened(store, settings, time.time) as registry, asyncio.TaskGroup() as tasks:
        doors, upkeep = Doors(registry.endpoints, domains.tls_of, tasks), registry.upkeep
        loopback = LoopbackDoors(instances, doors, upkeep.erase_instance)
        try:
            async with asyncio.TaskGroup() as work:
                work.create_task(DoorIntake(settings.doors_socket, doors).run())
                work.create_task(loopback.run(ready))
                work.create_task(domains.run(doors))
                work.create_task(upkeep.follow_namespaces(namespaces))
                work.create_task(upkeep.run(namespaces, settings.upkeep_interval))
                if settings.layer_indexes:
                    work.create_task(registry.indexer.run())
        finally:
            await doors.close_all()


@asynccontextmanager
async def opened(
    store: Store, settings: Settings, now: Callable[[], float]
) -> AsyncIterator[Registry]:
    """The registry over its files, for the length of the block; its doors are the caller's."""
    path = settings.root / "registry.db"
    settings.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    await asyncio.to_thread(database.prepare, path)
    blobs, journal, catalogue = BlobStore(settings.root), Journal(path), Catalogue(path)
    vault = Vault(blobs, catalogue, journal)
    uploads = Uploads(blobs, catalogue, journal, now)
    endpoints = Endpoints(
        Tenancy(store, now),
        TokenAuthority(load_key(settings.token_key)),
        Manifests(catalogue, journal, now),
        BlobEndpoint(catalogue, journal, blobs),
        UploadEndpoint(uploads, vault, catalogue, journal),
        ListingEndpoint(catalogue),
        ContentsEndpoint(catalogue, journal),
        vault,
        now,
    )
    upkeep = Upkeep(catalogue, journal, uploads, vault, settings.upload_lifetime)
    indexer = LayerIndexer(vault, journal, catalogue, settings.root)
    try:
        yield Registry(endpoints, upkeep, indexer)
    finally:
        indexer.close()
        vault.close()
        await journal.close()
        catalogue.close()
