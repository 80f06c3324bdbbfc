"""Security groups: lists of rules, of which the first that fits decides."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clouds import open_context, refused
from tests.vpc_calls import attached, call, subnet_of, vpc_of

from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.vpc.security_rule import PolicyAsked, rule_of
from towline.resource.security_group import Verdict

WEB: dict[str, Any] = {
    "Protocol": "TCP",
    "Port": "443",
    "CidrBlock": "0.0.0.0/0",
    "Action": "ACCEPT",
}
PING = {"Protocol": "ICMP", "CidrBlock": "10.0.0.0/8", "Action": "ACCEPT"}
NOTHING = {"Protocol": "ALL", "Port": "ALL", "CidrBlock": "0.0.0.0/0", "Action": "DROP"}


async def group_of(context: Context, *egress: dict[str, Any]) -> str:
    """Create a group with these rules for what leaves."""
    made = await call(
        context, "CreateSecurityGroup", GroupName="pods", GroupDescription="what pods may do"
    )
    id_ = str(made["SecurityGroup"]["SecurityGroupId"])
    if egress:
        await change(context, "Create", id_, Egress=list(egress))
    return id_


async def change(context: Context, verb: str, id_: str, **policies: Any) -> None:
    """Create, delete, replace or modify rules."""
    action = f"{verb}SecurityGroupPolicies"
    await call(context, action, SecurityGroupId=id_, SecurityGroupPolicySet=policies)


async def rules(context: Context, id_: str, **asked: Any) -> dict[str, Any]:
    """The rules of a group."""
    shown = await call(context, "DescribeSecurityGroupPolicies", SecurityGroupId=id_, **asked)
    return dict(shown["SecurityGroupPolicySet"])


def ports(shown: dict[str, Any]) -> list[str]:
    """The ports of the rules for what leaves."""
    return [one["Port"] for one in shown["Egress"]]


async def test_a_new_group_has_no_rules(tmp_path: Path) -> None:
    """And so denies everything."""
    async with open_context(tmp_path) as context:
        shown = await rules(context, await group_of(context))

        assert (shown["Version"], shown["Ingress"], shown["Egress"]) == ("0", (), ())


async def test_rules_are_kept_in_their_order(tmp_path: Path) -> None:
    """New ones come last, or at the index that they name; every change is a new version."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context, WEB, NOTHING)
        first = [WEB | {"Port": port, "PolicyIndex": 0} for port in ("80", "8000-9000")]
        await change(context, "Create", id_, Egress=first)
        await change(context, "Create", id_, Ingress=[PING])
        shown = await rules(context, id_)

        assert ports(shown) == ["80", "8000-9000", "443", "ALL"]
        assert [one["PolicyIndex"] for one in shown["Egress"]] == [0, 1, 2, 3]
        assert [one["Protocol"] for one in shown["Ingress"]] == ["ICMP"]
        assert shown["Version"] == "3"
        assert shown["PolicyStatistics"]["EgressIPv4TotalCount"] == 4


async def test_rules_are_deleted_by_index_or_by_what_they_say(tmp_path: Path) -> None:
    """A description does not count."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context, WEB, WEB | {"Port": "80"}, PING, NOTHING)
        await change(context, "Delete", id_, Egress=[{"PolicyIndex": 0}, {"PolicyIndex": 2}])
        await change(context, "Delete", id_, Egress=[NOTHING | {"PolicyDescription": "x"}])
        shown = ports(await rules(context, id_))
        with refused("ResourceNotFound"):
            await change(context, "Delete", id_, Egress=[NOTHING])
        with refused("ResourceNotFound"):
            await change(context, "Delete", id_, Egress=[{"PolicyIndex": 1}])

        assert shown == ["80"]


async def test_rules_are_replaced_in_their_places(tmp_path: Path) -> None:
    """Each must say which."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context, WEB, NOTHING)
        await change(context, "Replace", id_, Egress=[WEB | {"Port": "80", "PolicyIndex": 0}])
        with refused("InvalidParameterValue.Empty"):
            await change(context, "Replace", id_, Egress=[WEB])
        with refused("ResourceNotFound"):
            await change(context, "Replace", id_, Egress=[WEB | {"PolicyIndex": 2}])

        assert ports(await rules(context, id_)) == ["80", "ALL"]


