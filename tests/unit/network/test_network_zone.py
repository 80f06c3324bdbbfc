"""What names mean inside a VPC."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.network.zone import Finding, zone_of
from towline.resource.instance import Instance
from towline.resource.link import Link, LinkStatus

PUBLIC, PRIVATE = "198.18.0.10", "172.16.0.2"
NAME, VPC_NAME = "demo.tencentcloudcr.com", "demo-vpc.tencentcloudcr.com"
DEMO = Instance(
    id="tcr-1", name="demo", edition="basic", domain=NAME, public_address=PUBLIC, created_at=""
)
LINK = Link(
    instance_id="tcr-1",
    vpc_id="vpc-1",
    subnet_id="subnet-1",
    status=LinkStatus.RUNNING,
    access_ip=PRIVATE,
    created_at="",
)


def address(name: str, *links: Link, vpc: str = "vpc-1") -> str | None:
    """What a name means in a VPC with these links."""
    return zone_of(vpc, [DEMO], links).find(name)[1]


@pytest.mark.parametrize(
    ("changes", "default", "vpc"),
    [
        pytest.param({}, PUBLIC, None, id="resolution-off"),
        pytest.param({"resolve_default_domain": True}, PRIVATE, None, id="default-domain-on"),
        pytest.param({"resolve_vpc_domain": True}, PUBLIC, PRIVATE, id="vpc-domain-on"),
        pytest.param(
            {"resolve_default_domain": True, "access_ip": ""}, PUBLIC, None, id="no-address-yet"
        ),
        pytest.param(
            {"resolve_default_domain": True, "status": LinkStatus.DELETING},
            PUBLIC,
            None,
            id="going-away",
        ),
        pytest.param(
            {"resolve_default_domain": True, "vpc_id": "vpc-2"}, PUBLIC, None, id="another-vpc"
        ),
    ],
)
def test_a_name_is_private_only_where_a_link_says_so(
    changes: dict[str, object], default: str | None, vpc: str | None
) -> None:
    """Otherwise the public address is the answer, and the VPC name does not exist."""
    link = msgspec.structs.replace(LINK, **changes)

    assert address(NAME, link) == default
    assert address(VPC_NAME, link) == vpc


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        pytest.param(NAME.upper() + ".", Finding.ADDRESS, id="case-and-last-dot"),
        pytest.param("tencentcloudcr.com", Finding.NO_DATA, id="above-a-name"),
        pytest.param("com.", Finding.NO_DATA, id="far-above-a-name"),
        pytest.param(".", Finding.NO_DATA, id="root"),
        pytest.param(f"www.{NAME}", Finding.NO_SUCH_NAME, id="below-a-name"),
        pytest.param(VPC_NAME, Finding.NO_SUCH_NAME, id="vpc-name-without-link"),
        pytest.param("xdemo.tencentcloudcr.com", Finding.NO_SUCH_NAME, id="another-name"),
        pytest.param("example.org", Finding.NO_SUCH_NAME, id="outside"),
    ],
)
def test_names_that_do_not_exist_are_told_from_those_without_an_address(
    name: str, finding: Finding
) -> None:
    """A name above an existing one exists (RFC 8020)."""
    assert zone_of("vpc-1", [DEMO], []).find(name)[0] is finding


@given(name=st.text(max_size=60))
def test_any_text_may_be_asked(name: str) -> None:
    """A resolver meets everything."""
    finding, found = zone_of("vpc-1", [DEMO], [LINK]).find(name)

    assert (finding is Finding.ADDRESS) == (found is not None)
