"""What every namespace has: the `default` ServiceAccount and the CA that pods trust the API by.

The API puts both into a new namespace; this brings them back when somebody removes or edits them.
"""

from __future__ import annotations

from collections.abc import Mapping

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.controllers.ownership import is_being_deleted
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS

DEFAULT_ACCOUNT = "default"
ROOT_CA = "kube-root-ca.crt"
_ROOT_CA_NOTE = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)  # pkg/controller/certificates/rootcacertpublisher


class ServiceAccountController:
    """Keeps both in place. Without an `authority` somebody else publishes the CA."""

    def __init__(self, kubernetes: Kubernetes, copies: Copies, authority: str | None) -> None:
        self._kubernetes = kubernetes
        self._namespaces = copies[NAMESPACES]
        self._accounts = copies[SERVICE_ACCOUNTS]
        self._config_maps = copies[CONFIG_MAPS]
        self._authority = authority

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Namespaces, and the two objects themselves."""
        return {
            NAMESPACES: lambda thing: (key_of(thing),),
            SERVICE_ACCOUNTS: lambda thing: _namespace_of(thing, DEFAULT_ACCOUNT),
            CONFIG_MAPS: lambda thing: _namespace_of(thing, ROOT_CA),
        }

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Make what is missing in one namespace."""
        namespace = self._namespaces.get(key)
        if namespace is None or is_being_deleted(namespace):
            return None
        if self._accounts.get(ObjectKey(key.name, DEFAULT_ACCOUNT)) is None:
            await self._create(SERVICE_ACCOUNTS, key.name, _account())
        if self._authority is not None:
            await self._publish_authority(key.name, {"ca.crt": self._authority})
        return None

    async def _publish_authority(self, namespace: str, data: Mapping[str, str]) -> None:
        held = self._config_maps.get(ObjectKey(namespace, ROOT_CA))
        if held is None:
            await self._create(CONFIG_MAPS, namespace, _root_ca(data))
        elif held.get("data") != data:
            others = dict.fromkeys(held.get("data") or {})
            await self._kubernetes.patch(
                CONFIG_MAPS, namespace, ROOT_CA, {"data": {**others, **data}}
            )

    async def _create(self, resource: Resource, namespace: str, body: Object) -> None:
        try:
            await self._kubernetes.create(resource, namespace, body)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise


def _namespace_of(thing: Object, name: str) -> tuple[ObjectKey, ...]:
    metadata = thing["metadata"]
    return (ObjectKey("", metadata["namespace"]),) if metadata["name"] == name else ()


def _account() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": DEFAULT_ACCOUNT},
    }


def _root_ca(data: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": ROOT_CA,
            "annotations": {"kubernetes.io/description": _ROOT_CA_NOTE},
        },
        "data": dict(data),
    }
