"""Garbage collection: what belongs to an object goes when the object goes.

An object whose owners are all gone is deleted. Who deletes an owner may ask for another order:
`foregroundDeletion` holds the owner until its dependents are gone, `orphan` sets them free first. The
rules are Kubernetes' (`pkg/controller/garbagecollector`). An owner counts as gone only when the API
itself says so, not when a copy does not show it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.controllers.dependents import (
    Dependents,
    Item,
    owner_item,
    owner_references,
    owner_uids,
)
from towline.cluster.controllers.ownership import is_being_deleted, uid_of
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import key_of
from towline.cluster.resources import OWNED

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
LOOK_AGAIN = 5.0  # seconds between looks at an owner that waits for its dependents


class _Owner(Enum):
    """What an owner reference is worth."""

    THERE = "there"
    GONE = "gone"
    WAITING = "waiting for its dependents to go"


@dataclass(frozen=True, slots=True)
class _Found:
    reference: Object
    owner: _Owner


class GarbageCollector:
    """Deletes what has lost its owners, and lets owners go in the order that was asked for."""

    def __init__(self, kubernetes: Kubernetes, copies: Copies) -> None:
        self._kubernetes = kubernetes
        self._copies = copies
        self._dependents = Dependents(copies)

    def routes(self) -> Mapping[Resource, Route[Item]]:
        """Every object itself, its owners, and what it owns when it goes."""
        return {resource: self._route(resource) for resource in OWNED.values()}

    async def reconcile(self, key: Item) -> float | None:
        """Decide about one object."""
        thing = self._copies[key.resource].get(key.key)
        if thing is None:
            return None
        finalizers = thing["metadata"].get("finalizers") or ()
        if is_being_deleted(thing):
            if ORPHAN in finalizers:
                return await self._set_free(key, thing)
            if FOREGROUND in finalizers:
                return await self._wait_for_dependents(key, thing)
            return None
        await self._judge(key, thing)
        return None

    def _route(self, resource: Resource) -> Callable[[Object], tuple[Item, ...]]:
        def concerned(thing: Object) -> tuple[Item, ...]:
            owners = (owner_item(thing, one) for one in owner_references(thing))
            found = [item for item in owners if item is not None]
            owned = () if self._stays(resource, thing) else self._dependents.of(uid_of(thing))
            return (Item(resource, key_of(thing)), *found, *owned)

        return concerned

    def _stays(self, resource: Resource, thing: Object) -> bool:
        """Whether what belongs to an object need not be looked at because of it."""
        held = self._copies[resource].get(key_of(thing))
        return held is not None and uid_of(held) == uid_of(thing) and not is_being_deleted(held)

    async def _judge(self, key: Item, thing: Object) -> None:
        found = [await self._find(thing, one) for one in owner_references(thing)]
        if not found:
            return
        if any(one.owner is _Owner.THERE for one in found):
            kept = [one.reference for one in found if one.owner is _Owner.THERE]
            if len(kept) < len(found):
                await self._keep_references(key, thing, kept)
        elif any(one.owner is _Owner.WAITING for one in found) and self._dependents.of(
            thing["metadata"]["uid"]
        ):
            await self._delete(key, thing, "Foreground")
        else:
            await self._delete(key, thing, "Background")

    async def _find(self, thing: Object, reference: Object) -> _Found:
        item = owner_item(thing, reference)
        if item is None:
            return _Found(reference, _Owner.THERE)  # not ours to judge
        copied = self._copies[item.resource].get(item.key)
        if copied is None or copied["metadata"]["uid"] != reference.get("uid"):
            copied = await self._ask(item)
        if copied is None or copied["metadata"]["uid"] != reference.get("uid"):
            return _Found(reference, _Owner.GONE)
        waits = is_being_deleted(copied) and FOREGROUND in (
            copied["metadata"].get("finalizers") or ()
        )
        return _Found(reference, _Owner.WAITING if waits else _Owner.THERE)

    async def _ask(self, item: Item) -> Object | None:
        try:
            return await self._kubernetes.get(item.resource, *item.key)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def _wait_for_dependents(self, key: Item, owner: Object) -> float | None:
        """Let the owner go once nothing is left that blocks it; `_judge` deletes the dependents."""
        uid = owner["metadata"]["uid"]
        for item in self._dependents.of(uid):
            thing = self._copies[item.resource].get(item.key)
            if thing is not None and _blocks(thing, uid):
                return LOOK_AGAIN
        await self._drop_finalizer(key, owner, FOREGROUND)
        return None

    async def _set_free(self, key: Item, owner: Object) -> float | None:
        uid = owner["metadata"]["uid"]
        for item in self._dependents.of(uid):
            thing = self._copies[item.resource].get(item.key)
            if thing is not None and uid in owner_uids(thing):
                kept = [one for one in owner_references(thing) if one.get("uid") != uid]
                await self._keep_references(item, thing, kept)
        await self._drop_finalizer(key, owner, ORPHAN)
        return None

    async def _keep_references(self, key: Item, thing: Object, kept: Sequence[Object]) -> None:
        await self._patch(key, thing, {"ownerReferences": list(kept)})

    async def _drop_finalizer(self, key: Item, owner: Object, finalizer: str) -> None:
        held = owner["metadata"].get("finalizers") or ()
        await self._patch(key, owner, {"finalizers": [one for one in held if one != finalizer]})

    async def _patch(self, key: Item, thing: Object, metadata: Object) -> None:
        """Write on the condition that nobody wrote meanwhile: the lists are replaced whole."""
        held = thing["metadata"]
        condition = {"uid": held["uid"], "resourceVersion": held["resourceVersion"]}
        try:
            written = await self._kubernetes.patch(
                key.resource, *key.key, {"metadata": {**condition, **metadata}}
            )
        except ApiError as error:
            if error.code == 404:
                return
            raise
        self._copies[key.resource].learn(written)

    async def _delete(self, key: Item, thing: Object, propagation: str) -> None:
        options = {
            "preconditions": {"uid": thing["metadata"]["uid"]},
            "propagationPolicy": propagation,
        }
        try:
            await self._kubernetes.delete(key.resource, *key.key, options=options)
        except ApiError as error:
            if error.code not in (404, 409):  # gone, or another one by now
                raise


def _blocks(thing: Object, uid: str) -> bool:
    return any(
        one.get("uid") == uid and one.get("blockOwnerDeletion") for one in owner_references(thing)
    )
