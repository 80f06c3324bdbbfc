"""The way out of a subnet as one thing: elastic IP, NAT gateway, route table, allowlist entries.

What is missing of it is found first and said as steps; making them is another matter. Each step that
was made can be unmade, so that a failure in the middle leaves nothing behind, and a second run with
everything in place has no steps at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from towline.client.cloud_gateway import Gateways
from towline.client.cloud_network import Networks
from towline.client.cloud_public_access import PublicAccess
from towline.client.cloud_routing import DEFAULT, Routing
from towline.client.cloud_view import (
    ElasticIpView,
    InstanceView,
    NatGatewayView,
    RouteTableView,
    RouteView,
    SubnetView,
)
from towline.client.step import Step, Tell, make_all
from towline.problem import Problem


@dataclass(frozen=True, slots=True)
class Cloud:
    """The parts of the cloud's API that a way out is made of."""

    networks: Networks
    routing: Routing
    gateways: Gateways
    access: PublicAccess


@dataclass(frozen=True, slots=True)
class EgressWish:
    """Which subnet is to have a way out, by which address, and who shall let it in."""

    subnet: SubnetView
    address: ElasticIpView | None = None
    """None for the address of the VPC's gateway, or a new one."""
    registries: tuple[InstanceView, ...] = ()
    seconds: float = 60.0
    """How long to wait for each thing that the cloud only promises."""


