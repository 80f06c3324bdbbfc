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
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_GO_NAMES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    type(None): "null",
}
_GO_TYPES = {"string": "string", "boolean": "bool", "number": "float64"}
_BOUNDS = {"int32": 1 << 31, "int64": 1 << 63}


class Mismatch(ValueError):
    """A value is of a type that the field cannot hold."""


@dataclass(frozen=True, slots=True)
class Walked:
    """An object as its type keeps it, and the paths of the fields that its type does not have."""

    value: dict[str, Any]
    unknown: tuple[str, ...]


# Where a walker stands: the step above, the struct (empty in lists and maps), and the field, index or key.
# It is spelled out only for a complaint, so that walking costs little.
_Place = tuple[Any, str, str | int] | None
_Walk = Callable[[Any, _Place, list[str]], Any]


def _path(place: _Place) -> str:
    """The place as strict decoding names it: `spec.containers[0].image`."""
    said = ""
    while place is not None:
        place, _, step = place
        said = f"[{step}]{said}" if isinstance(step, int) else f".{step}{said}"
    return said.removeprefix(".")


def _mismatch(place: _Place, value: Any, expected: str) -> Mismatch:
    """What Go says of a wrong type, or of a number that does not fit."""
    found = _GO_NAMES.get(type(value), "value")
    if found == "number" and expected in _BOUNDS:
        found = f"number {value}"
    fields = list[str]()
    innermost = ""
    while place is not None:
        place, struct, step = place
        if struct:
            innermost = innermost or struct
            fields.insert(0, str(step))
    where = f"Go struct field {innermost}.{'.'.join(fields)}" if fields else "Go value"
    return Mismatch(f"json: cannot unmarshal {found} into {where} of type {expected}")


class Schemas:
    """All definitions; walkers are compiled when first asked for."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._walks: dict[str, _Walk] = {}

    def walk(self, name: str, value: Mapping[str, Any]) -> Walked:
        """Read `value` as the definition `name`; raises `Mismatch`."""
        unknown: list[str] = []
        read = self._definition(name)(value, None, unknown)
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
            return _mapping(self._compile(schema["additionalProperties"], ""), _go_type(schema))
        if kind == "array":
            return _sequence(self._compile(schema["items"], ""), _go_type(schema))
        return _leaf(schema)

    def _struct(self, properties: Mapping[str, Any], name: str) -> _Walk:
        struct, go_type = name.rpartition(".")[2], _go_name(name)
        walks = {field: self._compile(schema, "") for field, schema in properties.items()}

        def walk(value: Any, place: _Place, unknown: list[str]) -> Any:
            if type(value) is not dict:
                raise _mismatch(place, value, go_type)
            read = {}
            for field, held in value.items():
                step = walks.get(field)
                if step is None:
                    unknown.append(_path((place, struct, field)))
                elif held is not None:
                    read[field] = step(held, (place, struct, field), unknown)
            return read

        return walk


def reference(schema: Mapping[str, Any]) -> str | None:
    """The name of the definition that a field is of, if it is of one."""
    pointer = schema.get("$ref")
    if pointer is None and "allOf" in schema:
        pointer = schema["allOf"][0].get("$ref")
    return None if pointer is None else str(pointer).rpartition("/")[2]


def _go_name(definition: str) -> str:
    """A definition's type as Go's decoder names it: `v1.PodSpec`."""
    return ".".join(definition.split(".")[-2:])


def _go_type(schema: Mapping[str, Any]) -> str:
    """The Go type of a field."""
    target = reference(schema)
    if target is not None:
        return _go_name(target)
    if "additionalProperties" in schema:
        return f"map[string]{_go_type(schema['additionalProperties'])}"
    match schema.get("type"), schema.get("format"):
        case "array", _:
            return f"[]{_go_type(schema['items'])}"
        case "string", "byte":
            return "[]uint8"
        case "integer", size:
            return size or "int64"
        case kind, _:
            return _GO_TYPES.get(str(kind), "interface {}")


def _leaf(schema: Mapping[str, Any]) -> _Walk:
    match schema.get("type"), schema.get("format"):
        case "string", "byte":
            return _bytes
        case "string", _:
            return _scalar((str,), "string")
        case "integer", _:
            return _integer(_go_type(schema))
        case "number", _:
            return _scalar((int, float), "float64")
        case "boolean", _:
            return _scalar((bool,), "bool")
    return _anything


def _scalar(types: Sequence[type], expected: str) -> _Walk:
    allowed = frozenset(types)

    def walk(value: Any, place: _Place, unknown: list[str]) -> Any:
        del unknown
        if type(value) not in allowed:
            raise _mismatch(place, value, expected)
        return value

    return walk


def _integer(expected: str) -> _Walk:
    bound = _BOUNDS[expected]

    def walk(value: Any, place: _Place, unknown: list[str]) -> Any:
        del unknown
        if type(value) is not int or not -bound <= value < bound:
            raise _mismatch(place, value, expected)
        return value

    return walk


def _anything(value: Any, place: _Place, unknown: list[str]) -> Any:
    del place, unknown
    return value


def _bytes(value: Any, place: _Place, unknown: list[str]) -> Any:
    del unknown
    if type(value) is not str:
        raise _mismatch(place, value, "[]uint8")
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except ValueError:  # binascii.Error, and a sign that is not ASCII
        raise Mismatch(f"illegal base64 data at input byte {_first_wrong(value)}") from None
    return value


def _first_wrong(text: str) -> int:
    alphabet = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    return next((at for at, sign in enumerate(text) if sign not in alphabet), len(text) // 4 * 4)


def _quantity(value: Any, place: _Place, unknown: list[str]) -> Any:
    del place, unknown
    if type(value) not in (str, int, float):
        raise Mismatch("quantities must be strings or numbers")
    try:
        return quantity.canonical(str(value))
    except ValueError as error:
        raise Mismatch(str(error)) from None


def _mapping(inner: _Walk, expected: str) -> _Walk:
    def walk(value: Any, place: _Place, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise _mismatch(place, value, expected)
        return {
            key: inner(held, (place, "", key), unknown)
            for key, held in value.items()
            if held is not None
        }

    return walk


def _sequence(inner: _Walk, expected: str) -> _Walk:
    def walk(value: Any, place: _Place, unknown: list[str]) -> Any:
        if type(value) is not list:
            raise _mismatch(place, value, expected)
        return [inner(held, (place, "", at), unknown) for at, held in enumerate(value)]

    return walk


_OWN_FORM: Mapping[str, _Walk] = {
    _QUANTITY: _quantity,
    _INT_OR_STRING: _scalar((int, str), "intstr.IntOrString"),
}
