"""From the parameters as they came to the type that an action takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from towline.cloud.action import Parameters
from towline.cloud.refusal import Refusal

P = TypeVar("P", bound=Parameters)

_DEEPEST = 20  # levels; no action has parameters of more than five


def parameters_of_body(body: bytes) -> dict[str, Any]:
    """Read the JSON object of a POST."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("InvalidParameter", f"The body is not a JSON object: {error}.") from error


def parameters_of_query(query: str) -> dict[str, Any]:
    """Read the flattened parameters of a GET, where `Filters.0.Name=x` names the first filter."""
    tree: dict[str, Any] = {}
    for path, value in _pairs(query):
        *branches, leaf = path.split(".")
        if len(branches) > _DEEPEST:
            raise Refusal("InvalidParameter", "A parameter is nested too deeply.")
        node = tree
        for branch in branches:
            below = node.setdefault(branch, {})
            if not isinstance(below, dict):
                raise Refusal("InvalidParameter", f"`{path}` contradicts another parameter.")
            node = below
        node[leaf] = value
    return {name: _listed(value) for name, value in tree.items()}


def convert(given: Mapping[str, Any], wanted: type[P], *, strict: bool) -> P:
    """Make the typed parameters; what was given as null counts as not given.

    `strict` is for JSON; a query knows only text, from which numbers and booleans are read.
    """
    present = {name: value for name, value in given.items() if value is not None}
    fields = msgspec.structs.fields(wanted)
    for field in fields:
        if field.required and field.encode_name not in present:
            raise Refusal(
                "MissingParameter",
                f"The request is missing a required parameter `{field.encode_name}`.",
            )
    for name in present.keys() - {field.encode_name for field in fields}:
        raise Refusal("UnknownParameter", f"The parameter `{name}` is not recognized.")
    try:
        return msgspec.convert(present, wanted, strict=strict)
    except msgspec.ValidationError as error:
        raise Refusal("InvalidParameter", f"{error}.") from error


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True)
    except ValueError as error:  # so it counts too many fields, and reads numbers
        raise Refusal("InvalidParameter", f"The query cannot be read: {error}.") from error


def _listed(value: Any) -> Any:
    """Turn branches that are numbered from 0 into lists, at every depth."""
    if not isinstance(value, dict):
        return value
    below = {name: _listed(inner) for name, inner in value.items()}
    if below.keys() == {str(number) for number in range(len(below))}:
        return [below[str(number)] for number in range(len(below))]
    return below