@dataclass(slots=True)
class Egress:
    """Plans and makes the way out. `address` and `gateway` are known once their steps are made."""

    cloud: Cloud
    wish: EgressWish
    address: ElasticIpView | None = None
    gateway: NatGatewayView | None = None
    table: RouteTableView | None = None

    @property
    def name(self) -> str:
        """What the things are called that are made for the VPC."""
        return f"egress-{self.wish.subnet.vpc_id.removeprefix('vpc-')}"

    async def plan(self) -> list[Step]:
        """The steps that are missing, in their order; changes nothing."""
        gateways = await self.cloud.gateways.gateways()
        here = [one for one in gateways if one.vpc_id == self.wish.subnet.vpc_id]
        self.gateway = next((one for one in here if one.state != "DELETING"), None)
        self.address = self.wish.address
        steps = await self._address_steps()
        if self.gateway is None:
            steps.append(self._gateway_step())
        steps += await self._route_steps()
        for registry in self.wish.registries:
            steps += await self._registry_steps(registry)
        return steps

    async def make(self, steps: Sequence[Step], told: Tell) -> None:
        """Make the steps; when one fails or is interrupted, unmake those that were made."""
        await make_all(steps, told)

    async def _address_steps(self) -> list[Step]:
        bound = self.gateway.public_ip_address_set if self.gateway else []
        if self.address is None:
            if bound:
                self.address = await self.cloud.gateways.address(bound[0].address_id)
                return []
            return [self._allocation(), *self._binding()]
        wanted = self.address
        if any(each.address_id == wanted.address_id for each in bound):
            return []
        if wanted.address_status != "UNBIND":
            raise Problem(
                "eip-in-use",
                cause=f"{wanted.address_ip} ({wanted.address_id}) is bound to {wanted.instance_id}",
                remedy="name an unbound one with --eip, or none for a new one",
            )
        return self._binding()

    def _allocation(self) -> Step:
        async def make() -> None:
            self.address = await self.cloud.gateways.allocate(self.name)

        async def unmake() -> None:
            await self.cloud.gateways.release(self._known_address.address_id)

        return Step("allocate an elastic IP", make, unmake)

    def _binding(self) -> list[Step]:
        """Nothing when the gateway is still to be made: it is made with its address."""
        if self.gateway is None:
            return []
        gateway = self.gateway

        async def make() -> None:
            address = self._known_address.address_ip
            await self.cloud.gateways.bind(gateway.nat_gateway_id, address)
            await self.cloud.gateways.until_available(gateway.nat_gateway_id, self.wish.seconds)

        async def unmake() -> None:
            address = self._known_address.address_ip
            await self.cloud.gateways.unbind(gateway.nat_gateway_id, address)

        return [Step(f"bind it to the NAT gateway {gateway.nat_gateway_name}", make, unmake)]

    def _gateway_step(self) -> Step:
        gateways, seconds = self.cloud.gateways, self.wish.seconds

        async def make() -> None:
            subnet, address = self.wish.subnet, self._known_address.address_ip
            made = await gateways.create(subnet.vpc_id, self.name, [address])
            self.gateway = await gateways.gateway(made)
            await gateways.until_available(made, seconds)

        async def unmake() -> None:
            await gateways.delete(self._known_gateway.nat_gateway_id)
            await gateways.until_gone(self._known_gateway.nat_gateway_id, seconds)

        return Step(f"create the NAT gateway {self.name}", make, unmake)

    async def _route_steps(self) -> list[Step]:
        routing, subnet = self.cloud.routing, self.wish.subnet
        table = await routing.table_of(subnet)
        default = [each for each in table.route_set if each.destination_cidr_block == DEFAULT]
        gateway = self.gateway.nat_gateway_id if self.gateway else ""
        held = next((each for each in default if each.gateway_id == gateway), None)
        if held is not None and held.enabled:
            return []
        if held is not None and len(default) == 1:
            return [self._enabling_step(table, held)]
        if default:
            raise Problem(
                "default-route-taken",
                cause=f"{table.route_table_name} ({table.route_table_id}), by which {subnet.subnet_name} "
                f"goes, sends {DEFAULT} to {default[0].gateway_type} {default[0].gateway_id} already",
                remedy="remove that route with `towline route-table remove-route`, or let the subnet go "
                "by another table with `towline route-table associate`",
            )
        if not table.main:
            self.table = table
            return [self._route_step(table.route_table_name)]
        self.table = await self._leading_table()
        if self.table is not None:
            return [self._association_step(table, self.table.route_table_name)]
        name = f"egress-{subnet.subnet_id.removeprefix('subnet-')}"
        return [self._table_step(name), self._route_step(name), self._association_step(table, name)]

    async def _leading_table(self) -> RouteTableView | None:
        """A table of the VPC that leads to its gateway already."""
        gateway = self.gateway.nat_gateway_id if self.gateway else ""
        for table in await self.cloud.routing.tables():
            for route in table.route_set:
                leads = route.enabled and route.gateway_id == gateway
                if leads and route.destination_cidr_block == DEFAULT and not table.main:
                    return table
        return None

    def _enabling_step(self, table: RouteTableView, route: RouteView) -> Step:
        routing, table_id = self.cloud.routing, table.route_table_id
        return Step(
            f"enable the route {DEFAULT} of {table.route_table_name} ({table_id})",
            lambda: routing.enable(table_id, route.route_id),
            lambda: routing.disable(table_id, route.route_id),
        )

    def _table_step(self, name: str) -> Step:
        async def make() -> None:
            self.table = await self.cloud.routing.create(self.wish.subnet.vpc_id, name)

        async def unmake() -> None:
            await self.cloud.routing.delete(self._known_table.route_table_id)

        return Step(f"create the route table {name}", make, unmake)

    def _route_step(self, name: str) -> Step:
        routing = self.cloud.routing

        async def make() -> None:
            gateway = self._known_gateway.nat_gateway_id
            await routing.add(self._known_table.route_table_id, DEFAULT, "NAT", gateway)

        async def unmake() -> None:
            table = await routing.table(self._known_table.route_table_id)
            for route in table.route_set:
                if route.destination_cidr_block == DEFAULT:
                    await routing.remove(table.route_table_id, route.route_id)

        return Step(f"route {DEFAULT} of {name} to the NAT gateway", make, unmake)

    def _association_step(self, before: RouteTableView, name: str) -> Step:
        subnet, routing = self.wish.subnet, self.cloud.routing

        async def make() -> None:
            await routing.associate(self._known_table.route_table_id, subnet.subnet_id)

        async def unmake() -> None:
            await routing.associate(before.route_table_id, subnet.subnet_id)

        return Step(f"let the subnet {subnet.subnet_name} go by {name}", make, unmake)

    async def _registry_steps(self, registry: InstanceView) -> list[Step]:
        access, name, seconds = self.cloud.access, registry.registry_name, self.wish.seconds
        steps = list[Step]()
        if await access.status(registry) != "Opened":
            steps.append(
                Step(
                    f"open public access to the registry {name}",
                    lambda: access.open(registry, seconds),
                    lambda: access.close(registry, seconds),
                )
            )
        allowed = [rule.cidr_block for rule in await access.rules(registry)]
        if self.address is not None and self.address.address_ip in allowed:
            return steps
        return [*steps, self._allowance(registry)]

    def _allowance(self, registry: InstanceView) -> Step:
        access = self.cloud.access

        async def make() -> None:
            await access.allow(registry, self._known_address.address_ip, self.name)

        async def unmake() -> None:
            await access.deny(registry, self._known_address.address_ip)

        return Step(f"let the elastic IP into the registry {registry.registry_name}", make, unmake)

    @property
    def _known_address(self) -> ElasticIpView:
        assert self.address is not None, "its step comes first"
        return self.address

    @property
    def _known_gateway(self) -> NatGatewayView:
        assert self.gateway is not None, "its step comes first"
        return self.gateway

    @property
    def _known_table(self) -> RouteTableView:
        assert self.table is not None, "its step comes first"
        return self.table
