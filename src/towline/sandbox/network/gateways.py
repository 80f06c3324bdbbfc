"""Says of NAT gateways and elastic IPs that what was asked for has been built.

A state is turned only if nobody has asked for anything else meanwhile: the next round builds that.
"""

from __future__ import annotations

from contextlib import suppress

import structlog
from msgspec.structs import replace

from towline.network.model import NetworkModel
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.nat_gateway import NatGateway, NatState
from towline.sandbox.network.records import Records, turn
from towline.store.error import NotFound

_log = structlog.get_logger("towline.network")


class Gateways:
    """The states of what leads to the internet."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def announce(self, built: NetworkModel) -> None:
        """Turn the states of what stands; what was to go and does not stand any more is removed."""
        for nat in built.nat_gateways:
            await self._announce_gateway(nat)
        for eip in built.elastic_ips:
            if eip.status is ElasticIpStatus.BINDING and _is_bound(eip, built):
                await self._turn(eip, replace(eip, status=ElasticIpStatus.BIND))
            elif eip.status is ElasticIpStatus.UNBINDING:
                free = replace(eip, status=ElasticIpStatus.UNBIND, bound_to="", private_ip="")
                await self._turn(eip, free)

    async def _announce_gateway(self, nat: NatGateway) -> None:
        gateways = self._records.nat_gateways
        match nat.state:
            case NatState.PENDING | NatState.UPDATING:
                ready = replace(nat, state=NatState.AVAILABLE)
                await turn(gateways, nat.vpc_id, nat.id, nat, ready)
            case NatState.DELETING:
                with suppress(NotFound):
                    await gateways.delete(nat.vpc_id, nat.id)
                _log.info("nat-gateway-removed", nat_gateway=nat.id, vpc=nat.vpc_id)
            case NatState.AVAILABLE:
                pass

    async def _turn(self, seen: ElasticIp, into: ElasticIp) -> None:
        await turn(self._records.elastic_ips, "", seen.id, seen, into)


def _is_bound(eip: ElasticIp, built: NetworkModel) -> bool:
    """Whether there is what it is to be bound to."""
    gateway, interface = built.nat_gateway(eip.bound_to), built.interface(eip.bound_to)
    return gateway is not None or interface is not None
