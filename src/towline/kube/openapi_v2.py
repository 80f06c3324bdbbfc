"""The OpenAPI v2 document, which kubectl before 1.28 reads before `apply`, `create` and `explain`.

Those kubectls read it in one form only: the protobuf message `openapi.v2.Document` of github.com/google/gnostic
(`openapiv2/OpenAPIv2.proto`), which no Python package writes. The parts of it that kubectl looks at are
written here: the schemas, and of each kind the PATCH operation that knows `fieldValidation`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from towline.kube.discovery import groups, served
from towline.kube.openapi import QUERY, closure
from towline.kube.resource_type import SERVED, ResourceType

Definitions = Mapping[str, Mapping[str, Any]]
MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
ANSWERED_AS = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""How kube-apiserver calls the same form when it answers: an `@` is not allowed there."""


def document(definitions: Definitions, version: str) -> bytes:
    """The whole document, of all groups."""
    schemas = closure((one.schema for one in SERVED), definitions)
    info = _text(1, "Kubernetes") + _text(2, version)
    paths = [path for group in ("", *groups()) for one in served(group) for path in _paths(one)]
    named = (_named(1, name, _schema(held)) for name, held in schemas.items())
    return (
        _text(1, "2.0")
        + _message(2, info)
        + _message(8, b"".join(paths))
        + _message(9, b"".join(named))
    )


def _paths(one: ResourceType) -> Iterable[bytes]:
    if "patch" not in one.verbs:
        return
    root = f"/apis/{one.group}/{one.version}" if one.group else f"/api/{one.version}"
    within = f"{root}/namespaces/{{namespace}}" if one.namespaced else root
    kind = {"group": one.group, "kind": one.kind, "version": one.version}
    about = _extension(13, "x-kubernetes-group-version-kind", kind)
    action = _extension(13, "x-kubernetes-action", "patch")
    patch = b"".join(_query_parameter(name) for name in QUERY) + action + about
    yield _named(2, f"{within}/{one.plural}/{{name}}", _message(8, patch))


def _query_parameter(name: str) -> bytes:
    """An entry of `Operation.parameters`; each layer is one `oneof` of the schema."""
    inner = _text(2, "query") + _text(4, name) + _text(6, "string")
    return _message(8, _message(1, _message(2, _message(3, inner))))


def _schema(schema: Mapping[str, Any]) -> bytes:
    parts = [_text(number, schema[word]) for word, number in _TEXTS.items() if word in schema]
    if "$ref" in schema:
        parts.append(_text(1, _pointer(schema["$ref"])))
    if "default" in schema:
        parts.append(_message(5, _any(schema["default"])))
    parts += [_text(19, name) for name in schema.get("required") or ()]
    if isinstance(schema.get("additionalProperties"), Mapping):
        parts.append(_message(21, _message(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(_message(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_message(23, _message(1, _schema(schema["items"]))))
    parts += [_message(24, _schema(one)) for one in schema.get("allOf") or ()]
    if "properties" in schema:
        named = (_named(1, name, _schema(one)) for name, one in schema["properties"].items())
        parts.append(_message(25, b"".join(named)))
    parts += [_extension(31, word, held) for word, held in schema.items() if word[:2] == "x-"]
    return b"".join(parts)


_TEXTS = {"format": 2, "title": 3, "description": 4}


def _pointer(reference: str) -> str:
    """Where version 2 keeps the definition that version 3 keeps under `components`."""
    return f"#/definitions/{reference.rpartition('/')[2]}"


def _extension(number: int, word: str, value: Any) -> bytes:
    return _named(number, word, _any(value))


def _any(value: Any) -> bytes:
    """A value as YAML, of which JSON is a part."""
    return _text(2, json.dumps(value))


def _named(number: int, name: str, value: bytes) -> bytes:
    return _message(number, _text(1, name) + _message(2, value))


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode())


def _message(number: int, content: bytes) -> bytes:
    """A length-delimited field: the only kind of field that the document needs."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)
