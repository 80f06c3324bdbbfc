"""A namespace is created whole: with its `default` ServiceAccount, and with the cluster's CA certificate.

All three are one transaction. What others have to put into it (a pull credential) is there as well before
its creator hears of it; if that fails, the namespace is taken back.
"""

from __future__ import annotations

from typing import Any

from towline.cluster.api import codec, stamp
from towline.cluster.api.address import Address, Treatment
from towline.cluster.api.admission import ROOT_CA
from towline.cluster.api.objects import Objects, keys_in
from towline.cluster.api.settings import Hooks
from towline.kube import refusal
from towline.kube.resource_type import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS, ResourceType
from towline.problem import Problem
from towline.store.error import AlreadyExists, NotFound
from towline.store.record import Record
from towline.store.write import Create, Delete

Object = dict[str, Any]
SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_CA_NOTE = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints "
    "such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes clusters."
)


class NamespaceCreation:
    """Creates namespaces."""

    def __init__(self, objects: Objects, hooks: Hooks, authority: str) -> None:
        self._objects = objects
        self._hooks = hooks
        self._authority = authority

    async def create(self, address: Address, posted: Object, how: Treatment) -> Record:
        """The namespace with what belongs into it; raises refusals."""
        address, item = self._objects.prepare(address, posted, how)
        if how.dry_run:
            return await self._objects.store_new(address, item, how)
        record = await self._store(address, item)
        annotations = item["metadata"].get("annotations") or {}
        try:
            await self._hooks.namespace_created(address.name, annotations)
        except Problem as problem:
            await self._take_back(address)
            because = f"{problem.cause}; {problem.remedy} ({problem.code})"
            raise refusal.forbidden(NAMESPACES, address.name, because) from problem
        except Exception:
            await self._take_back(address)
            raise
        return self._objects.store.get(address.key) or record

    async def provide_system(self) -> None:
        """Make the namespaces that every cluster has, as far as they are missing."""
        for name in SYSTEM_NAMESPACES:
            address = Address(NAMESPACES, name=name)
            if self._objects.store.get(address.key) is None:
                posted = {"metadata": {"name": name}}
                how = Treatment()
                await self._store(*self._objects.prepare(Address(NAMESPACES), posted, how))

    async def _store(self, address: Address, item: Object) -> Record:
        store = self._objects.store
        contents = (
            _new(SERVICE_ACCOUNTS, address.name, {"metadata": {"name": "default"}}),
            _new(CONFIG_MAPS, address.name, self._root_ca()),
        )
        missing = [one for one in contents if store.get(one.key) is None]
        try:
            whole = [Create(address.key, codec.encode(NAMESPACES, item)), *missing]
            return (await store.apply(whole))[0]
        except AlreadyExists:
            raise refusal.already_exists(NAMESPACES, address.name) from None

    def _root_ca(self) -> Object:
        metadata = {"name": ROOT_CA, "annotations": {"kubernetes.io/description": _CA_NOTE}}
        return {"metadata": metadata, "data": {"ca.crt": self._authority}}

    async def _take_back(self, address: Address) -> None:
        """Remove the namespace and everything in it, whoever put it there."""
        store = self._objects.store
        for key in (*keys_in(store, address.name), address.key):
            try:
                await store.apply([Delete(key)])
            except NotFound:
                continue


def _new(resource: ResourceType, namespace: str, content: Object) -> Create:
    metadata = {**content["metadata"], "namespace": namespace}
    item = {"kind": resource.kind, "apiVersion": resource.api_version, **content}
    item["metadata"] = metadata
    stamp.stamp_new(resource, item)
    address = Address(resource, namespace, metadata["name"])
    return Create(address.key, codec.encode(resource, item))
