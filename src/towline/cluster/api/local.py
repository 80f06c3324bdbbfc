"""The cluster's own API without a network: for controllers that run in the API's process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from towline.cluster.api import codec, data_file
from towline.cluster.api.address import Address, FieldValidation, Treatment
from towline.cluster.api.deletion import DeleteOptions, delete
from towline.cluster.api.objects import Objects
from towline.cluster.api.page import Pages, Selection
from towline.cluster.api.patching import patcher
from towline.cluster.api.pod_action import bind, evict
from towline.cluster.api.watching import Notice, Watching, WatchWish
from towline.cluster.kubernetes import ApiError, Object, ObjectList, PatchKind, Resource, WatchEvent
from towline.kube import refusal, resource_type
from towline.store.store import Store


class LocalKubernetes:
    """`cluster.kubernetes.Kubernetes` over a store, with the semantics of the served API."""

    def __init__(self, store: Store) -> None:
        self._objects = Objects(store, data_file.schemas())
        self._pages = Pages(store)

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """One object."""
        with _translated():
            return self._objects.read(_address(resource, namespace, name))

    async def list(
        self, resource: Resource, namespace: str = "", *, selectors: Mapping[str, str] | None = None
    ) -> ObjectList:
        """All objects that the selectors mean."""
        with _translated():
            address = _address(resource, namespace)
            page = self._pages.page(address, Selection.read(address, selectors or {}), {})
        return ObjectList(str(page.revision), tuple(map(codec.decode, page.records)))

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        selectors: Mapping[str, str] | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """Changes after `resource_version`; raises `ApiError` 410."""
        with _translated():
            address = _address(resource, namespace)
            query = {
                **(selectors or {}),
                "resourceVersion": resource_version,
                "allowWatchBookmarks": "true",
            }
            watching = Watching(self._objects.store, address, WatchWish.read(address, query))
            for notice in watching.initial():
                yield _event(address, notice)
            async for notices in watching.changes():
                for notice in notices:
                    yield _event(address, notice)

    async def create(
        self,
        resource: Resource,
        namespace: str,
        body: Object,
        *,
        subresource: str = "",
        name: str = "",
    ) -> Object:
        """The object as created."""
        with _translated():
            address = _address(resource, namespace, name, subresource)
            if subresource == "binding":
                return await bind(self._objects, address, body, _quietly())
            if subresource == "eviction":
                return await evict(self._objects, address, body, _quietly())
            return codec.decode(await self._objects.create(address, body, _quietly()))

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
        with _translated():
            address = _address(resource, namespace, name, subresource)
            patch = body if isinstance(body, dict) else [*body]
            change = patcher(self._objects.schemas, address, kind.value, patch)
            return codec.decode(await self._objects.change(address, change, _quietly()))

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, options: Object | None = None
    ) -> None:
        """Ask for deletion; `options` is a DeleteOptions body."""
        with _translated():
            wish = DeleteOptions.read(options or {}, {})
            await delete(self._objects, _address(resource, namespace, name), wish, _quietly())


def _quietly() -> Treatment:
    return Treatment(validation=FieldValidation.IGNORE)


def _address(resource: Resource, namespace: str, name: str = "", subresource: str = "") -> Address:
    found = resource_type.find(resource.group, resource.version, resource.plural)
    if found is None or (subresource and found.subresource(subresource) is None):
        raise refusal.no_such_path()
    return Address(found, namespace, name, subresource)


def _event(address: Address, notice: Notice) -> WatchEvent:
    if notice.record is None:
        item = {
            "kind": address.resource.kind,
            "apiVersion": address.resource.api_version,
            "metadata": {"resourceVersion": str(notice.revision)},
        }
        return WatchEvent(notice.type, item)
    return WatchEvent(notice.type, codec.decode(notice.record))


class _translated:  # noqa: N801  # reads as a statement
    """Raises a refusal as the `ApiError` that a client of the served API would get."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, refusal.Refusal):
            raise ApiError(error.code, error.reason, error.message) from error
