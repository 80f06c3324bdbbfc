"""Ways out of a VPC on the command line: piece by piece, and as one command that can be repeated."""

from __future__ import annotations

import pytest
from tests.cloud_commands import Run, parsed

from towline.cli.app import build, run
from towline.cli.command_table import CLIENT_COMMANDS
from towline.client.cloud import CloudRefused
from towline.problem import Problem


@pytest.fixture
def office(towline: Run) -> Run:
    """A registry, and a VPC with a subnet."""
    towline("instance create demo")
    towline("vpc create office 10.0.0.0/16")
    towline("subnet create pods 10.0.1.0/24")
    return towline


def test_a_way_out_is_made_piece_by_piece(office: Run) -> None:
    """Everything may be named as its user calls it."""
    eip = parsed(office("eip create out --bandwidth 20 -o json"))
    gateway = parsed(office("nat-gateway create out out -o json"))
    office("route-table create outward")
    office("route-table add-route outward 0.0.0.0/0 out")
    table = parsed(office("route-table associate outward pods -o json"))
    shown = parsed(office("route-table show outward -o json"))

    assert eip["bandwidth"] == 20
    assert gateway["state"] == "AVAILABLE"
    assert gateway["eips"] == [eip["address"]]
    assert table["routeCount"] == 1
    assert shown["routes"][0]["to"] == f"NAT {gateway['id']}"
    assert parsed(office("eip show out -o json"))["boundTo"] == gateway["id"]


def test_a_way_out_is_unmade_piece_by_piece(office: Run) -> None:
    """A gateway takes its routes along; its address stays."""
    office("eip create one")
    office("eip create two")
    office("nat-gateway create out one")
    bound = parsed(office("nat-gateway bind out two -o json"))
    unbound = parsed(office("nat-gateway unbind out one -o json"))
    office("route-table create outward")
    office("route-table add-route outward 0.0.0.0/0 out")
    office("route-table add-route outward 203.0.113.0/24 eip")
    office("route-table remove-route outward 203.0.113.0/24")
    office("nat-gateway delete out")

    assert len(bound["eips"]) == 2
    assert len(unbound["eips"]) == 1
    assert parsed(office("route-table show outward -o json"))["routes"] == []
    office("route-table delete outward")
    office("eip delete one")
    office("eip delete two")
    assert parsed(office("eip list -o json")) == []
    assert parsed(office("nat-gateway list -o json")) == []


def test_a_network_is_deleted_from_the_inside_out(office: Run) -> None:
    """What is not empty stays."""
    with pytest.raises(Problem, match="ResourceInUse"):
        office("vpc delete office")
    office("subnet delete pods")
    office("vpc delete office")

    assert parsed(office("subnet list -o json")) == []
    assert parsed(office("vpc list -o json")) == []


def test_a_registry_is_opened_for_some(office: Run) -> None:
    """An open endpoint without an allowlist lets nobody in."""
    opened = parsed(office("public-access open demo -o json"))
    office("public-access allow demo 198.19.0.0/24 --description egress")
    shown = parsed(office("public-access show demo -o json"))
    office("public-access deny demo 198.19.0.0/24")
    closed = parsed(office("public-access close demo -o json"))

    assert opened == {"instance": "demo", "status": "Opened", "allowed": []}
    assert shown["allowed"] == ["198.19.0.0/24"]
    assert closed["status"] == "Closed"


@pytest.mark.parametrize("change", ["allow", "deny"])
def test_who_may_come_is_said_only_of_an_open_registry(office: Run, change: str) -> None:
    """The remedy is to open it."""
    with pytest.raises(Problem) as problem:
        office(f"public-access {change} demo 198.19.0.10")

    assert problem.value.cause == "the public endpoint of demo is Closed"
    assert "`towline public-access open demo`" in problem.value.remedy


def test_what_the_cloud_refuses_of_an_open_registry_stays_as_it_is(office: Run) -> None:
    """Opening it again would not help."""
    office("public-access open demo")
    with pytest.raises(CloudRefused, match="neither an IPv4 address nor a CIDR"):
        office("public-access allow demo everybody")


