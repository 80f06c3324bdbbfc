"""Strategic merge patch: a merge patch that knows which lists are keyed.

The schema says of each list whether it is merged, and by which field of its items
(`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`). Directives inside the patch say the rest:
`$patch: delete|replace|merge`, `$setElementOrder/LIST`, `$deleteFromPrimitiveList/LIST`, `$retainKeys`.
No library for it exists in Python; the rules are those of k8s.io/apimachinery/pkg/util/strategicpatch, also
the one that surprises: what a patch adds to a merged list comes before what only the server has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from towline.kube.schema import Schemas, reference

_PATCH, _RETAIN = "$patch", "$retainKeys"
_ORDER, _DELETE = "$setElementOrder/", "$deleteFromPrimitiveList/"


class BadPatch(ValueError):
    """The patch contradicts itself or its schema; the text is the API server's."""


class StrategicPatch:
    """Patches of objects of one definition."""

    def __init__(self, schemas: Schemas, definition: str) -> None:
        self._schemas = schemas
        self._definition = definition

    def apply(self, target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
        """The target as patched; neither is changed. Raises `BadPatch`."""
        return self._object(target, patch, self._definition)

    def _object(
        self, target: Mapping[str, Any], patch: Mapping[str, Any], definition: str | None
    ) -> dict[str, Any]:
        match patch.get(_PATCH):
            case "delete":
                return {}
            case "replace":
                return _cleaned(patch)
            case None | "merge":
                return self._merged(target, patch, definition)
            case unknown:
                raise BadPatch(f"unknown patch type: {unknown} in map: {dict(patch)}")

    def _merged(
        self, target: Mapping[str, Any], patch: Mapping[str, Any], definition: str | None
    ) -> dict[str, Any]:
        merged = _retained(target, patch)
        fields = self._schemas.properties(definition) if definition else {}
        for name in dict.fromkeys(_field_of(key) for key in patch if key not in (_PATCH, _RETAIN)):
            field = fields.get(name, {})
            if name in patch:
                self._field(merged, name, patch[name], field)
            if isinstance(merged.get(name), list):
                merged[name] = _directed(merged[name], target.get(name), name, patch, field)
        return merged

    def _field(
        self, merged: dict[str, Any], name: str, value: Any, field: Mapping[str, Any]
    ) -> None:
        held = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = self._object(
                held if isinstance(held, dict) else {}, value, reference(field)
            )
        elif isinstance(value, list) and _merges(field):
            merged[name] = self._list(held if isinstance(held, list) else [], value, field)
        else:
            merged[name] = clean(value)

    def _list(self, held: list[Any], patch: list[Any], field: Mapping[str, Any]) -> list[Any]:
        key = _merge_key(field)
        if key is None:
            values = {_scalar(one): one for one in (*held, *patch)}
            return _arranged(list(values.values()), patch, held, None)
        wanted = [one for one in patch if _PATCH not in _map(one)]
        if any(one.get(_PATCH) == "replace" for one in patch):
            held = []
        else:
            gone = {_merge_value(one, key) for one in patch if _deletes(one)}
            held = [one for one in held if _identity(one, key) not in gone]
        return _arranged(self._items(held, wanted, key, field), wanted, held, key)

    def _items(
        self, held: list[Any], wanted: list[Any], key: str, field: Mapping[str, Any]
    ) -> list[Any]:
        items, definition = list(held), reference(field.get("items", {}))
        places: dict[Any, int] = {}
        for at, one in enumerate(items):
            places.setdefault(_identity(one, key), at)
        for one in wanted:
            value = _merge_value(one, key)
            if value in places:
                items[places[value]] = self._object(items[places[value]], one, definition)
            else:
                places[value] = len(items)
                items.append(self._object({}, one, definition))
        return items


def clean(value: Any) -> Any:
    """A value of a patch where nothing was before: without nulls and directives."""
    if isinstance(value, dict):
        return _cleaned(value)
    if isinstance(value, list):
        return [clean(one) for one in value if not (isinstance(one, dict) and _PATCH in one)]
    return value


def _cleaned(patch: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: clean(held)
        for key, held in patch.items()
        if held is not None and not key.startswith("$")
    }


def _field_of(key: str) -> str:
    """The field that a key of a patch is about, directive or not."""
    return key.removeprefix(_ORDER).removeprefix(_DELETE)


def _retained(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    if _RETAIN not in patch:
        return dict(target)
    keys = _listed(patch, _RETAIN)
    return {key: value for key, value in target.items() if key in keys}


def _directed(
    items: list[Any], before: Any, name: str, patch: Mapping[str, Any], field: Mapping[str, Any]
) -> list[Any]:
    """The list as the directives beside it want it."""
    if _DELETE + name in patch:
        gone = {_scalar(one) for one in _listed(patch, _DELETE + name)}
        items = [one for one in items if isinstance(one, dict) or one not in gone]
    if _ORDER + name in patch:
        order = _listed(patch, _ORDER + name)
        items = _arranged(
            items, order, before if isinstance(before, list) else [], _merge_key(field)
        )
    return items


def _listed(patch: Mapping[str, Any], directive: str) -> list[Any]:
    value = patch[directive]
    if not isinstance(value, list):
        raise BadPatch(f"expected a list in {directive}, but received {value!r}")
    return value


def _merges(field: Mapping[str, Any]) -> bool:
    return "merge" in str(field.get("x-kubernetes-patch-strategy", "")).split(",")


def _merge_key(field: Mapping[str, Any]) -> str | None:
    return field.get("x-kubernetes-patch-merge-key")


def _deletes(one: Mapping[str, Any]) -> bool:
    match one.get(_PATCH):
        case "delete":
            return True
        case None | "replace":
            return False
        case "merge":
            raise BadPatch("merging lists cannot yet be specified in the patch")
        case unknown:
            raise BadPatch(f"unknown patch type: {unknown} in map: {dict(one)}")


def _map(one: Any) -> Mapping[str, Any]:
    if not isinstance(one, dict):
        raise BadPatch(f"expected a map in a merged list, but received {one!r}")
    return one


def _merge_value(one: Mapping[str, Any], key: str) -> Any:
    if key not in one:
        raise BadPatch(f"map: {dict(one)} does not contain declared merge key: {key}")
    return _scalar(one[key])


def _scalar(one: Any) -> Any:
    if isinstance(one, dict | list):
        raise BadPatch(f"expected a scalar in a merged list, but received {one!r}")
    return one


def _identity(one: Any, key: str | None) -> Any:
    """By what two items of a list are the same."""
    if key is None or not isinstance(one, dict):
        return _scalar(one)
    return _scalar(one.get(key))


def _ranks(items: Sequence[Any], key: str | None) -> dict[Any, int]:
    ranks: dict[Any, int] = {}
    for rank, one in enumerate(items):
        ranks.setdefault(_identity(one, key), rank)
    return ranks


def _arranged(
    items: Sequence[Any], order: Sequence[Any], before: Sequence[Any], key: str | None
) -> list[Any]:
    """The items in the given order; those it does not name stay where they were before, as far as that goes.

    An item that was not there before has no place there, so it does not wait for one that was.
    """
    ranks, places = _ranks(order, key), _ranks(before, key)
    named = sorted(
        (one for one in items if _identity(one, key) in ranks),
        key=lambda one: ranks[_identity(one, key)],
    )
    unnamed = deque(one for one in items if _identity(one, key) not in ranks)
    arranged: list[Any] = []
    for one in named:
        place = places.get(_identity(one, key), -1)
        while unnamed and places.get(_identity(unnamed[0], key), len(before)) < place:
            arranged.append(unnamed.popleft())
        arranged.append(one)
    return [*arranged, *unnamed]
