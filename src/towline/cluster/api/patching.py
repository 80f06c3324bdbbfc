"""Patches: from the body of a PATCH request to a function from an object to the patched object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from towline.cluster.api.address import Address
from towline.cluster.api.view import view_of
from towline.kube import json_patch, merge_patch, refusal
from towline.kube.schema import Schemas
from towline.kube.strategic_patch import BadPatch, StrategicPatch

Object = dict[str, Any]
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"
ACCEPTED = (JSON, MERGE, STRATEGIC)
APPLY = "application/apply-patch+yaml"


def patcher(
    schemas: Schemas, address: Address, content_type: str, patch: Any
) -> Callable[[Object], Object]:
    """How the patch changes an object; raises a 400 or 415 refusal, also when it is used."""
    change = _understood(schemas, address, content_type, patch)

    def changed(held: Object) -> Object:
        try:
            return change(held)
        except RecursionError:
            raise refusal.bad_request("the patch is nested too deeply") from None

    return changed


def _understood(
    schemas: Schemas, address: Address, content_type: str, patch: Any
) -> Callable[[Object], Object]:
    if content_type == JSON:
        return _json_patcher(patch)
    if content_type not in (MERGE, STRATEGIC):
        raise refusal.unsupported_media_type(content_type, ACCEPTED)
    if not isinstance(patch, dict):
        raise refusal.bad_request(
            "json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    if content_type == MERGE:
        return lambda held: merge_patch.apply(held, patch)
    schema = view_of(address.resource, address.resource.subresource(address.subresource)).schema
    strategic = StrategicPatch(schemas, schema)

    def strategically(held: Object) -> Object:
        try:
            return strategic.apply(held, patch)
        except BadPatch as error:
            raise refusal.bad_request(str(error)) from None

    return strategically


def _json_patcher(patch: Any) -> Callable[[Object], Object]:
    if not isinstance(patch, list) or not all(isinstance(one, dict) for one in patch):
        raise refusal.bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        )

    def patched(held: Object) -> Object:
        try:
            made = json_patch.apply(held, patch)
        except json_patch.PatchFailed as error:
            raise refusal.Refusal(
                422,
                "Invalid",
                f"the server rejected our request due to an error in our request: {error}",
            ) from None
        if not isinstance(made, dict):
            raise refusal.bad_request("the patched object is no object")
        return made

    return patched


def go_text(value: Any) -> str:
    """A patch as Go's `%v` prints it, which is how the real server quotes a strategic one."""
    match value:
        case dict():
            return f"map[{' '.join(f'{key}:{go_text(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(map(go_text, value))}]"
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
    return str(value)
