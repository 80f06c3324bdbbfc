"""Objects as the store keeps them.

A record's value is the object's JSON without its resourceVersion, which is the record's revision and is
spliced in when the bytes are sent: they are parsed only by those who look inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from towline.kube.resource_type import ResourceType
from towline.store.record import Key, Record

Object = dict[str, Any]
_METADATA = b'"metadata":{'


def key(resource: ResourceType, namespace: str, name: str) -> Key:
    """Where an object is stored."""
    return Key(resource.qualified, namespace, name)


def encode(resource: ResourceType, item: Mapping[str, Any]) -> bytes:
    """The value of a record; kind and apiVersion come first, then metadata."""
    metadata = {
        field: held for field, held in item["metadata"].items() if field != "resourceVersion"
    }
    rest = {
        field: held
        for field, held in item.items()
        if field not in ("kind", "apiVersion", "metadata")
    }
    return orjson.dumps(
        {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata, **rest}
    )


def decode(record: Record) -> Object:
    """The object, to be changed at will."""
    item: Object = orjson.loads(record.value)
    item["metadata"]["resourceVersion"] = str(record.revision)
    return item


def spliced(record: Record) -> bytes:
    """The object's JSON as it is sent."""
    value = record.value
    at = value.index(_METADATA) + len(_METADATA)
    return b'%b"resourceVersion":"%d",%b' % (value[:at], record.revision, value[at:])


def items(records: Iterable[Record]) -> bytes:
    """The end of a list's JSON: its items, which do not repeat their kind, and the closing brace."""
    return b'"items":[%b]}' % b",".join(map(_item, records))


def _item(record: Record) -> bytes:
    value = record.value
    at = value.index(_METADATA) + len(_METADATA)
    return b'{%b"resourceVersion":"%d",%b' % (_METADATA, record.revision, value[at:])
