"""Objects with their defaults, and what validation says of them, as `kubectl` prints it."""

from __future__ import annotations

import json
from typing import Any

from towline.kube import defaults
from towline.kube.resource_type import ResourceType
from towline.kube.validation import create_errors, update_errors

Object = dict[str, Any]


def made(resource: ResourceType, **fields: Any) -> Object:
    """An object with its defaults."""
    metadata = {"name": "x", "namespace": "demo", **fields.pop("metadata", {})}
    thing = {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": metadata,
        **json.loads(json.dumps(fields)),
    }
    defaults.apply(resource.kind, thing)
    return thing


def said(resource: ResourceType, thing: Object) -> list[str]:
    """What is wrong with a new object, as `kubectl` prints it."""
    return [f"{one.field}: {one.message}" for one in create_errors(resource, thing)]


def said_of_change(resource: ResourceType, thing: Object, held: Object) -> list[str]:
    """What is wrong with a change."""
    return [f"{one.field}: {one.message}" for one in update_errors(resource, thing, held)]
