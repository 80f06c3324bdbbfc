"""TracePacket: what the records say of a packet, over the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.clouds import ACCESS_IP, endpoint_done, link_running, open_context, refused
from tests.clouds import running_instance as instance_of
from tests.vpc_calls import attached, built, call, gateway_of, subnet_of, table_of, vpc_of

from towline.cloud.context import Context
from towline.cloud.own.trace import ACTIONS
from towline.cloud.parse import convert
from towline.cloud.tcr.product import ACTIONS as TCR
from towline.network.address import RESOLVERS
from towline.network.trace_stop import Stop
from towline.resource.network_interface import NetworkInterface
from towline.resource.uplink import Uplink

DOMAIN = "demo.tencentcloudcr.com"


async def traced(context: Context, **asked: Any) -> dict[str, Any]:
    """The answer of TracePacket."""
    return await answered(context, "TracePacket", **asked)


async def answered(context: Context, action: str, **asked: Any) -> dict[str, Any]:
    """The fields of an answer of our own product or of the registry's."""
    wanted = {**ACTIONS, **TCR}[action]
    answer = await wanted.run(context, convert(asked, wanted.parameters, strict=True))
    return dict(msgspec.to_builtins(answer))


async def recipe(context: Context) -> dict[str, str]:
    """A pod that reaches a registry by its public address; the ids of all that it takes."""
    registry_id, vpc_id = await instance_of(context), await vpc_of(context)
    subnet_id = await subnet_of(context, vpc_id)
    pod = await attached(context, vpc_id, subnet_id)
    gateway = await gateway_of(context, vpc_id)
    await built(context, vpc_id, gateway["NatGatewayId"])
    (address,) = (one["PublicIpAddress"] for one in gateway["PublicIpAddressSet"])
    main = (await call(context, "DescribeRouteTables"))["RouteTableSet"][0]["RouteTableId"]
    route = {
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayType": "NAT",
        "GatewayId": gateway["NatGatewayId"],
    }
    await call(context, "CreateRoutes", RouteTableId=main, Routes=[route])
    await answered(context, "ManageExternalEndpoint", RegistryId=registry_id, Operation="Create")
    await endpoint_done(context.resources, registry_id)
    await answered(
        context,
        "CreateSecurityPolicy",
        RegistryId=registry_id,
        CidrBlock=address,
        Description="egress",
    )
    return {
        "registry": registry_id,
        "vpc": vpc_id,
        "subnet": subnet_id,
        "pod": pod.pod_name,
        "gateway": gateway["NatGatewayId"],
        "address": address,
    }


async def test_the_public_recipe_is_traced_to_the_endpoint(tmp_path: Path) -> None:
    """By the registry's name, which the public zone answers."""
    async with open_context(tmp_path) as context:
        made = await recipe(context)
        found = await traced(context, Source=made["pod"], Destination=DOMAIN)

        assert (found["Reach"], found["Stop"], found["Symptom"]) == ("always", "", "")
        assert found["Resolution"]["Answerer"] == "public-zone"
        assert [hop["Place"] for hop in found["Hops"]] == [
            "interface",
            "route-table",
            "nat-gateway",
            "public-endpoint",
        ]
        assert found["Hops"][-1]["Sources"] == (made["address"],)


async def test_what_the_api_takes_away_is_named(tmp_path: Path) -> None:
    """Each time by what was taken away last."""
    async with open_context(tmp_path) as context:
        made = await recipe(context)
        stops = list[str]()

        async def note() -> None:
            found = await traced(context, Source=made["pod"], Destination=DOMAIN)
            assert (found["Reach"], found["Symptom"]) == ("never", "i/o timeout")
            assert found["Cause"]
            assert found["Remedy"]
            stops.append(found["Stop"])

        gateway, vpc_id = made["gateway"], made["vpc"]
        named = {"NatGatewayId": gateway, "PublicIpAddresses": [made["address"]]}
        await call(context, "AssociateNatGatewayAddress", NatGatewayId=gateway, AddressCount=1)
        await call(context, "DisassociateNatGatewayAddress", **named)
        await note()
        (held,) = context.resources.public_endpoints.list()
        await answered(
            context, "DeleteSecurityPolicy", RegistryId=made["registry"], PolicyIndex=0,
            PolicyVersion=str(held.version), CidrBlock=held.rules[0].cidr,
        )  # fmt: skip
        await note()
        await answered(
            context, "ManageExternalEndpoint", RegistryId=made["registry"], Operation="Delete"
        )
        await endpoint_done(context.resources, made["registry"])
        await note()
        other = await table_of(context, vpc_id)
        await call(
            context, "ReplaceRouteTableAssociation", SubnetId=made["subnet"], RouteTableId=other
        )
        await note()
        await call(context, "DeleteNatGateway", NatGatewayId=gateway)
        await note()

        assert stops == [
            Stop.ADDRESS_CHANGED,
            Stop.ALLOWLIST_EMPTY,
            Stop.ENDPOINT_CLOSED,
            Stop.TABLE_NOT_ASSOCIATED,
            Stop.NO_NAT_GATEWAY,
        ]