async def test_all_rules_are_reset_at_once(tmp_path: Path) -> None:
    """Old ones keep their order unless the new order is to count; version 0 removes them all."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context, WEB, NOTHING)
        new = [WEB | {"Port": "80"}, NOTHING, WEB]
        seen = list[list[str]]()
        for sort in (False, True):
            await call(
                context,
                "ModifySecurityGroupPolicies",
                SecurityGroupId=id_,
                SecurityGroupPolicySet={"Egress": new, "Ingress": []},
                SortPolicys=sort,
            )
            seen.append(ports(await rules(context, id_)))
        await change(context, "Modify", id_, Version="0", Egress=new)
        with refused("InvalidParameterValue.Empty"):
            await change(context, "Modify", id_, Egress=new)

        assert seen == [["443", "ALL", "80"], ["80", "ALL", "443"]]
        assert ports(await rules(context, id_)) == []


async def test_who_has_not_seen_the_last_version_is_refused(tmp_path: Path) -> None:
    """Of two that change the same version at once, one is."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context, WEB)
        answers = await asyncio.gather(
            *(
                change(context, "Create", id_, Version="1", Egress=[WEB | {"Port": port}])
                for port in ("80", "81")
            ),
            return_exceptions=True,
        )

        codes = [one.code for one in answers if isinstance(one, Refusal)]
        assert codes == ["UnsupportedOperation.VersionMismatch"]
        assert len(ports(await rules(context, id_))) == 2


async def test_changes_that_name_no_version_all_happen(tmp_path: Path) -> None:
    """Also when they come at once."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context)
        wanted = [str(port) for port in range(80, 90)]
        await asyncio.gather(
            *(change(context, "Create", id_, Egress=[WEB | {"Port": port}]) for port in wanted)
        )

        assert sorted(ports(await rules(context, id_))) == wanted


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        pytest.param({"Port": "0x50"}, "InvalidParameterValue.Malformed", id="hexadecimal"),
        pytest.param({"Port": "70000"}, "InvalidParameterValue.Malformed", id="too-high"),
        pytest.param({"Port": "90-80"}, "InvalidParameterValue.Malformed", id="backwards"),
        pytest.param({"Port": "80-90,99"}, "InvalidParameterValue.Malformed", id="mixed"),
        pytest.param({"Protocol": "ICMP"}, "InvalidParameter.Coexist", id="icmp-with-port"),
        pytest.param({"Protocol": "GRE"}, "InvalidParameterValue", id="protocol"),
        pytest.param({"Protocol": ""}, "InvalidParameter.Coexist", id="port-of-every-protocol"),
        pytest.param({"CidrBlock": ""}, "InvalidParameterValue.Empty", id="no-range"),
        pytest.param({"CidrBlock": "all"}, "InvalidParameterValue.Malformed", id="word"),
        pytest.param({"CidrBlock": "10.0.0.0/33"}, "InvalidParameterValue.Malformed", id="mask"),
        pytest.param({"Ipv6CidrBlock": "::/0"}, "UnsupportedOperation", id="ipv6"),
        pytest.param({"SecurityGroupId": "sg-abcd1234"}, "UnsupportedOperation", id="group"),
        pytest.param({"Action": "allow"}, "InvalidParameterValue", id="action"),
        pytest.param({"Port": "443"}, "UnsupportedOperation.DuplicatePolicy", id="twice"),
        pytest.param({"PolicyDescription": "x" * 101}, "InvalidParameterValue.TooLong", id="long"),
        pytest.param({"PolicyIndex": 2}, "InvalidParameterValue.Range", id="no-place"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(
    tmp_path: Path, rule: dict[str, Any], code: str
) -> None:
    """With all the others of the request, and no new version is made."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context, WEB)
        before = await rules(context, id_)
        index = {"PolicyIndex": rule["PolicyIndex"]} if "PolicyIndex" in rule else {}
        with refused(code):
            await change(context, "Create", id_, Egress=[PING | index, WEB | rule])

        assert await rules(context, id_) == before


@pytest.mark.parametrize("verb", ["Create", "Delete", "Replace"])
async def test_a_request_changes_one_direction(tmp_path: Path, verb: str) -> None:
    """Neither both nor none."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context)
        with refused("InvalidParameter.Coexist"):
            await change(context, verb, id_, Ingress=[WEB], Egress=[WEB])
        with refused("InvalidParameterValue.Empty"):
            await change(context, verb, id_)


async def test_a_group_has_a_hundred_rules_in_a_direction(tmp_path: Path) -> None:
    """The cloud's default quota."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context, *(WEB | {"Port": str(port)} for port in range(1, 101)))
        with refused("LimitExceeded.SecurityGroupPolicySet"):
            await change(context, "Create", id_, Egress=[WEB])

        assert len(ports(await rules(context, id_))) == 100


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("direction", "OUTBOUND", ["443", "ALL"]),
        ("direction", "INBOUND", []),
        ("poly", "DROP", ["ALL"]),
        ("protocol-type", "tcp", ["443"]),
        ("port", "44", ["443"]),
        ("ip", "0.0", ["443", "ALL"]),
        ("description", "web", ["443"]),
    ],
)
async def test_rules_are_found_by_what_they_say(
    tmp_path: Path, name: str, value: str, found: list[str]
) -> None:
    """With their places in the whole list."""
    async with open_context(tmp_path) as context:
        id_ = await group_of(context, WEB | {"PolicyDescription": "the web"}, NOTHING)
        filters = [{"Name": name, "Values": [value]}]
        shown = await rules(context, id_, Filters=filters)
        with refused("InvalidParameter.FilterInvalidKey"):
            await rules(context, id_, Filters=[{"Name": "colour", "Values": ["red"]}])

        assert ports(shown) == found
        assert all(
            one["PolicyIndex"] == ["443", "ALL"].index(one["Port"]) for one in shown["Egress"]
        )


