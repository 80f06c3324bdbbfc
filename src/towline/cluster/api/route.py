"""From a path to what it names: a document, or a collection, an object, a part of an object."""

from __future__ import annotations

from collections.abc import Sequence

from towline.cluster.api.address import Address
from towline.kube import refusal, resource_type
from towline.kube.resource_type import ResourceType

_BELOW_NAMESPACE = frozenset({"status", "finalize"})


def is_document(path: Sequence[str]) -> bool:
    """Whether a path names something that is no resource."""
    match path:
        case ["api", _, _, *_] | ["apis", _, _, _, *_]:
            return False
    return True


def address_of(path: Sequence[str]) -> Address:
    """What a resource path names; raises a 404 refusal."""
    match path:
        case ["api", version, *rest]:
            return _address("", version, rest)
        case ["apis", group, version, *rest]:
            return _address(group, version, rest)
    raise refusal.no_such_path()


def _address(group: str, version: str, rest: Sequence[str]) -> Address:
    match rest:
        case ["namespaces", namespace, plural, *below] if plural not in _BELOW_NAMESPACE:
            resource = _resource(group, version, plural)
            if not resource.namespaced:
                raise refusal.no_such_path()
            return _below(resource, namespace, below)
        case [plural, *below]:
            resource = _resource(group, version, plural)
            if resource.namespaced and below:
                raise refusal.no_such_path()
            return _below(resource, "", below)
    raise refusal.no_such_path()


def _resource(group: str, version: str, plural: str) -> ResourceType:
    found = resource_type.find(group, version, plural)
    if found is None:
        raise refusal.no_such_path()
    return found


def _below(resource: ResourceType, namespace: str, below: Sequence[str]) -> Address:
    match below:
        case []:
            return Address(resource, namespace)
        case [name]:
            return Address(resource, namespace, name)
        case [name, subresource] if resource.subresource(subresource) is not None:
            return Address(resource, namespace, name, subresource)
        case [name, "proxy", *_] if resource.subresource("proxy") is not None:
            return Address(resource, namespace, name, "proxy")
    raise refusal.no_such_path()


def verb_of(method: str, address: Address, *, watching: bool) -> str:
    """What is to be done with it; raises a 405 refusal when it cannot be done."""
    verb = _VERBS.get((method, bool(address.name)))
    if verb == "list" and watching:
        verb = "watch"
    if address.subresource:
        verb = {"POST": "create"}.get(method, verb)
    if verb is None or verb not in _allowed(address):
        raise refusal.method_not_allowed()
    return verb


def _allowed(address: Address) -> tuple[str, ...]:
    below = address.resource.subresource(address.subresource)
    return address.resource.verbs if below is None else below.verbs


_VERBS = {
    ("GET", False): "list",
    ("GET", True): "get",
    ("POST", False): "create",
    ("PUT", True): "update",
    ("PATCH", True): "patch",
    ("DELETE", True): "delete",
    ("DELETE", False): "deletecollection",
}
