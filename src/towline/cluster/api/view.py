"""Subresources that show a part of an object: what is read through them, and what a write changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from towline.kube.resource_type import ResourceType, Subresource
from towline.kube.selector import from_object

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """How an object looks through a subresource, and how a changed look changes the object."""

    read: Callable[[Object], Object]
    merge: Callable[[Object, Object], Object]
    """From the held object and the changed look, the new object."""
    schema: str


def view_of(resource: ResourceType, subresource: Subresource | None) -> View:
    """The view of a subresource; of none, the object itself without its status."""
    if subresource is None:
        return View(_itself, _without_status(resource), resource.schema)
    if subresource.name == "scale":
        return View(_scale, _scaled, subresource.schema)
    if subresource.name == "finalize":
        return View(_itself, _finalized, resource.schema)
    return View(_itself, _with_status, resource.schema)


def _itself(item: Object) -> Object:
    return item


_HAVE_STATUS = frozenset({"Pod", "Node", "Namespace", "Deployment", "ReplicaSet"})


def _without_status(resource: ResourceType) -> Callable[[Object, Object], Object]:
    def merge(held: Object, new: Object) -> Object:
        if resource.kind not in _HAVE_STATUS:
            return new
        new = {**new, "status": held.get("status", {})}
        if resource.kind == "Namespace":
            new["spec"] = held["spec"]  # finalizers go through /finalize alone
        return new

    return merge


def _with_status(held: Object, new: Object) -> Object:
    metadata = {**held["metadata"], "resourceVersion": new["metadata"].get("resourceVersion", "")}
    return {**held, "metadata": metadata, "status": new.get("status", {})}


def _finalized(held: Object, new: Object) -> Object:
    return {
        **held,
        "spec": {**held["spec"], "finalizers": (new.get("spec") or {}).get("finalizers", [])},
    }


_SCALE_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _scale(item: Object) -> Object:
    metadata: Mapping[str, Any] = item["metadata"]
    status: dict[str, Any] = {"replicas": (item.get("status") or {}).get("replicas", 0)}
    selector = str(from_object(item["spec"].get("selector") or {}))
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in _SCALE_METADATA if field in metadata},
        "spec": {"replicas": item["spec"].get("replicas", 0)},
        "status": status,
    }


def _scaled(held: Object, new: Object) -> Object:
    replicas = (new.get("spec") or {}).get("replicas", 0)
    return {**held, "spec": {**held["spec"], "replicas": replicas}}
