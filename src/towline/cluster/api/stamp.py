"""The metadata that the server keeps itself: who an object is, when it was made, how often its spec changed."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from towline.kube.resource_type import ResourceType

Object = dict[str, Any]
_SUFFIX_SIGNS = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own: no vowels, so no words
_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_COUNT_GENERATIONS = frozenset({"Pod", "Deployment", "ReplicaSet"})


def now() -> datetime:
    """The present moment, as timestamps of objects have it."""
    return datetime.now(UTC).replace(microsecond=0)


def timestamp(moment: datetime) -> str:
    """A moment as metadata says it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def stamp_new(resource: ResourceType, item: Object) -> None:
    """Give a new object its identity, in place."""
    metadata = item["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"][:58] + random_suffix()
    for field in ("selfLink", "managedFields", "resourceVersion", *_SERVER_OWNED, "generation"):
        metadata.pop(field, None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = timestamp(now())
    if resource.kind in _COUNT_GENERATIONS:
        metadata["generation"] = 1


def random_suffix() -> str:
    """Five signs that make a generated name unique."""
    return "".join(secrets.choice(_SUFFIX_SIGNS) for _ in range(5))


def carry_over(item: Object, held: Object) -> None:
    """Keep what no client may change, in place."""
    metadata, before = item["metadata"], held["metadata"]
    for field in (*_SERVER_OWNED, "generation", "name", "namespace", "generateName"):
        if field in before:
            metadata[field] = before[field]
        else:
            metadata.pop(field, None)
    for field in ("selfLink", "managedFields"):
        metadata.pop(field, None)
    if "generation" in before and item.get("spec") != held.get("spec"):
        metadata["generation"] = before["generation"] + 1
