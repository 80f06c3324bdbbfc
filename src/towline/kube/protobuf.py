"""Kubernetes' protobuf request bodies, read into the JSON form of the same object.

kubectl from 1.32 on sends them for every typed request and has no fallback. No library reads them
without the generated classes of all API groups; the wire format itself is small, so it is read here
by a table of fields (`data/protobuf-fields.json.gz`, see tools/schema_protobuf.py).

Three things are Kubernetes' own: the envelope (`k8s\\0` and a `runtime.Unknown`), messages with a JSON form
of their own (times, quantities, `IntOrString`), and embedded Go structs, whose fields belong to the
outer object. Zero values of fields that are no pointers in Go are left out, as Go's `omitempty` does.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAGIC = b"k8s\x00"
_MESSAGE = 11  # FieldDescriptorProto.Type
_META = "k8s.io.apimachinery.pkg.apis.meta.v1."


class Undecodable(ValueError):
    """The body is no protobuf message that the table knows."""


@dataclass(frozen=True, slots=True)
class Field:
    """One numbered field of a message."""

    name: str
    type: int
    repeated: bool
    message: str
    pointer: bool
    embedded: bool


@dataclass(frozen=True, slots=True)
class Message:
    """The fields of a message by their numbers."""

    name: str
    is_map: bool
    fields: Mapping[int, Field]


Table = Mapping[str, Message]


def read_table(text: bytes) -> Table:
    """The table, as the data file has it."""
    return {
        name: Message(
            name,
            entry["map"],
            {int(number): Field(*row) for number, row in entry["fields"].items()},
        )
        for name, entry in json.loads(text).items()
    }


def decode(body: bytes, table: Table) -> dict[str, Any]:
    """The object in an enveloped body; raises `Undecodable`."""
    try:
        return _decode(body, table)
    except Undecodable:
        raise
    except IndexError:
        raise Undecodable("truncated") from None
    except (ValueError, struct.error, RecursionError) as error:
        raise Undecodable(f"malformed: {error}") from error


def _decode(body: bytes, table: Table) -> dict[str, Any]:
    if not body.startswith(MAGIC):
        raise Undecodable("does not begin with the Kubernetes envelope")
    envelope = dict(_wire(body[len(MAGIC) :]))
    about = dict(_wire(_bytes(envelope.get(1, b""))))
    version, kind = _text(about, 1), _text(about, 2)
    message = _message(version, kind, table)
    content = _bytes(envelope.get(2, b""))
    return {"kind": kind, "apiVersion": version, **_object(message, content, table)}


def _message(version: str, kind: str, table: Table) -> Message:
    group, _, bare = version.rpartition("/")
    package = group.split(".")[0] or "core"
    for name in (f"k8s.io.api.{package}.{bare}.{kind}", f"{_META}{kind}"):
        if name in table:
            return table[name]
    raise Undecodable(f'no kind "{kind}" is registered for version "{version}"')


def _object(message: Message, data: bytes, table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, raw in _wire(data):
        field = message.fields.get(number)
        if field is None:
            raise Undecodable(f"unknown field {number} in {message.name}")
        _put(found, field, raw, table)
    return found


def _put(found: dict[str, Any], field: Field, raw: Any, table: Table) -> None:
    if field.type == _MESSAGE and table[field.message].is_map:
        key, value = _entry(table[field.message], _bytes(raw), table)
        found.setdefault(field.name, {})[key] = value
        return
    value = _value(field, raw, table)
    if field.repeated:
        found.setdefault(field.name, []).append(value)
    elif field.embedded:
        found.update(value)
    elif value or (value is not None and (field.pointer or field.type == _MESSAGE)):
        found[field.name] = value


def _entry(message: Message, raw: bytes, table: Table) -> tuple[str, Any]:
    parts = dict(_wire(raw))
    field = message.fields[2]
    held = parts.get(2, b"" if field.type in (_MESSAGE, 9, 12) else 0)
    return _text(parts, 1), _value(field, held, table)


def _value(field: Field, raw: Any, table: Table) -> Any:
    if field.type != _MESSAGE:
        return _SCALARS[field.type](raw)
    own = _OWN_FORM.get(field.message)
    return own(_bytes(raw)) if own else _object(table[field.message], _bytes(raw), table)


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        match key & 7:
            case 0:
                value, at = _varint(data, at)
                yield key >> 3, value
                continue
            case 2:
                length, at = _varint(data, at)
            case 1:
                length = 8
            case 5:
                length = 4
            case kind:
                raise Undecodable(f"wire type {kind}")
        if at + length > len(data):
            raise Undecodable("truncated")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise Undecodable("a number of more than 64 bits")


def _bytes(raw: Any) -> bytes:
    if not isinstance(raw, bytes):
        raise Undecodable("a number where text or a message should be")
    return raw


def _count(raw: Any) -> int:
    if not isinstance(raw, int):
        raise Undecodable("text or a message where a number should be")
    return raw


def _text(parts: Mapping[int, Any], number: int) -> str:
    return _bytes(parts.get(number, b"")).decode()


def _signed(raw: Any) -> int:
    value = _count(raw)
    return value - (1 << 64) if value >> 63 else value


def _time(data: bytes) -> str | None:
    parts = dict(_wire(data))
    if not parts:
        return None  # Go's zero time, null in JSON
    return f"{_moment(parts):%Y-%m-%dT%H:%M:%S}Z"


def _micro_time(data: bytes) -> str | None:
    parts = dict(_wire(data))
    if not parts:
        return None
    return f"{_moment(parts):%Y-%m-%dT%H:%M:%S}.{_count(parts.get(2, 0)) // 1000 % 1_000_000:06d}Z"


def _moment(parts: Mapping[int, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(_signed(parts.get(1, 0)), UTC)
    except (OverflowError, OSError) as error:
        raise Undecodable("a time beyond all calendars") from error


def _quantity(data: bytes) -> str:
    return _text(dict(_wire(data)), 1)


def _int_or_string(data: bytes) -> int | str:
    parts = dict(_wire(data))
    if parts.get(1, 0) == 1:
        return _text(parts, 3)
    return _signed(parts.get(2, 0))


def _raw_json(data: bytes) -> Any:
    return json.loads(_bytes(dict(_wire(data)).get(1, b"")) or b"{}")


def _strings(data: bytes) -> list[str]:
    return [_bytes(text).decode() for _, text in _wire(data)]


_SCALARS: Mapping[int, Callable[[Any], Any]] = {
    1: lambda raw: struct.unpack("<d", _bytes(raw))[0],
    3: _signed,
    4: _count,
    5: _signed,
    8: lambda raw: bool(_count(raw)),
    9: lambda raw: _bytes(raw).decode(),
    12: lambda raw: base64.b64encode(_bytes(raw)).decode(),
    13: _count,
}
_OWN_FORM: Mapping[str, Callable[[bytes], Any]] = {
    f"{_META}Time": _time,
    f"{_META}MicroTime": _micro_time,
    f"{_META}Duration": lambda data: _signed(dict(_wire(data)).get(1, 0)),
    f"{_META}FieldsV1": _raw_json,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _raw_json,
    "k8s.io.apimachinery.pkg.api.resource.Quantity": _quantity,
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "k8s.io.api.authentication.v1.ExtraValue": _strings,
    "k8s.io.api.authorization.v1.ExtraValue": _strings,
}
