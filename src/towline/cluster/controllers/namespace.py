"""Namespace: a deleted one is emptied first, and goes when nothing is left in it.

Pods get their grace period, objects with finalizers their time; what remains is told in the
namespace's conditions, in Kubernetes' words (`pkg/controller/namespace/deletion`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.controllers.ownership import is_being_deleted
from towline.cluster.controllers.status_patch import status_patch, with_condition
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import CLUSTER_WIDE, EVENTS, NAMESPACES, OWNED
from towline.kube.timestamp import to_second

CONTENT = (*(one for one in OWNED.values() if one not in CLUSTER_WIDE), EVENTS)
"""What can be in a namespace; events last, since emptying the rest makes some."""
FINALIZER = "kubernetes"
LOOK_AGAIN = 5.0  # seconds; most changes are noticed at once, but not those of kinds without a copy

Remaining = Mapping[Resource, Sequence[Object]]


class NamespaceController:
    """Empties namespaces that are being deleted."""

    def __init__(self, kubernetes: Kubernetes, copies: Copies, clock: Callable[[], float]) -> None:
        self._kubernetes = kubernetes
        self._copies = copies
        self._namespaces = copies[NAMESPACES]
        self._clock = clock

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Own changes, and those of whatever is in a namespace that is being emptied."""
        content = {one: self._emptied_namespace for one in CONTENT if one in self._copies}
        return {NAMESPACES: lambda thing: (key_of(thing),), **content}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Delete what is left in a namespace, and let it go when that is nothing."""
        namespace = self._namespaces.get(key)
        if namespace is None or not is_being_deleted(namespace):
            return None
        if FINALIZER not in (namespace["spec"].get("finalizers") or ()):
            return None  # somebody else still holds it
        for resource in CONTENT:
            await self._delete_all(resource, key.name)
        remaining = await self._remaining(key.name)
        await self._publish(namespace, remaining)
        if remaining:
            return LOOK_AGAIN
        await self._let_go(namespace)
        return None

    def _emptied_namespace(self, thing: Object) -> tuple[ObjectKey, ...]:
        key = ObjectKey("", thing["metadata"]["namespace"])
        namespace = self._namespaces.get(key)
        return (key,) if namespace and is_being_deleted(namespace) else ()

    async def _delete_all(self, resource: Resource, namespace: str) -> None:
        listing = await self._kubernetes.list(resource, namespace)
        for thing in listing.items:
            if is_being_deleted(thing):
                continue
            options = {
                "preconditions": {"uid": thing["metadata"]["uid"]},
                "propagationPolicy": "Background",
            }
            try:
                await self._kubernetes.delete(resource, *key_of(thing), options=options)
            except ApiError as error:
                if error.code not in (404, 409):  # gone, or another one by now
                    raise

    async def _remaining(self, namespace: str) -> Remaining:
        found = {one: (await self._kubernetes.list(one, namespace)).items for one in CONTENT}
        return {resource: things for resource, things in found.items() if things}

    async def _publish(self, namespace: Object, remaining: Remaining) -> None:
        held = (namespace.get("status") or {}).get("conditions") or []
        conditions, now = held, to_second(self._clock())
        for condition in _conditions(remaining):
            conditions = with_condition(conditions, condition, now)
        patch = status_patch({"conditions": held}, {"conditions": conditions})
        if patch:
            body = {"metadata": {"uid": namespace["metadata"]["uid"]}, "status": patch}
            written = await self._kubernetes.patch(
                NAMESPACES, *key_of(namespace), body, subresource="status"
            )
            self._namespaces.learn(written)

    async def _let_go(self, namespace: Object) -> None:
        others = [one for one in namespace["spec"]["finalizers"] if one != FINALIZER]
        body = {
            "metadata": {"uid": namespace["metadata"]["uid"]},
            "spec": {"finalizers": others},
        }
        try:
            await self._kubernetes.patch(
                NAMESPACES, *key_of(namespace), body, subresource="finalize"
            )
        except ApiError as error:
            if error.code != 404:
                raise


def _conditions(remaining: Remaining) -> tuple[Object, ...]:
    content = ", ".join(
        f"{_dotted(resource)} has {len(things)} resource instances"
        for resource, things in sorted(remaining.items(), key=lambda one: one[0].plural)
    )
    finalizers = _finalizers(remaining)
    return (
        _condition("DeletionDiscoveryFailure", "ResourcesDiscovered", _DISCOVERED),
        _condition("DeletionGroupVersionParsingFailure", "ParsedGroupVersions", _PARSED),
        _condition("DeletionContentFailure", "ContentDeleted", _DELETED),
        _condition("ContentRemaining", "ContentRemoved", "All content successfully removed")
        if not content
        else _condition(
            "ContentRemaining",
            "SomeResourcesRemain",
            f"Some resources are remaining: {content}",
            "True",
        ),
        _condition("FinalizersRemaining", "ContentHasNoFinalizers", _FINALIZED)
        if not finalizers
        else _condition(
            "FinalizersRemaining",
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {finalizers}",
            "True",
        ),
    )


_DISCOVERED = "All resources successfully discovered"
_PARSED = "All legacy kube types successfully parsed"
_DELETED = "All content successfully deleted, may be waiting on finalization"
_FINALIZED = "All content-preserving finalizers finished"


def _condition(name: str, reason: str, message: str, status: str = "False") -> Object:
    return {"type": f"Namespace{name}", "status": status, "reason": reason, "message": message}


def _finalizers(remaining: Remaining) -> str:
    counts: dict[str, int] = {}
    for things in remaining.values():
        for thing in things:
            for finalizer in thing["metadata"].get("finalizers") or ():
                counts[finalizer] = counts.get(finalizer, 0) + 1
    return ", ".join(f"{name} in {counts[name]} resource instances" for name in sorted(counts))


def _dotted(resource: Resource) -> str:
    return f"{resource.plural}.{resource.group}"
