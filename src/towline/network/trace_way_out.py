"""Why a packet has no way out of its VPC."""

from __future__ import annotations

from towline.network.model import NetworkModel, best_route, contains
from towline.network.trace_stop import Stop
from towline.resource.route_table import GatewayType, RouteTable
from towline.resource.vpc import Subnet


def missing_way(model: NetworkModel, subnet: Subnet, address: str) -> Stop:
    """What is lacking where no enabled route of the subnet's table fits an address.

    A gateway takes its routes with it when it is deleted, so without any gateway there is more
    to make than a route.
    """
    own = model.table_of(subnet)
    if own is not None and any(contains(route.destination, address) for route in own.routes):
        return Stop.ROUTE_DISABLED
    tables = (table for table in model.route_tables if table.vpc_id == subnet.vpc_id)
    if any(_leads_out(model, table, address) for table in tables):
        return Stop.TABLE_NOT_ASSOCIATED
    gateways = (model.nat_gateway(nat.id) for nat in model.nat_gateways)
    if any(one is not None and one.vpc_id == subnet.vpc_id for one in gateways):
        return Stop.NO_ROUTE
    return Stop.NO_NAT_GATEWAY


def _leads_out(model: NetworkModel, table: RouteTable, address: str) -> bool:
    route = best_route(table.routes, address)
    if route is None or route.gateway_type is not GatewayType.NAT:
        return False
    gateway = model.nat_gateway(route.gateway_id)
    return gateway is not None and gateway.vpc_id == table.vpc_id
