"""The schemas of the served kinds, compiled to walkers that read an object as Go's decoder would.

A walk answers the object without nulls and without fields that its type does not have, says which those
were, and raises `Mismatch` in the words of Go's decoder when a value is of the wrong type.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.kube import quantity

Definitions = Mapping[str, Mapping[str, Any]]
_Walk = Callable[[Any, str, list[str]], Any]
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_GO_NAMES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
}


class Mismatch(ValueError):
    """A value is of a type that the field cannot hold."""


@dataclass(frozen=True, slots=True)
class Walked:
    """An object as its type keeps it, and the paths of the fields that its type does not have."""

    value: dict[str, Any]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walker stands, for the words of its complaint."""

    struct: str
    path: str

    def mismatch(self, value: Any, expected: str) -> Mismatch:
        """What Go says of a wrong type."""
        found = _GO_NAMES.get(type(value), "value")
        where = f"Go struct field {self.struct}.{self.path}" if self.path else "Go value"
        return Mismatch(f"json: cannot unmarshal {found} into {where} of type {expected}")


class Schemas:
    """All definitions; walkers are compiled when first asked for."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._walks: dict[str, _Walk] = {}
        self._patch_fields: dict[str, Mapping[str, Mapping[str, Any]]] = {}

    def walk(self, name: str, value: Mapping[str, Any]) -> Walked:
        """Read `value` as the definition `name`; raises `Mismatch`."""
        unknown: list[str] = []
        read = self._definition(name)(value, "", unknown)
        return Walked(read, tuple(unknown))

    def properties(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """The fields of a definition, each with what it refers to and its `x-kubernetes-*` words."""
        found: Mapping[str, Mapping[str, Any]] = self.definitions.get(name, {}).get(
            "properties", {}
        )
        return found

    def _definition(self, name: str) -> _Walk:
        if name not in self._walks:
            self._walks[name] = self._compile(self.definitions[name], name)
        return self._walks[name]

    def _compile(self, schema: Mapping[str, Any], name: str) -> _Walk:
        if name in _OWN_FORM:
            return _OWN_FORM[name]
        target = reference(schema)
        if target is not None:
            return self._definition(target)
        kind = schema.get("type")
        if kind == "object" and "properties" in schema:
            return self._struct(schema["properties"], name)
        if kind == "object" and "additionalProperties" in schema:
            return _mapping(self._compile(schema["additionalProperties"], ""))
        if kind == "array":
            return _sequence(self._compile(schema["items"], ""))
        return _leaf(schema)

    def _struct(self, properties: Mapping[str, Any], name: str) -> _Walk:
        short = name.rpartition(".")[2]
        walks = {field: self._compile(schema, "") for field, schema in properties.items()}

        def walk(value: Any, path: str, unknown: list[str]) -> Any:
            if type(value) is not dict:
                raise _Place(short, _bare(path)).mismatch(value, f"v1.{short}")
            read = {}
            for field, held in value.items():
                step = walks.get(field)
                if step is None:
                    unknown.append(f"{path}.{field}" if path else field)
                elif held is not None:
                    read[field] = step(held, f"{path}.{field}" if path else field, unknown)
            return read

        return walk


def reference(schema: Mapping[str, Any]) -> str | None:
    """The name of the definition that a field is of, if it is of one."""
    pointer = schema.get("$ref")
    if pointer is None and "allOf" in schema:
        pointer = schema["allOf"][0].get("$ref")
    return None if pointer is None else str(pointer).rpartition("/")[2]


def _bare(path: str) -> str:
    """The path as Go's decoder says it: without indexes."""
    return "".join(part.partition("]")[2] if "]" in part else part for part in path.split("["))


def _struct_of(path: str) -> str:
    steps = _bare(path).split(".")
    return steps[-2][:1].upper() + steps[-2][1:] if len(steps) > 1 else steps[0]


def _scalar(types: Sequence[type], expected: str) -> _Walk:
    allowed = frozenset(types)

    def walk(value: Any, path: str, unknown: list[str]) -> Any:
        del unknown
        if type(value) not in allowed:
            raise _Place(_struct_of(path), _bare(path)).mismatch(value, expected)
        return value

    return walk


def _leaf(schema: Mapping[str, Any]) -> _Walk:
    match schema.get("type"), schema.get("format"):
        case "string", "byte":
            return _bytes
        case "string", _:
            return _scalar((str,), "string")
        case "integer", size:
            return _scalar((int,), size or "int64")
        case "number", _:
            return _scalar((int, float), "float64")
        case "boolean", _:
            return _scalar((bool,), "bool")
    return _anything


def _anything(value: Any, path: str, unknown: list[str]) -> Any:
    del path, unknown
    return value


def _bytes(value: Any, path: str, unknown: list[str]) -> Any:
    del unknown
    if type(value) is not str:
        raise _Place(_struct_of(path), _bare(path)).mismatch(value, "[]uint8")
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except binascii.Error:
        raise Mismatch(f"illegal base64 data at input byte {_first_wrong(value)}") from None
    return value


def _first_wrong(text: str) -> int:
    alphabet = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    return next((at for at, sign in enumerate(text) if sign not in alphabet), len(text) // 4 * 4)


def _quantity(value: Any, path: str, unknown: list[str]) -> Any:
    del path, unknown
    if type(value) not in (str, int, float):
        raise Mismatch("quantities must be strings or numbers")
    try:
        return quantity.canonical(str(value))
    except ValueError as error:
        raise Mismatch(str(error)) from None


def _mapping(inner: _Walk) -> _Walk:
    def walk(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise _Place(_struct_of(path), _bare(path)).mismatch(value, "map[string]string")
        return {
            key: inner(held, f"{path}.{key}", unknown)
            for key, held in value.items()
            if held is not None
        }

    return walk


def _sequence(inner: _Walk) -> _Walk:
    def walk(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is not list:
            raise _Place(_struct_of(path), _bare(path)).mismatch(value, "[]v1.Item")
        return [inner(held, f"{path}[{at}]", unknown) for at, held in enumerate(value)]

    return walk


_OWN_FORM: Mapping[str, _Walk] = {
    _QUANTITY: _quantity,
    _INT_OR_STRING: _scalar((int, str), "intstr.IntOrString"),
}
