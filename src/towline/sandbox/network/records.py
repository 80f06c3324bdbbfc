"""What the records say of the network, as the agent reads it."""

from __future__ import annotations

from towline.resource import kind
from towline.resource.cluster import Cluster
from towline.resource.instance import Instance
from towline.resource.link import Link
from towline.resource.vpc import Subnet, Vpc
from towline.store.collection import Collection
from towline.store.store import Store


class Records:
    """The collections that have to do with the network."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.instances = Collection(store, kind.INSTANCE, Instance)
        self.vpcs = Collection(store, kind.VPC, Vpc)
        self.subnets = Collection(store, kind.SUBNET, Subnet)
        self.links = Collection(store, kind.LINK, Link)
        self.clusters = Collection(store, kind.CLUSTER, Cluster)

    def subnet(self, subnet_id: str) -> Subnet | None:
        """The subnet with this id, whatever its VPC."""
        return next((one for one in self.subnets.list() if one.id == subnet_id), None)