async def test_a_private_name_leads_to_the_link_unless_another_server_is_asked(
    tmp_path: Path,
) -> None:
    """Whoever asks a public resolver is sent to the public address, and founders there."""
    async with open_context(tmp_path) as context:
        registry_id, vpc_id = await instance_of(context), await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        place = {"RegistryId": registry_id, "VpcId": vpc_id}
        await answered(
            context, "ManageInternalEndpoint", Operation="Create", SubnetId=subnet_id, **place
        )
        await link_running(context, vpc_id, registry_id)
        await answered(
            context,
            "CreateInternalEndpointDns",
            InstanceId=registry_id,
            VpcId=vpc_id,
            EniLBIp=ACCESS_IP,
            UsePublicDomain=True,
        )
        private = await traced(context, Source=subnet_id, Destination=DOMAIN)
        public = await traced(context, Source=subnet_id, Destination=DOMAIN, Resolver="198.18.0.53")

        assert (private["Destination"], private["Reach"]) == (ACCESS_IP, "always")
        assert private["Resolution"]["Answerer"] == "private-zone"
        assert private["Hops"][-1]["Place"] == "link"
        assert public["Resolution"]["Answerer"] == "public-zone"
        assert public["Stop"] == Stop.NO_NAT_GATEWAY

        pod = NetworkInterface(
            id="eni-1",
            vpc_id=vpc_id,
            subnet_id=subnet_id,
            private_ip="10.0.1.20",
            pod_uid="uid-1",
            pod_name="default/web",
            nameservers=("198.18.0.53",),
            created_at="",
        )
        await context.resources.network_interfaces.create(vpc_id, pod.id, pod)
        own = await traced(context, Source="default/web", Destination=DOMAIN)
        told = await traced(
            context, Source="default/web", Destination=DOMAIN, Resolver=RESOLVERS[0]
        )

        assert own["Resolution"]["Answerer"] == "public-zone"
        assert told["Resolution"]["Answerer"] == "private-zone"


async def test_a_source_may_be_named_in_many_ways(tmp_path: Path) -> None:
    """As long as it is one."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        pod = await attached(context, vpc_id, subnet_id)
        names = [pod.pod_name, "web-1", pod.pod_uid, pod.id, pod.private_ip]
        found = [await traced(context, Source=one, Destination="10.16.0.1") for one in names]
        free = await traced(context, Source="10.0.1.99", Destination="10.16.0.1")

        assert {one["Source"] for one in found} == {pod.private_ip}
        assert {one["Reach"] for one in found} == {"always"}
        assert (free["Source"], free["SubnetId"]) == ("10.0.1.99", subnet_id)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"Source": "nobody"}, "ResourceNotFound", id="nobody"),
        pytest.param({"Source": "10.9.9.9"}, "ResourceNotFound", id="address-of-no-subnet"),
        pytest.param({"Source": "10.0.1.2"}, "InvalidParameterValue", id="in-two-vpcs"),
        pytest.param({"Port": 65_536}, "InvalidParameterValue", id="no-port"),
        pytest.param({"Protocol": "SCTP"}, "InvalidParameterValue", id="no-protocol"),
        pytest.param({"Destination": "a..b"}, "InvalidParameterValue", id="no-name"),
    ],
)
async def test_what_cannot_be_traced_is_refused(
    tmp_path: Path, asked: dict[str, Any], code: str
) -> None:
    """With what is wrong about it."""
    async with open_context(tmp_path) as context:
        first, second = await vpc_of(context), await vpc_of(context)
        subnet_id = await subnet_of(context, first)
        await subnet_of(context, second)
        with refused(code):
            await traced(context, **({"Source": subnet_id, "Destination": "10.16.0.1"} | asked))


async def test_what_an_uplink_leads_to_is_known(tmp_path: Path) -> None:
    """Addresses beyond the internet of the installation, and who may know other names."""
    async with open_context(tmp_path) as context:
        net = await recipe(context)
        asked = {"Source": net["subnet"], "Destination": "203.0.113.9"}
        before = await traced(context, **asked)
        uplink = Uplink(leads_out=True, resolver="192.0.2.53")
        await context.resources.uplinks.create("", "uplink", uplink)
        after = await traced(context, **asked)
        named = await traced(context, Source=net["subnet"], Destination="registry.example")

        assert before["Stop"] == Stop.ONLY_BY_UPLINK
        assert (after["Reach"], after["Hops"][-1]["Place"]) == ("always", "uplink")
        assert "only the uplink's resolver, 192.0.2.53," in named["Cause"]


async def test_a_name_without_an_address_leads_nowhere(tmp_path: Path) -> None:
    """And the answer says who decides that."""
    async with open_context(tmp_path) as context:
        subnet_id = await subnet_of(context, await vpc_of(context))
        found = await traced(context, Source=subnet_id, Destination="registry.example")

        assert (found["Reach"], found["Hops"], found["Destination"]) == ("never", (), "")
        assert (found["Stop"], found["Symptom"]) == ("name-without-address", "no such host")
        assert found["Resolution"]["Answerer"] == "uplink"
