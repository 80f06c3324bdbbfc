"""How objects are named inside one resource."""

from __future__ import annotations

from typing import NamedTuple

from towline.cluster.kubernetes import Object


class ObjectKey(NamedTuple):
    """Which object of a resource; `namespace` is empty for those that have none."""

    namespace: str
    name: str


def key_of(thing: Object) -> ObjectKey:
    """The key of an object."""
    metadata = thing["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])


def version_of(thing: Object) -> int:
    """The revision that wrote the object; revisions of one resource can be compared."""
    return int(thing["metadata"]["resourceVersion"])
