"""The OpenAPI v3 documents: what kubectl reads before `apply`, `explain`, `diff` and `edit`.

One document for each group and version. It holds the schemas of its kinds with all that they refer to, and
of the paths only what kubectl looks for: where a kind lives, and that PATCH knows `fieldValidation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from towline.kube.discovery import groups, served
from towline.kube.resource_type import ResourceType

Document = dict[str, Any]
Definitions = Mapping[str, Mapping[str, Any]]
_PATCHES = tuple(
    f"application/{kind}+json" for kind in ("json-patch", "merge-patch", "strategic-merge-patch")
)
QUERY = ("dryRun", "fieldManager", "fieldValidation", "force")


def paths() -> dict[str, str]:
    """Under which path there is a document for which group."""
    return {"api/v1": ""} | {f"apis/{name}/v1": name for name in groups()}


def index(hashes: Mapping[str, str]) -> Document:
    """The answer to `/openapi/v3`: each document with the hash of its content."""
    return {
        "paths": {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
            for path, digest in hashes.items()
        }
    }


def document(group: str, definitions: Definitions, version: str) -> Document:
    """The document of one group."""
    resources = served(group)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": {path: item for one in resources for path, item in _paths(one)},
        "components": {"schemas": closure((one.schema for one in resources), definitions)},
    }


def _paths(one: ResourceType) -> Iterator[tuple[str, Document]]:
    root = f"/apis/{one.group}/{one.version}" if one.group else f"/api/{one.version}"
    within = f"{root}/namespaces/{{namespace}}" if one.namespaced else root
    kind = {"group": one.group, "kind": one.kind, "version": one.version}
    about = {"x-kubernetes-group-version-kind": kind}
    if "list" not in one.verbs:
        yield f"{within}/{one.plural}", {"post": {"x-kubernetes-action": "post", **about}}
        return
    for place in dict.fromkeys((root, within)):  # across all namespaces, and in one
        yield f"{place}/{one.plural}", {"get": {"x-kubernetes-action": "list", **about}}
    parameters = [
        {"in": "query", "name": name, "schema": {"type": "string", "uniqueItems": True}}
        for name in QUERY
    ]
    body = {"content": {kind: {"schema": {"type": "object"}} for kind in _PATCHES}}
    patch = {
        "x-kubernetes-action": "patch",
        "parameters": parameters,
        "requestBody": body,
        **about,
    }
    get = {"x-kubernetes-action": "get", **about}
    yield f"{within}/{one.plural}/{{name}}", {"get": get, "patch": patch}


def closure(names: Iterable[str], definitions: Definitions) -> Document:
    """The definitions, and all that they refer to."""
    found: Document = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name in definitions:
            found[name] = definitions[name]
            waiting += _references(definitions[name])
    return dict(sorted(found.items()))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        pointer = value.get("$ref")
        if isinstance(pointer, str):
            yield pointer.rpartition("/")[2]
        for held in value.values():
            yield from _references(held)
    elif isinstance(value, list):
        for held in value:
            yield from _references(held)
