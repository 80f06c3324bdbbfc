"""Who belongs to whom: for each object, the objects that name it as an owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.cluster.controllers.control_loop import Copies
from towline.cluster.kubernetes import Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.reflector import Listener
from towline.cluster.resources import CLUSTER_WIDE, OWNED


@dataclass(frozen=True, slots=True)
class Item:
    """Which object of which resource."""

    resource: Resource
    key: ObjectKey


class Dependents:
    """Follows the copies; of several listeners of a copy it must be the first."""

    def __init__(self, copies: Copies) -> None:
        self._of: dict[str, set[Item]] = {}
        for resource in OWNED.values():
            copies[resource].listen(self._listener(resource))

    def of(self, uid: str) -> frozenset[Item]:
        """The objects that name this uid as an owner."""
        return frozenset(self._of.get(uid, ()))

    def _listener(self, resource: Resource) -> Listener:
        def changed(before: Object | None, after: Object | None) -> None:
            had, has = owner_uids(before), owner_uids(after)
            for uid in had - has:
                self._remove(uid, Item(resource, key_of(before or {})))
            for uid in has - had:
                self._of.setdefault(uid, set()).add(Item(resource, key_of(after or {})))

        return changed

    def _remove(self, uid: str, item: Item) -> None:
        items = self._of.get(uid, set())
        items.discard(item)
        if not items:
            self._of.pop(uid, None)


def owner_uids(thing: Object | None) -> set[str]:
    """The uids of an object's owners."""
    return set() if thing is None else {one.get("uid", "") for one in owner_references(thing)}


def owner_references(thing: Object) -> list[Object]:
    """All references to owners, controlling or not."""
    return list(thing["metadata"].get("ownerReferences") or ())


def owner_item(thing: Object, reference: Mapping[str, str]) -> Item | None:
    """Where the owner would be; None for kinds that nobody here knows."""
    resource = OWNED.get((reference.get("apiVersion", ""), reference.get("kind", "")))
    if resource is None or not reference.get("name"):
        return None
    namespace = "" if resource in CLUSTER_WIDE else thing["metadata"].get("namespace", "")
    return Item(resource, ObjectKey(namespace, reference["name"]))
