"""Private DNS, driven by the official SDK and by tccli: every action, in the order of use.

Both are Tencent's own, from PyPI. And the zone that a link makes when its resolution is switched on,
as they show it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.clouds import ACCESS_IP, ServedCloud, serving
from tests.tencent_clients import REGION, Client, RefusedError, by_sdk, by_tccli
from tests.vpc_calls import ZONE

from towline.cloud.privatedns.product import ACTIONS

VERSIONS = {"privatedns": "v20201028", "vpc": "v20170312", "tcr": "v20190924"}


def client(cloud: ServedCloud, tool: str, product: str, home: Path) -> Client:
    """A client of one of the products."""
    if tool == "tccli":
        return Client(by_tccli(cloud, product, home))
    return Client(by_sdk(cloud, product, VERSIONS[product]))


async def place(vpc: Client) -> tuple[str, str]:
    """A VPC and a subnet in it."""
    made = await vpc("CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16")
    vpc_id = str(made["Vpc"]["VpcId"])
    asked = {"VpcId": vpc_id, "SubnetName": "s", "Zone": ZONE, "CidrBlock": "10.0.1.0/24"}
    return vpc_id, str((await vpc("CreateSubnet", **asked))["Subnet"]["SubnetId"])


async def zone(dns: Client, vpc_id: str) -> str:
    """A zone that is bound to a VPC, changed and found."""
    vpcs = [{"UniqVpcId": vpc_id, "Region": REGION}]
    made = await dns(
        "CreatePrivateZone", Domain="corp.example", TagSet=[{"TagKey": "team", "TagValue": "net"}]
    )
    id_ = str(made["ZoneId"])
    bound = await dns("ModifyPrivateZoneVpc", ZoneId=id_, VpcSet=vpcs)
    await dns("ModifyPrivateZone", ZoneId=id_, DnsForwardStatus="DISABLED", Remark="lab")
    shown = (await dns("DescribePrivateZone", ZoneId=id_))["PrivateZone"]
    filters = [{"Name": "Domain", "Values": ["corp.example"]}]
    found = await dns("DescribePrivateZoneList", Offset=0, Limit=5, Filters=filters)
    assert bound["VpcSet"] == shown["VpcSet"] == vpcs
    assert (shown["DnsForwardStatus"], shown["Remark"]) == ("DISABLED", "lab")
    assert found["PrivateZoneSet"] == [shown]
    return id_


async def records(dns: Client, zone_id: str) -> None:
    """Records that are made, changed, found and deleted but for one."""
    of_zone = {"ZoneId": zone_id}
    web = {"SubDomain": "www", "RecordType": "A", "RecordValue": "10.0.0.1"}
    mail = {"SubDomain": "@", "RecordType": "MX", "RecordValue": "mail.corp.example.", "MX": 10}
    first = (await dns("CreatePrivateZoneRecord", **of_zone, **web, TTL=60))["RecordId"]
    second = (await dns("CreatePrivateZoneRecord", **of_zone, **mail))["RecordId"]
    assert isinstance(first, str)
    changed = web | {"RecordValue": "10.0.0.2", "RecordId": first}
    await dns("ModifyPrivateZoneRecord", **of_zone, **changed)
    filters = [{"Name": "RecordType", "Values": ["A"]}]
    listed = await dns("DescribePrivateZoneRecordList", **of_zone, Filters=filters)
    (shown,) = listed["RecordSet"]
    assert (shown["RecordValue"], shown["TTL"], shown["Enabled"]) == ("10.0.0.2", 60, 1)
    await dns("DeletePrivateZoneRecord", **of_zone, RecordId=first)
    with pytest.raises(RefusedError, match="DeleteLastBindVpcRecordFailed"):
        await dns("DeletePrivateZoneRecord", **of_zone, RecordIdSet=[second])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("tool", ["sdk", "tccli"])
async def test_every_action_of_private_dns_works(tmp_path: Path, tool: str) -> None:
    """From a service that nobody subscribed to, to a zone and back to none."""
    async with serving(tmp_path) as cloud:
        dns = client(cloud, tool, "privatedns", tmp_path)
        vpc_id, _ = await place(client(cloud, tool, "vpc", tmp_path))
        before = await dns("DescribePrivateZoneService")
        with pytest.raises(RefusedError, match="ServiceNotSubscribed"):
            await dns("CreatePrivateZone", Domain="corp.example")
        await dns("SubscribePrivateZoneService")
        zone_id = await zone(dns, vpc_id)
        await records(dns, zone_id)
        with pytest.raises(RefusedError, match="ExistBoundVpc"):
            await dns("DeletePrivateZone", ZoneId=zone_id)
        await dns("ModifyPrivateZoneVpc", ZoneId=zone_id, VpcSet=[])
        await dns("DeletePrivateZone", ZoneIdSet=[zone_id])

        assert before["ServiceStatus"] == "DISABLED"
        assert dns.used == set(ACTIONS)
        assert (await dns("DescribePrivateZoneList"))["TotalCount"] == 0


@pytest.mark.slow
async def test_a_links_zone_is_seen_where_the_others_are(tmp_path: Path) -> None:
    """It comes and goes with the resolution of the link, and not otherwise."""
    async with serving(tmp_path) as cloud:
        dns, vpc, tcr = (
            client(cloud, "sdk", product, tmp_path) for product in ("privatedns", "vpc", "tcr")
        )
        vpc_id, subnet_id = await place(vpc)
        domain = await linked(tcr, vpc_id, subnet_id)
        await tcr("CreateInternalEndpointDns", **domain, UsePublicDomain=True)
        (shown,) = (await dns("DescribePrivateZoneList"))["PrivateZoneSet"]
        of_zone = {"ZoneId": shown["ZoneId"]}
        (record,) = (await dns("DescribePrivateZoneRecordList", **of_zone))["RecordSet"]
        with pytest.raises(RefusedError, match="OperationDenied"):
            await dns("DeletePrivateZone", **of_zone)
        await tcr("DeleteInternalEndpointDns", **domain, UsePublicDomain=True)

        assert (shown["Domain"], shown["Status"]) == ("tencentcloudcr.com", "ENABLED")
        assert (record["SubDomain"], record["RecordValue"]) == ("demo", ACCESS_IP)
        assert (await dns("DescribePrivateZoneList"))["TotalCount"] == 0


async def linked(tcr: Client, vpc_id: str, subnet_id: str) -> dict[str, Any]:
    """A link with its address, as the DNS actions want it named."""
    made = await tcr("CreateInstance", RegistryName="demo", RegistryType="basic")
    registry = {"RegistryId": made["RegistryId"]}
    ids = {"Registryids": [made["RegistryId"]]}
    await tcr.until(
        "DescribeInstances", lambda one: one["Registries"][0]["Status"] == "Running", **ids
    )
    where = {"VpcId": vpc_id, "SubnetId": subnet_id}
    await tcr("ManageInternalEndpoint", Operation="Create", **registry, **where)
    await tcr.until(
        "DescribeInternalEndpoints", lambda one: one["AccessVpcSet"][0]["AccessIp"], **registry
    )
    return {"InstanceId": made["RegistryId"], "VpcId": vpc_id, "EniLBIp": ACCESS_IP}
