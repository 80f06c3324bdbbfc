"""A cloud for calls without sense or reason: its records, and what the other roles would do to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from tests.api_strategies import ADDRESS, REFERENCE
from tests.clouds import NOW, SECRET_ID, SECRET_KEY

from towline.cloud.access_key import KeyRing
from towline.cloud.authenticate import HttpRequest
from towline.cloud.catalogue import CATALOGUE
from towline.cloud.context import Context, Resources
from towline.cloud.gateway import Gateway
from towline.resource import kind
from towline.resource.addon import AddonPhase
from towline.resource.cluster import ClusterStatus
from towline.resource.elastic_ip import ElasticIpStatus
from towline.resource.instance import InstanceStatus
from towline.resource.link import LinkStatus
from towline.resource.nat_gateway import NatState
from towline.resource.public_endpoint import EndpointStatus
from towline.resource.signature import Signable, authorize
from towline.store.collection import Collection
from towline.store.record import Record

KINDS = sorted(value for name, value in vars(kind).items() if name.isupper())
_STATES: list[tuple[Any, Any]] = [
    (InstanceStatus.PENDING, InstanceStatus.RUNNING),
    (LinkStatus.CREATING, LinkStatus.RUNNING),
    (NatState.PENDING, NatState.AVAILABLE),
    (NatState.UPDATING, NatState.AVAILABLE),
    (ElasticIpStatus.BINDING, ElasticIpStatus.BIND),
    (EndpointStatus.OPENING, EndpointStatus.OPENED),
    (EndpointStatus.CLOSING, EndpointStatus.CLOSED),
    (ClusterStatus.INITIALIZING, ClusterStatus.RUNNING),
    (AddonPhase.INSTALLING, AddonPhase.SUCCEEDED),
    (AddonPhase.UPGRADING, AddonPhase.SUCCEEDED),
]
_ENDS = (
    *(InstanceStatus.DELETING, LinkStatus.DELETING, NatState.DELETING),
    *(ClusterStatus.TERMINATING, AddonPhase.TERMINATING),
)
_FIELDS = ("status", "state", "phase")


class World:
    """A cloud with its records, and what the other roles would do to them."""

    def __init__(self, context: Context) -> None:
        self.resources: Resources = context.resources
        self.gateway = Gateway(
            context.resources,
            context.settings,
            KeyRing(context.resources.access_keys),
            CATALOGUE,
            context.clock,
        )

    def records(self) -> dict[str, Record]:
        """All that is stored, the audit aside."""
        store = self.resources.store
        return {
            "/".join(record.key): record
            for name in KINDS
            if name != kind.AUDIT_ENTRY
            for record in store.list(name).records
        }

    def collections(self) -> Iterator[Collection[Any]]:
        """Every kind with its type."""
        for value in vars(self.resources).values():
            if isinstance(value, Collection):
                yield value

    def resolved(self, given: Any) -> Any:
        """The parameters with ids and addresses where there were references to them."""
        if isinstance(given, dict):
            return {name: self.resolved(value) for name, value in given.items()}
        if isinstance(given, list):
            return [self.resolved(value) for value in given]
        if isinstance(given, str) and given.startswith(REFERENCE) and "/" in given:
            wanted, _, number = given.removeprefix(REFERENCE).partition("/")
            found = self.named(wanted)
            return found[int(number)] if number.isdigit() and int(number) < len(found) else "none"
        return given

    def named(self, wanted: str) -> list[str]:
        """The ids of a kind, or the addresses that can be bound, the oldest first."""
        if wanted == ADDRESS:
            return [one.address for one in self.resources.elastic_ips.by_age()]
        records = self.resources.store.list(wanted).records
        return [one.key.name for one in sorted(records, key=lambda one: one.created)]

    async def settle(self) -> None:
        """Do what the registry, the cluster and the agent would do next."""
        for collection in (
            self.resources.instances,
            self.resources.links,
            self.resources.nat_gateways,
            self.resources.elastic_ips,
            self.resources.public_endpoints,
            self.resources.addons,
            self.resources.clusters,
        ):
            assert isinstance(collection, Collection)
            for record in self.resources.store.list(collection.kind).records:
                await self._settle(collection, record)

    async def _settle(self, collection: Collection[Any], record: Record) -> None:
        value, key = collection.decode(record), record.key
        field = next(one for one in _FIELDS if hasattr(value, one))
        now = getattr(value, field)
        if now in _ENDS:
            await collection.delete(key.scope, key.name)
            return
        changes: dict[str, Any] = {field: next((new for old, new in _STATES if old is now), now)}
        if collection.kind == kind.LINK and not value.access_ip:
            changes["access_ip"] = "10.0.0.5"
        if now is ElasticIpStatus.UNBINDING:
            changes = {field: ElasticIpStatus.UNBIND, "bound_to": "", "private_ip": ""}
        await collection.update(
            key.scope, key.name, lambda held: msgspec.structs.replace(held, **changes)
        )


def request(
    action: tuple[str, str, str], body: bytes, spoiled: str, query: str = ""
) -> HttpRequest:
    """A signed request, of which one thing may be wrong; a GET if there is a query."""
    service, version, name = action
    stamp = int(NOW.timestamp())
    covered = (("content-type", "application/json"), ("host", "h"))
    method = "GET" if query else "POST"
    signable = Signable(method, query, covered, body, stamp, service)
    headers = {
        **dict(covered),
        "x-tc-timestamp": str(stamp),
        "x-tc-action": name,
        "x-tc-version": version,
        "authorization": authorize(signable, SECRET_ID, SECRET_KEY),
    }
    if spoiled:
        headers[spoiled] = "é\x00 1,;/" if spoiled != "x-tc-timestamp" else "9" * 11
        headers["x-tc-language"] = "\udcff" if spoiled == "host" else ""  # a byte that is no UTF-8
    return HttpRequest(method, query, headers, body, "127.0.0.1")
