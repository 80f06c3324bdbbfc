"""How the API says no: every failed request is one `Status` object, whose message kubectl prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.kube.resource_type import ResourceType


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with one field; `reason` as causes name it."""

    reason: str
    field: str
    message: str


class Refusal(Exception):
    """A request that is answered with a `Status` failure."""

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> dict[str, Any]:
        """The body that says so."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = dict(self.details)
        return body | {"code": self.code}


def _details(resource: ResourceType, name: str) -> dict[str, Any]:
    named = {"name": name} if name else {}
    group = {"group": resource.group} if resource.group else {}
    return {**named, **group, "kind": resource.plural}


def not_found(resource: ResourceType, name: str) -> Refusal:
    """There is no such object."""
    message = f'{resource.qualified} "{name}" not found'
    return Refusal(404, "NotFound", message, _details(resource, name))


def no_such_path() -> Refusal:
    """There is nothing at this path at all."""
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: ResourceType, name: str) -> Refusal:
    """The name is taken."""
    message = f'{resource.qualified} "{name}" already exists'
    return Refusal(409, "AlreadyExists", message, _details(resource, name))


def conflict(resource: ResourceType, name: str, because: str | None = None) -> Refusal:
    """Somebody wrote first, or a precondition does not hold."""
    reason = because or (
        "the object has been modified; please apply your changes to the latest version and try again"
    )
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {reason}'
    return Refusal(409, "Conflict", message, _details(resource, name))


def forbidden(
    resource: ResourceType, name: str, because: str, causes: Sequence[FieldError] = ()
) -> Refusal:
    """Admission says no."""
    about = f'{resource.qualified} "{name}"' if name else resource.qualified
    details = _details(resource, name)
    if causes:
        details["causes"] = [_cause(one) for one in causes]
    return Refusal(403, "Forbidden", f"{about} is forbidden: {because}", details)


def invalid(resource: ResourceType, name: str, errors: Sequence[FieldError]) -> Refusal:
    """The object is well-formed and makes no sense."""
    said = [f"{one.field}: {one.message}" for one in errors]
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    details = _details(resource, name) | {
        "kind": resource.kind,
        "causes": [_cause(one) for one in errors],
    }
    message = f'{resource.qualified_kind} "{name}" is invalid: {text}'
    return Refusal(422, "Invalid", message, details)


def invalid_patch(patch: str, because: str) -> Refusal:
    """A patch, quoted, that makes an object that its type cannot hold."""
    error = FieldError(
        "FieldValueInvalid", "patch", f"Invalid value: {json.dumps(patch)}: {because}"
    )
    message = f' "" is invalid: patch: {error.message}'
    return Refusal(422, "Invalid", message, {"causes": [_cause(error)]})


def _cause(error: FieldError) -> dict[str, str]:
    return {"reason": error.reason, "message": error.message, "field": error.field}


def bad_request(message: str) -> Refusal:
    """The request cannot be understood."""
    return Refusal(400, "BadRequest", message)


def expired(message: str = "The resourceVersion for the provided watch is too old.") -> Refusal:
    """History before this is gone: list anew."""
    return Refusal(410, "Expired", message)


def method_not_allowed() -> Refusal:
    """The resource does not do that."""
    message = "the server does not allow this method on the requested resource"
    return Refusal(405, "MethodNotAllowed", message, {})


def unsupported_media_type(offered: str, accepted: Sequence[str]) -> Refusal:
    """The body is in none of the accepted forms."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(accepted)}"
    )
    del offered  # the real server does not repeat it either
    return Refusal(415, "UnsupportedMediaType", message)


def invalid_list_options(field: str, because: str) -> Refusal:
    """The options of a list or watch contradict one another."""
    message = f'ListOptions.meta.k8s.io "" is invalid: {field}: Forbidden: {because}'
    cause = FieldError("FieldValueForbidden", field, f"Forbidden: {because}")
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [_cause(cause)]}
    return Refusal(422, "Invalid", message, details)
