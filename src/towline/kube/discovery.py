"""What the API says it serves: the documents from which clients learn kinds, names and verbs.

Two forms of the same knowledge: the *aggregated* one (all groups in one document, which kubectl asks for
since 1.26) and the older one document for each group and version, which the Python clients read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from towline.kube.resource_type import SERVED, ResourceType, Subresource

Document = dict[str, Any]


def groups() -> tuple[str, ...]:
    """The names of the served groups but the core one, in the order of discovery."""
    return tuple(dict.fromkeys(one.group for one in SERVED if one.group))


def served(group: str, version: str = "v1") -> tuple[ResourceType, ...]:
    """The resources of one group and version, by name; empty if there is no such group."""
    found = (one for one in SERVED if (one.group, one.version) == (group, version))
    return tuple(sorted(found, key=lambda one: one.plural))


def aggregated(names: Iterable[str], *, version: str) -> Document:
    """The aggregated document of some groups; `version` is `v2` or `v2beta1`."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_aggregated_group(name) for name in names],
    }


def _aggregated_group(name: str) -> Document:
    resources = [_aggregated_resource(one) for one in served(name)]
    return {
        "metadata": {"name": name} if name else {},
        "versions": [{"version": "v1", "resources": resources, "freshness": "Current"}],
    }


def _aggregated_resource(one: ResourceType) -> Document:
    document: Document = {
        "resource": one.plural,
        "responseKind": _kind(one.group, one.version, one.kind),
        "scope": "Namespaced" if one.namespaced else "Cluster",
        "singularResource": one.singular,
        "verbs": list(one.verbs),
        **_names(one),
    }
    if one.subresources:
        document["subresources"] = [_aggregated_subresource(one, sub) for sub in _ordered(one)]
    return document


def _aggregated_subresource(one: ResourceType, sub: Subresource) -> Document:
    kind = _kind(sub.group or one.group, sub.version or one.version, sub.kind)
    return {"subresource": sub.name, "responseKind": kind, "verbs": list(sub.verbs)}


def _kind(group: str, version: str, kind: str) -> Document:
    return {"group": group, "version": version, "kind": kind}


def _names(one: ResourceType) -> Document:
    short = {"shortNames": list(one.short_names)} if one.short_names else {}
    return short | ({"categories": list(one.categories)} if one.categories else {})


def _ordered(one: ResourceType) -> Sequence[Subresource]:
    return sorted(one.subresources, key=lambda sub: sub.name)


def versions(server: str) -> Document:
    """The answer to `/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}],
    }


def group_list() -> Document:
    """The answer to `/apis`."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name) for name in groups()],
    }


def group(name: str) -> Document:
    """The answer to `/apis/<group>`."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


def _group(name: str) -> Document:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def resource_list(name: str) -> Document:
    """The answer to `/api/v1` and `/apis/<group>/v1`."""
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/v1" if name else "v1",
        "resources": [entry for one in served(name) for entry in _entries(one)],
    }


def _entries(one: ResourceType) -> Iterable[Document]:
    yield {
        "name": one.plural,
        "singularName": one.singular,
        "namespaced": one.namespaced,
        "kind": one.kind,
        "verbs": list(one.verbs),
        **_names(one),
    }
    for sub in _ordered(one):
        other = {"group": sub.group, "version": sub.version} if sub.group else {}
        yield {
            "name": f"{one.plural}/{sub.name}",
            "singularName": "",
            "namespaced": one.namespaced,
            **other,
            "kind": sub.kind,
            "verbs": list(sub.verbs),
        }
