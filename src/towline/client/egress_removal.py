"""The way out of a subnet, taken down again: only what `egress create` made, and only what is unused.

The subnet goes by the VPC's main table again. The gateway goes when no table leads to it any more, and
with it the elastic IP that was made for it and the allowlist entries that named that address.
"""

from __future__ import annotations

from dataclasses import dataclass

from towline.client.cloud_registry import Registries
from towline.client.cloud_view import ElasticIpView, NatGatewayView, SubnetView
from towline.client.egress import Cloud
from towline.client.step import Tell

PREFIX = "egress-"
_SECONDS = 60.0  # for the gateway to go


@dataclass(frozen=True, slots=True)
class EgressRemoval:
    """What of a subnet's way out is to go."""

    cloud: Cloud
    registries: Registries
    subnet: SubnetView

    async def run(self, told: Tell) -> None:
        """Remove it step by step; what is gone already is passed over."""
        await self._leave_table(told)
        gateways = await self.cloud.gateways.gateways()
        for gateway in gateways:
            ours = gateway.nat_gateway_name.startswith(PREFIX)
            if ours and gateway.vpc_id == self.subnet.vpc_id and not await self._is_used(gateway):
                await self._remove_gateway(gateway, told)

    async def _leave_table(self, told: Tell) -> None:
        routing = self.cloud.routing
        table = await routing.table_of(self.subnet)
        if table.main or not table.route_table_name.startswith(PREFIX):
            return
        tables = await routing.tables()
        main = next(one for one in tables if one.main and one.vpc_id == self.subnet.vpc_id)
        told(f"let the subnet {self.subnet.subnet_name} go by {main.route_table_name}")
        await routing.associate(main.route_table_id, self.subnet.subnet_id)
        if len(table.association_set) <= 1:
            told(f"delete the route table {table.route_table_name}")
            await routing.delete(table.route_table_id)

    async def _is_used(self, gateway: NatGatewayView) -> bool:
        return any(
            route.gateway_id == gateway.nat_gateway_id
            for table in await self.cloud.routing.tables()
            for route in table.route_set
        )

    async def _remove_gateway(self, gateway: NatGatewayView, told: Tell) -> None:
        gateways = self.cloud.gateways
        bound = {each.address_id for each in gateway.public_ip_address_set}
        addresses = [one for one in await gateways.addresses() if one.address_id in bound]
        told(f"delete the NAT gateway {gateway.nat_gateway_name}")
        await gateways.delete(gateway.nat_gateway_id)
        await gateways.until_gone(gateway.nat_gateway_id, _SECONDS)
        for address in addresses:
            if address.address_name.startswith(PREFIX):
                await self._forget(address, told)

    async def _forget(self, address: ElasticIpView, told: Tell) -> None:
        for registry in await self.registries.instances():
            rules = await self.cloud.access.rules(registry)
            if any(rule.cidr_block == address.address_ip for rule in rules):
                told(f"take {address.address_ip} off the allowlist of {registry.registry_name}")
                await self.cloud.access.deny(registry, address.address_ip)
        told(f"release the elastic IP {address.address_ip}")
        await self.cloud.gateways.release(address.address_id)
