"""A Kubernetes API in memory: what controllers and nodes rely on, and nothing else.

It passes tests/contract/test_contract_kubernetes.py together with the real one, so it cannot lie.
"""

from __future__ import annotations

import asyncio
import copy
import random
import string
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.cluster.kubernetes import (
    ApiError,
    Object,
    ObjectList,
    PatchKind,
    Resource,
    WatchEvent,
)
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import CLUSTER_WIDE, EVENTS, NAMESPACES, OWNED, PODS
from towline.kube.selector import parse_labels
from towline.kube.timestamp import to_second

_KINDS = {resource: api for api, resource in OWNED.items()}


@dataclass(frozen=True)
class _Change:
    revision: int
    resource: Resource
    before: Object | None
    after: Object | None


class FakeKubernetes:
    """`Kubernetes` in memory. `trouble`, when set, is what every call raises.

    Watches tell of a change `lag` seconds after it. `witnesses` are called after every change:
    they see states that last for a moment only.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.trouble: ApiError | None = None
        self.lag = 0.0
        self.witnesses: list[Callable[[], None]] = []
        self._refused: dict[Resource, ApiError] = {}
        self._clock = clock
        self._objects: dict[Resource, dict[ObjectKey, Object]] = {}
        self._revision = 100
        self._history: list[_Change] = []
        self._forgotten = 0
        self._changed: set[asyncio.Event] = set()
        self._names = random.Random(1)

    def forget_history(self) -> None:
        """Make every watch from the past too old."""
        self._forgotten = self._revision
        self._history.clear()
        self._wake()

    def refuse(self, resource: Resource, error: ApiError | None) -> None:
        """Let nobody create objects of a resource, or let them again."""
        self._refused.pop(resource, None)
        if error is not None:
            self._refused[resource] = error

    def all(self, resource: Resource) -> list[Object]:
        """What a test looks at."""
        held = self._objects.get(resource, {})
        return [copy.deepcopy(held[key]) for key in sorted(held)]

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """One object."""
        self._meet_trouble()
        return copy.deepcopy(self._held(resource, namespace, name))

    async def list(
        self, resource: Resource, namespace: str = "", *, selectors: Mapping[str, str] | None = None
    ) -> ObjectList:
        """All objects."""
        self._meet_trouble()
        selected = _selection(namespace, selectors or {})
        items = tuple(item for item in self.all(resource) if selected(item))
        return ObjectList(str(self._revision), items)

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        selectors: Mapping[str, str] | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """Changes after `resource_version`."""
        selected, seen = _selection(namespace, selectors or {}), int(resource_version)
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            while True:
                self._meet_trouble()
                changed.clear()
                if self.lag:
                    await asyncio.sleep(self.lag)
                for change in self._since(seen):
                    seen = change.revision
                    if change.resource == resource and (event := _event(change, selected)):
                        yield event
                if not changed.is_set():
                    await changed.wait()
        finally:
            self._changed.discard(changed)

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
        self._meet_trouble()
        if resource in self._refused:
            raise self._refused[resource]
        if subresource == "binding":
            return self._bind(namespace, name, body)
        thing = copy.deepcopy(body)
        metadata = thing["metadata"]
        if "name" not in metadata:
            letters = string.ascii_lowercase + string.digits
            suffix = "".join(self._names.choices(letters, k=5))
            metadata["name"] = metadata["generateName"] + suffix
        if resource not in CLUSTER_WIDE:
            metadata["namespace"] = namespace
            self._check_namespace(namespace, resource, metadata["name"])
        if key_of(thing) in self._objects.get(resource, {}):
            message = f'{resource.plural} "{metadata["name"]}" already exists'
            raise ApiError(409, "AlreadyExists", message)
        if resource in _KINDS:
            thing["apiVersion"], thing["kind"] = _KINDS[resource]
        metadata["uid"] = f"uid-{self._revision + 1}"
        metadata["creationTimestamp"] = to_second(self._clock())
        if resource != EVENTS:
            metadata["generation"] = 1
        _default(resource, thing)
        return self._store(resource, None, thing)

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
        """The object as patched. Merge patches only: nobody here sends another kind."""
        self._meet_trouble()
        assert kind is PatchKind.MERGE
        assert isinstance(body, dict)
        before = self._held(resource, namespace, name)
        self._check_precondition(resource, before, body.get("metadata") or {})
        merged = _merged(copy.deepcopy(before), copy.deepcopy(body))
        after = copy.deepcopy(before)
        if subresource == "status":
            after["status"] = merged.get("status", {})
        elif subresource == "finalize":
            after["spec"] = merged.get("spec", {})
        else:
            after = merged | ({"status": before["status"]} if "status" in before else {})
            after["metadata"]["uid"] = before["metadata"]["uid"]
        if after == before:
            return copy.deepcopy(before)
        if after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] = before["metadata"]["generation"] + 1
        if self._is_gone(resource, after):
            self._remove(resource, after)
            return after
        return self._store(resource, before, after)

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, options: Object | None = None
    ) -> None:
        """Ask for deletion: at once, after a grace period, or when the finalizers are gone."""
        self._meet_trouble()
        options = options or {}
        before = self._held(resource, namespace, name)
        self._check_precondition(resource, before, options.get("preconditions") or {})
        after = copy.deepcopy(before)
        grace = _grace(resource, before, options)
        metadata = after["metadata"]
        _add_finalizer(metadata, options.get("propagationPolicy", ""))
        if not grace and not metadata.get("finalizers") and resource != NAMESPACES:
            self._remove(resource, before)
            return
        metadata.setdefault("deletionTimestamp", to_second(self._clock() + grace))
        if resource == PODS:
            metadata["deletionGracePeriodSeconds"] = grace
        if resource == NAMESPACES:
            after["status"] = {"phase": "Terminating"}
        if after != before:
            self._store(resource, before, after)

    def _since(self, revision: int) -> tuple[_Change, ...]:
        if revision < self._forgotten:
            raise ApiError(410, "Expired", f"too old resource version: {revision}")
        first = bisect_right(self._history, revision, key=lambda one: one.revision)
        return tuple(self._history[first:])

    def _meet_trouble(self) -> None:
        if self.trouble:
            raise self.trouble

    def _held(self, resource: Resource, namespace: str, name: str) -> Object:
        namespace = "" if resource in CLUSTER_WIDE else namespace
        thing = self._objects.get(resource, {}).get(ObjectKey(namespace, name))
        if thing is None:
            raise ApiError(404, "NotFound", f'{resource.plural} "{name}" not found')
        return thing

    def _check_namespace(self, namespace: str, resource: Resource, name: str) -> None:
        held = self._held(NAMESPACES, "", namespace)
        if held["metadata"].get("deletionTimestamp"):
            message = (
                f'{resource.plural} "{name}" is forbidden: unable to create new content in '
                f"namespace {namespace} because it is being terminated"
            )
            raise ApiError(403, "Forbidden", message)

    def _check_precondition(
        self, resource: Resource, held: Object, asked: Mapping[str, Any]
    ) -> None:
        for field in ("uid", "resourceVersion"):
            if field in asked and asked[field] != held["metadata"][field]:
                message = f'Operation cannot be fulfilled on {resource.plural} "{held["metadata"]["name"]}"'
                raise ApiError(409, "Conflict", message)

    def _bind(self, namespace: str, name: str, body: Object) -> Object:
        before = self._held(PODS, namespace, name)
        if before["spec"].get("nodeName"):
            raise ApiError(409, "Conflict", f'pod {name} is already assigned to node "…"')
        after = copy.deepcopy(before)
        after["spec"]["nodeName"] = body["target"]["name"]
        scheduled = {"type": "PodScheduled", "status": "True"}
        after["status"] = after.get("status", {}) | {"conditions": [scheduled]}
        self._store(PODS, before, after)
        return {"apiVersion": "v1", "kind": "Status", "status": "Success"}

    def _is_gone(self, resource: Resource, thing: Object) -> bool:
        metadata = thing["metadata"]
        if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
            return False
        if resource == NAMESPACES:
            return not thing["spec"].get("finalizers")
        return resource != PODS or not metadata.get("deletionGracePeriodSeconds")

    def _store(self, resource: Resource, before: Object | None, after: Object) -> Object:
        self._revision += 1
        after["metadata"]["resourceVersion"] = str(self._revision)
        self._objects.setdefault(resource, {})[key_of(after)] = after
        self._remember(_Change(self._revision, resource, before, after))
        return copy.deepcopy(after)

    def _remove(self, resource: Resource, thing: Object) -> None:
        self._revision += 1
        del self._objects[resource][key_of(thing)]
        last = copy.deepcopy(thing)
        last["metadata"]["resourceVersion"] = str(self._revision)
        self._remember(_Change(self._revision, resource, last, None))

    def _remember(self, change: _Change) -> None:
        self._history.append(change)
        self._wake()
        for witness in self.witnesses:
            witness()

    def _wake(self) -> None:
        for changed in self._changed:
            changed.set()


def _selection(namespace: str, selectors: Mapping[str, str]) -> Callable[[Object], bool]:
    labels = parse_labels(selectors.get("labelSelector", ""))
    fields = [term.split("=") for term in selectors.get("fieldSelector", "").split(",") if term]

    def selected(thing: Object) -> bool:
        if namespace and thing["metadata"].get("namespace") != namespace:
            return False
        if not labels.matches(thing["metadata"].get("labels") or {}):
            return False
        return all(_field(thing, path) == value for path, value in fields)

    return selected


def _field(thing: Object, path: str) -> str:
    value: Any = thing
    for part in path.split("."):
        value = (value or {}).get(part)
    return value or ""


def _event(change: _Change, selected: Callable[[Object], bool]) -> WatchEvent | None:
    before = change.before if change.before and selected(change.before) else None
    after = change.after if change.after and selected(change.after) else None
    if after is None and before is None:
        return None
    if after is None:
        last = copy.deepcopy(before or {})
        last["metadata"]["resourceVersion"] = str(change.revision)
        return WatchEvent("DELETED", last)
    return WatchEvent("MODIFIED" if before else "ADDED", copy.deepcopy(after))


def _merged(held: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(held) if isinstance(held, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _default(resource: Resource, thing: Object) -> None:
    if resource == NAMESPACES:
        thing["spec"] = {"finalizers": ["kubernetes"]}
        thing["status"] = {"phase": "Active"}
    if resource == PODS:
        thing["status"] = {"phase": "Pending"}
        thing["spec"].setdefault("terminationGracePeriodSeconds", 30)


def _grace(resource: Resource, thing: Object, options: Mapping[str, Any]) -> int:
    """Pods that no node has taken are gone at once."""
    if resource != PODS or not thing["spec"].get("nodeName"):
        return 0
    held = thing["metadata"].get("deletionGracePeriodSeconds")
    asked = options.get("gracePeriodSeconds", thing["spec"]["terminationGracePeriodSeconds"])
    return int(asked if held is None else min(asked, held))


def _add_finalizer(metadata: Object, propagation: str) -> None:
    finalizer = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(propagation)
    if finalizer and finalizer not in metadata.get("finalizers", []):
        metadata["finalizers"] = [*metadata.get("finalizers", []), finalizer]
