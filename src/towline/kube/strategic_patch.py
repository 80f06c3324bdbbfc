"""Strategic merge patch: a merge patch that knows which lists are keyed.

The schema says of each list whether it is merged, and by which field of its items
(`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`). Directives inside the patch say the rest:
`$patch: delete|replace|merge`, `$setElementOrder/LIST`, `$deleteFromPrimitiveList/LIST`, `$retainKeys`.
No library for it exists in Python; the rules are those of
k8s.io/apimachinery/pkg/util/strategicpatch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from towline.kube.schema import Schemas, reference

_PATCH, _RETAIN = "$patch", "$retainKeys"
_ORDER, _DELETE = "$setElementOrder/", "$deleteFromPrimitiveList/"


class BadPatch(ValueError):
    """The patch contradicts itself or its schema."""


class StrategicPatch:
    """Patches of objects of one definition."""

    def __init__(self, schemas: Schemas, definition: str) -> None:
        self._schemas = schemas
        self._definition = definition

    def apply(self, target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
        """The target as patched; neither is changed. Raises `BadPatch`."""
        merged = self._object(target, patch, self._definition)
        return {} if merged is None else merged

    def _object(
        self, target: Mapping[str, Any], patch: Mapping[str, Any], definition: str | None
    ) -> dict[str, Any] | None:
        directive = patch.get(_PATCH)
        if directive == "delete":
            return {}
        if directive == "replace":
            replaced: dict[str, Any] = clean(dict(patch))
            return replaced
        if directive not in (None, "merge"):
            raise BadPatch(f"unknown patch type found: {directive}")
        merged = _retained(target, patch)
        for key in sorted(patch):  # directives ($…) sort before the lists they are about
            if not key.startswith("$"):
                self._field(merged, key, patch, definition)
        self._leftovers(merged, patch, definition)
        return merged

    def _field(
        self, merged: dict[str, Any], key: str, patch: Mapping[str, Any], definition: str | None
    ) -> None:
        value = patch[key]
        if value is None:
            merged.pop(key, None)
            return
        field = self._schemas.properties(definition).get(key, {}) if definition else {}
        held = merged.get(key)
        if isinstance(value, dict):
            base = held if isinstance(held, dict) else {}
            merged[key] = self._object(base, value, _inner(field))
        elif isinstance(value, list) and _merges(field):
            base_list = held if isinstance(held, list) else []
            merged[key] = self._list(base_list, value, field)
        else:
            merged[key] = clean(value)

    def _leftovers(
        self, merged: dict[str, Any], patch: Mapping[str, Any], definition: str | None
    ) -> None:
        """Apply the directives that stand beside the lists they are about."""
        for key, value in patch.items():
            if key.startswith(_DELETE):
                name = key[len(_DELETE) :]
                if isinstance(merged.get(name), list):
                    merged[name] = [one for one in merged[name] if one not in value]
        for key, value in patch.items():
            if key.startswith(_ORDER):
                name = key[len(_ORDER) :]
                field = self._schemas.properties(definition).get(name, {}) if definition else {}
                if isinstance(merged.get(name), list):
                    merged[name] = _ordered(merged[name], value, field)

    def _list(
        self, held: Sequence[Any], patch: Sequence[Any], field: Mapping[str, Any]
    ) -> list[Any]:
        key = field.get("x-kubernetes-patch-merge-key")
        if key is None:
            return [*held, *(one for one in dict.fromkeys(patch) if one not in held)]
        if any(_replaces(one) for one in patch):
            return [clean(one) for one in patch if not _is_directive(one)]
        items = list(held)
        inner = _inner(field.get("items", {}))
        for one in patch:
            self._item(items, one, key, inner)
        return items

    def _item(self, items: list[Any], patch: Any, key: str, definition: str | None) -> None:
        if not isinstance(patch, dict) or key not in patch:
            raise BadPatch(f"map: {patch} does not contain declared merge key: {key}")
        at = [index for index, one in enumerate(items) if one.get(key) == patch[key]]
        if patch.get(_PATCH) == "delete":
            for index in reversed(at):
                del items[index]
        elif at:
            merged = self._object(items[at[0]], patch, definition)
            items[at[0]] = merged
        else:
            items.append(self._object({}, patch, definition))


def clean(value: Any) -> Any:
    """A value of a patch where nothing was before: without nulls and directives."""
    if isinstance(value, dict):
        return {
            key: clean(held)
            for key, held in value.items()
            if held is not None and not key.startswith("$")
        }
    if isinstance(value, list):
        return [clean(one) for one in value if not _is_directive(one)]
    return value


def _retained(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    keys = patch.get(_RETAIN)
    return {key: value for key, value in target.items() if keys is None or key in keys}


def _merges(field: Mapping[str, Any]) -> bool:
    return "merge" in str(field.get("x-kubernetes-patch-strategy", "")).split(",")


def _inner(field: Mapping[str, Any]) -> str | None:
    return reference(field)


def _replaces(one: Any) -> bool:
    return isinstance(one, dict) and one.get(_PATCH) == "replace"


def _is_directive(one: Any) -> bool:
    return isinstance(one, dict) and (
        one.get(_PATCH) == "delete" or (_PATCH in one and len(one) == 1)
    )


def _identity(one: Any, field: Mapping[str, Any]) -> Any:
    key = field.get("x-kubernetes-patch-merge-key")
    return one.get(key) if key and isinstance(one, dict) else one


def _ordered(items: Sequence[Any], order: Sequence[Any], field: Mapping[str, Any]) -> list[Any]:
    """The items in the order given; those only the server has stay behind their predecessors."""
    ranks = {_identity(one, field): rank for rank, one in enumerate(order)}
    listed = sorted(
        (one for one in items if _identity(one, field) in ranks),
        key=lambda one: ranks[_identity(one, field)],
    )
    merged: list[Any] = []
    waiting = list(listed)
    position = {id(one): at for at, one in enumerate(items)}
    for one in items:
        if _identity(one, field) in ranks:
            continue
        while waiting and position[id(waiting[0])] < position[id(one)]:
            merged.append(waiting.pop(0))
        merged.append(one)
    return [*merged, *waiting]
