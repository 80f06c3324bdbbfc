"""The one interface through which controllers and nodes speak to a Kubernetes API, ours or a real one.

Objects are the API's own JSON, as `dict[str, Any]`: the caller parses what it needs into the types of `kube/`.
A `Resource` names a collection, not an object.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as a path knows it: `Resource("", "v1", "pods")`, `Resource("apps", "v1", "deployments")`."""

    group: str
    version: str
    plural: str


class PatchKind(Enum):
    """How a patch is to be read; the value is its content type."""

    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    JSON = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A list and the resource version from which a watch continues it."""

    resource_version: str
    items: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Object


class ApiError(Exception):
    """An answer that is not a success: the `Status` object's code, reason and message."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message


class Unreachable(ApiError):
    """No server answered, so nobody knows whether the request took effect."""

    def __init__(self, message: str) -> None:
        super().__init__(503, "ServiceUnavailable", message)


class Kubernetes(Protocol):
    """List, watch and change objects. Every method raises `ApiError` when the server says no.

    An empty `namespace` means all namespaces, or a resource that has none. A patch whose body holds
    `metadata.resourceVersion` or `metadata.uid` fails with 409 when the object has another one.
    Subresources in use: `status` (patch), `binding` (create), `token` (create) and a namespace's
    `finalize` (patch), which may change nothing but `spec.finalizers` and, when it leaves that list
    empty on a namespace being deleted, removes the namespace.
    """

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """One object."""
        ...

    async def list(
        self, resource: Resource, namespace: str = "", *, selectors: Mapping[str, str] | None = None
    ) -> ObjectList:
        """All objects; `selectors` may hold `labelSelector` and `fieldSelector`."""
        ...

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        selectors: Mapping[str, str] | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """Changes after `resource_version`, until the server ends the stream. 410 raises `ApiError`."""
        ...

    async def create(
        self,
        resource: Resource,
        namespace: str,
        body: Object,
        *,
        subresource: str = "",
        name: str = "",
    ) -> Object:
        """The object as created. `subresource` posts below the object `name` (`pods/NAME/binding`)."""
        ...

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Object | Sequence[Object],
        *,
        kind: PatchKind = PatchKind.MERGE,
        subresource: str = "",
    ) -> Object:
        """The object as patched."""
        ...

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, options: Object | None = None
    ) -> None:
        """Ask for deletion; `options` is a DeleteOptions body."""
        ...
