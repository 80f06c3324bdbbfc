"""Who controls what: owner references, and taking over what nobody controls."""

from __future__ import annotations

from collections.abc import Iterable

from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.kube.selector import LabelSelector


def owner_reference(owner: Object) -> Object:
    """The reference by which `owner` controls what it makes."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(thing: Object) -> Object | None:
    """The reference to the one owner that controls an object."""
    for reference in thing["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return None


def controller_key(thing: Object, kind: str) -> tuple[ObjectKey, ...]:
    """The key of the object's controller, if that is of this kind."""
    reference = controller_of(thing)
    if reference is None or reference.get("kind") != kind:
        return ()
    return (ObjectKey(thing["metadata"].get("namespace", ""), reference["name"]),)


def controls(owner: Object, thing: Object) -> bool:
    """Whether this very owner, not one of the same name, controls the object."""
    reference = controller_of(thing)
    return reference is not None and reference.get("uid") == owner["metadata"]["uid"]


def uid_of(thing: Object) -> str:
    """Which object it is, whatever its name."""
    return str(thing["metadata"]["uid"])


def is_being_deleted(thing: Object) -> bool:
    """Whether somebody has asked for its deletion."""
    return bool(thing["metadata"].get("deletionTimestamp"))


def may_adopt(owner: Object, thing: Object, selector: LabelSelector) -> bool:
    """Whether an object is without a controller and meant by the owner's selector."""
    return (
        controller_of(thing) is None
        and not is_being_deleted(owner)
        and not is_being_deleted(thing)
        and selector.matches(thing["metadata"].get("labels") or {})
    )


async def can_adopt(kubernetes: Kubernetes, resource: Resource, owner: Object) -> bool:
    """Whether the owner itself, not only a copy of it, is there and stays."""
    try:
        fresh = await kubernetes.get(resource, *key_of(owner))
    except ApiError as error:
        if error.code == 404:
            return False
        raise
    return fresh["metadata"]["uid"] == owner["metadata"]["uid"] and not is_being_deleted(fresh)


async def adopt(kubernetes: Kubernetes, resource: Resource, owner: Object, thing: Object) -> Object:
    """Become the controller of an object."""
    references = [*(thing["metadata"].get("ownerReferences") or ()), owner_reference(owner)]
    body = {"metadata": {"uid": thing["metadata"]["uid"], "ownerReferences": references}}
    return await kubernetes.patch(resource, *key_of(thing), body)


async def release(
    kubernetes: Kubernetes, resource: Resource, owner: Object, thing: Object
) -> Object:
    """Stop controlling an object whose labels no longer fit."""
    references = [
        reference
        for reference in thing["metadata"].get("ownerReferences") or ()
        if reference.get("uid") != owner["metadata"]["uid"]
    ]
    body = {"metadata": {"uid": thing["metadata"]["uid"], "ownerReferences": references}}
    return await kubernetes.patch(resource, *key_of(thing), body)


def claimed(owner: Object, things: Iterable[Object]) -> tuple[Object, ...]:
    """Those that the owner controls."""
    return tuple(thing for thing in things if controls(owner, thing))