def test_a_bandwidth_below_nothing_is_refused_by_the_command(
    office: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words that name the option, not the parameter of the API."""
    code = run(build(CLIENT_COMMANDS), ["eip", "create", "--bandwidth", "-3"])

    assert code == 2
    assert "Invalid value for '--bandwidth'" in capsys.readouterr().err
    assert parsed(office("eip list -o json")) == []


def test_egress_says_what_is_missing_and_makes_it(office: Run) -> None:
    """A dry run changes nothing; a second run has nothing to do."""
    said = office("egress create --subnet pods --allow demo --dry-run")
    before = parsed(office("eip list -o json"))
    made = parsed(office("egress create --subnet pods --allow demo -o json"))
    again = parsed(office("egress create --subnet pods --allow demo -o json"))

    assert said.splitlines()[0] == "would allocate an elastic IP"
    assert before == []
    assert len(made["steps"]) == 7
    assert again == {**made, "steps": []}
    assert parsed(office("public-access show demo -o json"))["allowed"] == [made["eip"]]


def test_egress_of_a_second_subnet_uses_what_the_first_has(office: Run) -> None:
    """One gateway serves the VPC; each subnet has its own table."""
    first = parsed(office("egress create --subnet pods -o json"))
    office("subnet create more 10.0.2.0/24")
    second = parsed(office("egress create --subnet more -o json"))

    assert second["natGateway"] == first["natGateway"]
    assert second["eip"] == first["eip"]
    assert not any("NAT gateway egress" in step for step in second["steps"])


def test_egress_is_taken_down_when_no_subnet_needs_it(office: Run) -> None:
    """The gateway stays for the other subnet; the last one takes everything along."""
    office("subnet create more 10.0.2.0/24")
    office("egress create --subnet pods --allow demo")
    office("egress create --subnet more")
    office("egress delete --subnet pods")
    left = parsed(office("nat-gateway list -o json"))
    office("egress delete --subnet more")

    assert len(left) == 1
    for noun in ("nat-gateway", "eip"):
        assert parsed(office(f"{noun} list -o json")) == []
    assert [one["main"] for one in parsed(office("route-table list -o json"))] == [True]
    assert parsed(office("public-access show demo -o json"))["allowed"] == []
    assert parsed(office("egress delete --subnet more -o json")) == {"steps": []}


def test_egress_undoes_its_steps_when_one_fails(office: Run) -> None:
    """The address was taken and the gateway made before the table's name was found to be too much."""
    for number in range(9):
        office(f"route-table create spare-{number}")
    with pytest.raises(Problem):
        office("egress create --subnet pods")

    assert parsed(office("eip list -o json")) == []
    assert parsed(office("nat-gateway list -o json")) == []


def test_egress_does_not_take_a_route_that_leads_elsewhere(office: Run) -> None:
    """It says which route is in the way."""
    office("route-table create other")
    office("route-table add-route other 0.0.0.0/0 10.0.1.9")
    office("route-table associate other pods")
    with pytest.raises(Problem) as problem:
        office("egress create --subnet pods")

    assert problem.value.code == "default-route-taken"
    assert "NORMAL_CVM 10.0.1.9" in problem.value.cause


def test_a_security_group_is_a_list_of_rules(office: Run) -> None:
    """The newest is asked first; the annotation that takes the group is shown."""
    made = office("security-group create pods")
    office("security-group add-rule pods egress accept:tcp:443")
    office("security-group add-rule pods egress drop:tcp:443:203.0.113.0/24")
    rules = parsed(office("security-group show pods -o json"))["rules"]
    left = parsed(office("security-group remove-rule pods egress 0 -o json"))
    office("security-group delete pods")

    assert "eks.tke.cloud.tencent.com/security-group-id: sg-" in made
    assert [(one["action"], one["cidr"]) for one in rules] == [
        ("DROP", "203.0.113.0/24"),
        ("ACCEPT", "0.0.0.0/0"),
    ]
    assert [one["action"] for one in left] == ["ACCEPT"]
    assert parsed(office("security-group list -o json")) == []


def test_a_private_zone_is_a_list_of_records(office: Run) -> None:
    """It is told by its domain."""
    made = parsed(office("private-zone create corp.internal --no-recursion -o json"))
    office("private-zone add-record corp.internal hub a 10.0.1.9")
    office("private-zone add-record corp.internal www cname hub.corp.internal")
    shown = parsed(office("private-zone show corp.internal -o json"))
    left = parsed(office("private-zone remove-record corp.internal hub A -o json"))
    office("private-zone delete corp.internal")

    assert made["recursion"] is False
    assert {(one["name"], one["type"], one["value"]) for one in shown} == {
        ("hub", "A", "10.0.1.9"),
        ("www", "CNAME", "hub.corp.internal"),
    }
    assert [one["name"] for one in left] == ["www"]
    assert parsed(office("private-zone list -o json")) == []
