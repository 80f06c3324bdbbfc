"""A cluster's objects with nothing around them: the store, the API's semantics, one namespace to work in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from towline.cluster.api.local import LocalKubernetes
from towline.cluster.kubernetes import ApiError, Resource, WatchEvent
from towline.cluster.resources import NAMESPACES, PODS, SERVICE_ACCOUNTS
from towline.store.store import Retention, Store

Object = dict[str, Any]
STATUS = "status"


@asynccontextmanager
async def cluster(
    folder: Path, retention: Retention | None = None
) -> AsyncIterator[LocalKubernetes]:
    """The API over a new store, with the namespace `demo` and its default account."""
    async with Store.open(folder / "objects.db", retention or Retention()) as store:
        kubernetes = LocalKubernetes(store)
        await kubernetes.create(NAMESPACES, "", {"metadata": {"name": "demo"}})
        await kubernetes.create(SERVICE_ACCOUNTS, "demo", {"metadata": {"name": "default"}})
        yield kubernetes


def named(name: str, **fields: Any) -> Object:
    """The body of an object."""
    return {"metadata": {"name": name}, **fields}


def pod(name: str = "web", **spec: Any) -> Object:
    """The body of a pod with one container."""
    return named(name, spec={"containers": [{"name": "web", "image": "web:1"}], **spec})


def deployment(name: str = "web", replicas: int = 2) -> Object:
    """The body of a Deployment."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod()["spec"]}
    selector = {"matchLabels": labels}
    return named(name, spec={"replicas": replicas, "selector": selector, "template": template})


async def bound_pod(kubernetes: LocalKubernetes, name: str = "web", **spec: Any) -> Object:
    """A pod that a node has."""
    await kubernetes.create(PODS, "demo", pod(name, **spec))
    target = {"target": {"kind": "Node", "name": "eklet"}}
    await kubernetes.create(PODS, "demo", target, subresource="binding", name=name)
    return await kubernetes.get(PODS, "demo", name)


async def is_gone(
    kubernetes: LocalKubernetes, resource: Resource, namespace: str, name: str
) -> bool:
    """Whether the object is not there."""
    try:
        await kubernetes.get(resource, namespace, name)
    except ApiError as error:
        assert (error.code, error.reason) == (404, "NotFound")
        return True
    return False


async def told(watch: AsyncIterator[WatchEvent], count: int) -> list[tuple[str, str]]:
    """The next events of a watch: type and name."""
    return [
        (event.type, event.object["metadata"]["name"])
        for event in [await anext(watch) for _ in range(count)]
    ]


class Refused:
    """A block in which the API says no."""

    def __init__(self, code: int, message: str) -> None:
        self._code = code
        self._message = message
        self._raises = pytest.raises(ApiError)

    def __enter__(self) -> None:
        self._caught = self._raises.__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        handled = self._raises.__exit__(*error)
        assert (self._caught.value.code, self._caught.value.message) == (self._code, self._message)
        return handled
