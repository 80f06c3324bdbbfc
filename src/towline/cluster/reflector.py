"""Keeps a copy of a resource's objects: lists them, watches them, and begins again when it must.

A copy follows the API with a delay. Who writes through the API and wants to decide again at once
hands the answer to `learn`, so that the copy is never older than the reader's own writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource, WatchEvent
from towline.cluster.object_key import ObjectKey, key_of, version_of

SILENCE = 150.0  # seconds; a live watch shows a bookmark about once a minute
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 5.0  # seconds between tries while the API does not answer
_GONE = 410

Listener = Callable[[Object | None, Object | None], None]
"""Told of each change: the object before and after; None where there was or is none."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a resource are copied."""

    resource: Resource
    selectors: Mapping[str, str] = field(default_factory=dict)


class Reflector:
    """The copy. It is empty until `run` has listed the objects; `synced` says when."""

    def __init__(self, kubernetes: Kubernetes, selection: Selection) -> None:
        self.resource = selection.resource
        self.synced = asyncio.Event()
        self._selectors = selection.selectors
        self._kubernetes = kubernetes
        self._objects: dict[str, dict[str, Object]] = {}  # by namespace, by name
        self._listeners: list[Listener] = []
        self._seen = 0

    def listen(self, listener: Listener) -> None:
        """Tell somebody of every change from now on."""
        self._listeners.append(listener)

    def get(self, key: ObjectKey) -> Object | None:
        """One object, if it is there. Objects of the copy must not be changed."""
        return self._objects.get(key.namespace, {}).get(key.name)

    def list(self, namespace: str | None = None) -> tuple[Object, ...]:
        """All objects, or those of a namespace, in the order of their keys."""
        namespaces = sorted(self._objects) if namespace is None else [namespace]
        return tuple(
            held[name]
            for held in (self._objects.get(one, {}) for one in namespaces)
            for name in sorted(held)
        )

    def learn(self, thing: Object) -> None:
        """Take in what the API answered to a write, unless the watch has come past it already."""
        if version_of(thing) > self._seen:
            self._put(thing)

    async def run(self) -> None:
        """Follow the API until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._follow(await self._list())
                pause = _FIRST_PAUSE
            except ApiError as error:
                _log.debug("watch ended", resource=self.resource.plural, reason=error.message)
                if error.code != _GONE:
                    pause = min(pause * 2, _LAST_PAUSE)
            await asyncio.sleep(pause)

    async def _list(self) -> str:
        listing = await self._kubernetes.list(self.resource, selectors=self._selectors)
        self._seen = int(listing.resource_version)
        found = {key_of(item): item for item in listing.items}
        for held in self.list():
            if key_of(held) not in found and version_of(held) <= self._seen:
                self._remove(key_of(held))
        for item in found.values():
            self._put(item)
        self.synced.set()
        return listing.resource_version

    async def _follow(self, version: str) -> None:
        """Watch, and watch on where an orderly end left off; returns when nothing is heard."""
        while True:
            began = self._seen
            stream = self._kubernetes.watch(
                self.resource, resource_version=version, selectors=self._selectors
            )
            try:
                while True:
                    async with asyncio.timeout(SILENCE):
                        event = await anext(stream)
                    version = event.object["metadata"]["resourceVersion"]
                    self._apply(event)
            except TimeoutError:
                return
            except StopAsyncIteration:
                if self._seen == began:
                    return  # a server that ends every watch at once is asked with a pause
            finally:
                if isinstance(stream, AsyncGenerator):
                    await stream.aclose()

    def _apply(self, event: WatchEvent) -> None:
        self._seen = max(self._seen, version_of(event.object))
        match event.type:
            case "ADDED" | "MODIFIED":
                self._put(event.object)
            case "DELETED":
                self._drop(event.object)
            case _:
                pass  # a bookmark says only how far we are

    def _drop(self, thing: Object) -> None:
        """Forget an object; one of the same name that was learnt since has another uid."""
        held = self.get(key_of(thing))
        if held and held["metadata"]["uid"] == thing["metadata"]["uid"]:
            self._remove(key_of(thing))

    def _put(self, thing: Object) -> None:
        key = key_of(thing)
        before = self.get(key)
        if before is not None and version_of(before) >= version_of(thing):
            return
        self._objects.setdefault(key.namespace, {})[key.name] = thing
        self._tell(before, thing)

    def _remove(self, key: ObjectKey) -> None:
        held = self._objects[key.namespace]
        gone = held.pop(key.name)
        if not held:
            del self._objects[key.namespace]
        self._tell(gone, None)

    def _tell(self, before: Object | None, after: Object | None) -> None:
        for listener in self._listeners:
            try:
                listener(before, after)
            except Exception:  # noqa: BLE001  # a strange object must not end everybody's copy
                _log.exception("a listener failed", resource=self.resource.plural)
