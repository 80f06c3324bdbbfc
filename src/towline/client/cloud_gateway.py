"""NAT gateways and elastic IPs, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.client.choice import Choice
from towline.client.cloud import CloudClient
from towline.client.cloud_view import ElasticIpView, NatGatewayView, view
from towline.client.cloud_wait import until

_MANY = 100
_GATEWAY: Choice[NatGatewayView] = Choice(
    "NAT gateway",
    lambda gateway: gateway.nat_gateway_id,
    lambda gateway: gateway.nat_gateway_name,
    "name one by its id; see `towline nat-gateway list`",
)
_ADDRESS: Choice[ElasticIpView] = Choice(
    "EIP",
    lambda address: address.address_id,
    lambda address: address.address_name or address.address_ip,
    "name one by its id; see `towline eip list`",
)


class Gateways:
    """The ways out of VPCs, and the public addresses they are taken with."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def gateways(self) -> list[NatGatewayView]:
        """All NAT gateways."""
        answer = await self._call("DescribeNatGateways", {"Limit": _MANY})
        return view(answer["NatGatewaySet"], list[NatGatewayView])

    async def gateway(self, name: str) -> NatGatewayView:
        """The gateway of this name or id; raises `Problem`."""
        return _GATEWAY.of(await self.gateways(), name)

    async def create(self, vpc_id: str, name: str, addresses: list[str]) -> str:
        """Ask for a gateway that sends with these public IPs; answers its id."""
        asked = {"VpcId": vpc_id, "NatGatewayName": name, "PublicIpAddresses": addresses}
        made = await self._call("CreateNatGateway", asked)
        return str(made["NatGatewaySet"][0]["NatGatewayId"])

    async def delete(self, gateway_id: str) -> None:
        """Ask for a gateway to go; its routes go with it."""
        await self._call("DeleteNatGateway", {"NatGatewayId": gateway_id})

    async def bind(self, gateway_id: str, address: str) -> None:
        """Let a gateway send with one more public IP."""
        asked = {"NatGatewayId": gateway_id, "PublicIpAddresses": [address]}
        await self._call("AssociateNatGatewayAddress", asked)

    async def unbind(self, gateway_id: str, address: str) -> None:
        """Take a public IP from a gateway."""
        asked = {"NatGatewayId": gateway_id, "PublicIpAddresses": [address]}
        await self._call("DisassociateNatGatewayAddress", asked)

    async def until_available(self, gateway_id: str, seconds: float) -> None:
        """Return once packets can leave through the gateway."""

        async def available() -> bool | None:
            found = [one for one in await self.gateways() if one.nat_gateway_id == gateway_id]
            return True if found and found[0].state == "AVAILABLE" else None

        await until(available, seconds, f"the NAT gateway {gateway_id} is not available")

    async def until_gone(self, gateway_id: str, seconds: float) -> None:
        """Return once the gateway no longer exists."""

        async def gone() -> bool | None:
            found = [one for one in await self.gateways() if one.nat_gateway_id == gateway_id]
            return None if found else True

        await until(gone, seconds, f"the NAT gateway {gateway_id} is still being deleted")

    async def addresses(self) -> list[ElasticIpView]:
        """All elastic IPs."""
        answer = await self._call("DescribeAddresses", {"Limit": _MANY})
        return view(answer["AddressSet"], list[ElasticIpView])

    async def address(self, name: str) -> ElasticIpView:
        """The elastic IP of this name, id or address; raises `Problem`."""
        addresses = await self.addresses()
        exact = [one for one in addresses if one.address_ip == name]
        return exact[0] if exact else _ADDRESS.of(addresses, name)

    async def allocate(self, name: str, bandwidth: int = 0) -> ElasticIpView:
        """Take a new public address; `bandwidth` is in Mbit/s, 0 for no limit of its own."""
        asked: dict[str, Any] = {"AddressCount": 1, "AddressName": name}
        if bandwidth:
            asked["InternetMaxBandwidthOut"] = bandwidth
        made = await self._call("AllocateAddresses", asked)
        shown = await self._call("DescribeAddresses", {"AddressIds": made["AddressSet"]})
        return view(shown["AddressSet"][0], ElasticIpView)

    async def release(self, address_id: str) -> None:
        """Give an unbound public address back."""
        await self._call("ReleaseAddresses", {"AddressIds": [address_id]})

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("vpc", "2017-03-12", action, params)
