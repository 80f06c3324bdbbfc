"""Who lives in this registry: instances, their namespaces and credentials, always up to date.

The records are the cloud's; this is an index over them, for look-ups on every request. It follows
the store's watches at the moment it is asked, so it never says less than the store's memory does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from towline.registry.right import Identity
from towline.resource import kind
from towline.resource.credential import Credential, digest_of_secret, is_password
from towline.resource.instance import Instance, InstanceStatus, Namespace
from towline.store.collection import Collection
from towline.store.error import Compacted
from towline.store.record import Change, Event
from towline.store.store import Store

_AT_ONCE = 2  # passwords that are compared at once: each takes a core and 16 MiB
T = TypeVar("T")


class Tenancy:
    """The instances of this registry and who may do what in them."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        namespaces = Collection(store, kind.NAMESPACE, Namespace)
        credentials = Collection(store, kind.CREDENTIAL, Credential)
        self._instances = _Index(Collection(store, kind.INSTANCE, Instance), lambda one: one.id)
        self._namespaces = _Index(namespaces, lambda one: (one.instance_id, one.name))
        self._credentials = _Index(credentials, lambda one: (one.instance_id, one.id))
        # By all three: two accounts may have the same password. Chosen ones have an empty SHA-256.
        self._secrets = _Index(
            credentials, lambda one: (one.instance_id, one.username, one.secret_sha256)
        )
        self._comparing = asyncio.Semaphore(_AT_ONCE)

    async def refresh(self) -> None:
        """Learn what other processes have written up to now.

        A credential gets tokens, and gets none any more, from the moment the cloud has said so. The
        gate does not wait for this: it takes the tokens of one that has ended for as long as the
        store takes to look again, a fraction of a second.
        """
        await self._store.apply(())

    def instance(self, instance_id: str) -> Instance | None:
        """An instance that is not on its way out."""
        instance = self._instances.get(instance_id)
        if instance is None or instance.status is InstanceStatus.DELETING:
            return None
        return instance

    def namespace(self, instance_id: str, name: str) -> Namespace | None:
        """A namespace of an instance."""
        return self._namespaces.get((instance_id, name))

    async def identify(self, instance_id: str, username: str, secret: str) -> Identity | None:
        """Whose user name and secret these are; None when they do not, or no longer, fit."""
        credential = self._secrets.get((instance_id, username, digest_of_secret(secret)))
        if credential is not None:
            return self._live(credential)
        chosen = self._secrets.get((instance_id, username, ""))
        if chosen is None or not await self._is_password(secret, chosen):
            return None
        # Asked again: it may have ended, or got another password, meanwhile.
        if self._secrets.get((instance_id, username, "")) != chosen:
            return None
        return self._live(chosen)

    async def _is_password(self, secret: str, credential: Credential) -> bool:
        """Compare in a thread, a few at a time: whoever tries passwords keeps nobody waiting but
        others who come with passwords.
        """
        if self._live(credential) is None:
            return False
        async with self._comparing:
            return await asyncio.to_thread(is_password, secret, credential.secret_scrypt)

    def identity(self, instance_id: str, credential_id: str) -> Identity | None:
        """Who has this credential; None when it is disabled, expired or gone."""
        credential = self._credentials.get((instance_id, credential_id))
        return None if credential is None else self._live(credential)

    def _live(self, credential: Credential) -> Identity | None:
        expired = credential.expires_at is not None and credential.expires_at <= self._now() * 1000
        if expired or not credential.enabled:
            return None
        return Identity(credential.username, credential.id, credential.permissions)


class _Index(Generic[T]):
    """All values of one kind under names of their own, brought up to date when they are asked
    for.
    """

    def __init__(self, collection: Collection[T], name: Callable[[T], Hashable]) -> None:
        self._collection = collection
        self._name = name
        self._load()

    def get(self, name: Hashable) -> T | None:
        try:
            while (event := self._watch.take()) is not None:
                self._learn(event)
        except Compacted:
            self._load()
        return self._values.get(name)

    def _learn(self, event: Event) -> None:
        if event.previous is not None:
            self._values.pop(self._name(self._collection.decode(event.previous)), None)
        if event.change is not Change.DELETED:
            value = self._collection.decode(event.record)
            self._values[self._name(value)] = value

    def _load(self) -> None:
        store = self._collection.store
        listing = store.list(self._collection.kind)
        values = [self._collection.decode(record) for record in listing.records]
        self._values = {self._name(value): value for value in values}
        self._watch = store.watch(self._collection.kind, after=listing.revision)
