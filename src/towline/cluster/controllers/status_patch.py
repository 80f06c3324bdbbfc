"""The smallest merge patch that turns one status into another, in Go's writing.

Go leaves out counts that are zero and lists that are empty; objects that controllers write should
not show that these were not written in Go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from towline.cluster.kubernetes import Object


def status_patch(
    held: Mapping[str, Any], wanted: Mapping[str, Any], always: Collection[str] = ()
) -> Object:
    """What of `wanted` has to be written over `held`; fields in `always` are kept when zero."""
    patch: Object = {}
    for name, value in wanted.items():
        written = value if value or name in always else None
        if held.get(name) != written:
            patch[name] = written
    return patch


def with_condition(conditions: list[Object], new: Object, now: str) -> list[Object]:
    """The conditions with a new one; it keeps the time of the old one unless its status changed.

    A condition that says the same (status, reason and message) stays as it is.
    """
    held = next((one for one in conditions if one["type"] == new["type"]), None)
    if held is not None and _says(held) == _says(new):
        return conditions
    since = held.get("lastTransitionTime") if held and held["status"] == new["status"] else None
    stamped = {**new, "lastTransitionTime": since or now}
    return [*(one for one in conditions if one["type"] != new["type"]), stamped]


def without_condition(conditions: list[Object], type_name: str) -> list[Object]:
    """The conditions without those of a type."""
    return [one for one in conditions if one["type"] != type_name]


def _says(condition: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    return condition["status"], condition.get("reason", ""), condition.get("message", "")