async def test_a_group_that_a_pod_is_in_stays(tmp_path: Path) -> None:
    """And its users are counted."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        used, free = await group_of(context), await group_of(context)
        pod = await attached(context, vpc_id, subnet_id, used)
        counted = await call(
            context, "DescribeSecurityGroupAssociationStatistics", SecurityGroupIds=[used, free]
        )
        with refused("ResourceInUse"):
            await call(context, "DeleteSecurityGroup", SecurityGroupId=used)
        await context.resources.network_interfaces.delete(vpc_id, pod.id)
        for id_ in (used, free):
            await call(context, "DeleteSecurityGroup", SecurityGroupId=id_)

        counts = counted["SecurityGroupAssociationStatisticsSet"]
        assert [one["ENI"] for one in counts] == [1, 0]
        assert (await call(context, "DescribeSecurityGroups"))["TotalCount"] == 0


async def test_a_group_can_be_renamed_and_found(tmp_path: Path) -> None:
    """What is not given stays."""
    async with open_context(tmp_path) as context:
        id_, other = await group_of(context), await group_of(context)
        named = {"SecurityGroupId": id_}
        await call(context, "ModifySecurityGroupAttribute", **named, GroupName="egress")
        await call(context, "ModifySecurityGroupAttribute", **named, GroupDescription="out")
        with refused("InvalidParameterValue"):
            await call(context, "ModifySecurityGroupAttribute", **named, GroupName="")
        filters = [{"Name": "security-group-name", "Values": ["egress"]}]
        (found,) = (await call(context, "DescribeSecurityGroups", Filters=filters))[
            "SecurityGroupSet"
        ]
        newest = await call(
            context, "DescribeSecurityGroups", OrderField="CreatedTime", OrderDirection="DESC"
        )

        assert (found["SecurityGroupId"], found["SecurityGroupDesc"]) == (id_, "out")
        ids = [one["SecurityGroupId"] for one in newest["SecurityGroupSet"]]
        assert ids == [other, id_]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"SecurityGroupIds": ["sg-abcd1234"]}, "ResourceNotFound", id="absent"),
        pytest.param({"SecurityGroupIds": ["pods"]}, "InvalidParameterValue.Malformed", id="bad"),
        pytest.param({"OrderField": "Name"}, "InvalidParameterValue", id="order"),
        pytest.param({"OrderDirection": "UP"}, "InvalidParameterValue", id="direction"),
    ],
)
async def test_groups_that_cannot_be_shown_are_an_error(
    tmp_path: Path, asked: dict[str, Any], code: str
) -> None:
    """As Terraform expects of one that is gone."""
    async with open_context(tmp_path) as context:
        with refused(code):
            await call(context, "DescribeSecurityGroups", **asked)


async def test_a_region_has_fifty_groups(tmp_path: Path) -> None:
    """The cloud's default quota; requests at once do not get past it."""
    async with open_context(tmp_path) as context:
        answers = await asyncio.gather(
            *(group_of(context) for _ in range(52)), return_exceptions=True
        )

        assert [one.code for one in answers if isinstance(one, Refusal)] == ["LimitExceeded"] * 2
        assert len(context.resources.security_groups.list()) == 50


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=8))
def test_whatever_is_written_is_a_rule_or_refused(
    protocol: str, port: str, cidr: str, action: str
) -> None:
    """Never a crash, and a rule that is taken means something."""
    try:
        rule = rule_of(PolicyAsked(protocol=protocol, port=port, cidr_block=cidr, action=action))
    except Refusal as refusal:
        assert refusal.code
    else:
        assert rule.protocol in ("TCP", "UDP", "ICMP", "ALL")


@given(
    st.sampled_from(["TCP", "udp"]),
    st.integers(0, 65_535),
    st.integers(0, 65_535),
    st.integers(1, 2**32 - 1),
    st.integers(0, 32),
)
def test_every_range_of_ports_and_addresses_can_be_said(
    protocol: str, low: int, high: int, address: int, prefix: int
) -> None:
    """With host bits, which do not count."""
    first, last = sorted((low, high))
    dotted = ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
    rule = rule_of(
        PolicyAsked(
            protocol=protocol,
            port=f"{first}-{last}",
            cidr_block=f"{dotted}/{prefix}",
            action="DROP",
        )
    )

    assert (rule.protocol, rule.ports) == (protocol.upper(), f"{first}-{last}")
    assert rule.action is Verdict.DROP
