"""Calls of the network product as they come from outside: names and values of the API, no types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from towline.cloud.context import Context, Resources
from towline.cloud.parse import convert
from towline.cloud.vpc.product import ACTIONS
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.nat_gateway import NatGateway, NatState
from towline.resource.network_interface import NetworkInterface
from towline.store.error import NotFound

ZONE = "ap-guangzhou-1"


async def call(context: Context, action: str, **parameters: Any) -> Any:
    """The fields of the answer; raises the refusal."""
    wanted = ACTIONS[action]
    answer = await wanted.run(context, convert(parameters, wanted.parameters, strict=True))
    return msgspec.to_builtins(answer)


async def vpc_of(context: Context, cidr: str = "10.0.0.0/16") -> str:
    """Create a VPC."""
    made = await call(context, "CreateVpc", VpcName="office", CidrBlock=cidr)
    return str(made["Vpc"]["VpcId"])


async def subnet_of(context: Context, vpc_id: str, cidr: str = "10.0.1.0/24") -> str:
    """Create a subnet."""
    asked = {"VpcId": vpc_id, "SubnetName": "pods", "Zone": ZONE, "CidrBlock": cidr}
    return str((await call(context, "CreateSubnet", **asked))["Subnet"]["SubnetId"])


async def table_of(context: Context, vpc_id: str) -> str:
    """Create a route table beside the main one."""
    made = await call(context, "CreateRouteTable", VpcId=vpc_id, RouteTableName="egress")
    return str(made["RouteTable"]["RouteTableId"])


async def gateway_of(context: Context, vpc_id: str, **more: Any) -> dict[str, Any]:
    """Create a NAT gateway, with one new address unless told otherwise."""
    asked = {"NatGatewayName": "out", "VpcId": vpc_id} | (more or {"AddressCount": 1})
    (made,) = (await call(context, "CreateNatGateway", **asked))["NatGatewaySet"]
    return dict(made)


async def eips_of(context: Context, count: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Allot elastic IPs."""
    made = await call(context, "AllocateAddresses", AddressCount=count, **more)
    shown = await call(context, "DescribeAddresses", AddressIds=made["AddressSet"])
    return list(shown["AddressSet"])


async def eip(context: Context, id_: str) -> dict[str, Any]:
    """Describe one elastic IP."""
    (shown,) = (await call(context, "DescribeAddresses", AddressIds=[id_]))["AddressSet"]
    return dict(shown)


async def built(context: Context, vpc_id: str, gateway_id: str) -> None:
    """Do what the agent would: finish a gateway, or remove it."""
    gateways = context.resources.nat_gateways
    held = gateways.get(vpc_id, gateway_id)
    if held is not None and held.state is NatState.DELETING:
        await gateways.delete(vpc_id, gateway_id)
    else:
        await gateways.update(vpc_id, gateway_id, _available)


async def attached(
    context: Context, vpc_id: str, subnet_id: str, *groups: str, number: int = 1
) -> NetworkInterface:
    """Do what the agent would: plug a pod into a subnet."""
    interface = NetworkInterface(
        id=f"eni-{number:08d}",
        vpc_id=vpc_id,
        subnet_id=subnet_id,
        private_ip=f"10.0.1.{number + 1}",
        pod_uid=f"uid-{number}",
        pod_name=f"default/web-{number}",
        security_group_ids=groups,
        created_at=context.now(),
    )
    return await context.resources.network_interfaces.create(vpc_id, interface.id, interface)


@asynccontextmanager
async def network_agent(resources: Resources) -> AsyncIterator[None]:
    """An agent that binds and unbinds addresses at once; gateways are built by the served cloud's."""

    async def bind() -> None:
        async for addresses in resources.elastic_ips.follow():
            for address in addresses:
                with suppress(NotFound):
                    await resources.elastic_ips.update("", address.id, _at_rest)

    async with asyncio.TaskGroup() as tasks:
        binding = tasks.create_task(bind())
        yield
        binding.cancel()


def _available(held: NatGateway) -> NatGateway:
    return msgspec.structs.replace(held, state=NatState.AVAILABLE)


def _at_rest(held: ElasticIp) -> ElasticIp:
    match held.status:
        case ElasticIpStatus.BINDING:
            return msgspec.structs.replace(held, status=ElasticIpStatus.BIND)
        case ElasticIpStatus.UNBINDING:
            free = ElasticIpStatus.UNBIND
            return msgspec.structs.replace(held, status=free, bound_to="", private_ip="")
        case _:
            return held
