"""A packet's way on the command line."""

from __future__ import annotations

import json

import pytest
import typer
from tests.cloud_commands import Run
from typer.testing import CliRunner

from towline.cli.trace import endpoint, trace_command
from towline.problem import Problem


def traced(*words: str) -> str:
    """Run `towline trace …` in this process; a problem comes out as itself."""
    app = typer.Typer()
    app.command()(trace_command)
    result = CliRunner().invoke(app, words)
    if isinstance(result.exception, Problem):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


@pytest.fixture
def subnet(towline: Run) -> str:
    """A subnet that is linked to a registry, whose name leads to the link."""
    towline("instance create demo")
    towline("vpc create office 10.0.0.0/16")
    made = json.loads(towline("subnet create pods 10.0.1.0/24 -o json"))
    towline("link create demo --resolve")
    return str(made["id"])


def test_a_trace_tells_the_name_the_hops_and_the_end(subnet: str) -> None:
    """By the link, which the private zone leads to."""
    text = traced(subnet, "demo.tencentcloudcr.com")
    lines = text.splitlines()

    assert "says the private zone tencentcloudcr.com" in lines[0]
    assert lines[2].split() == ["PLACE", "ID", "ACT", "BY", "FROM", "TO"]
    assert lines[-1] == "It arrives."


def test_a_trace_that_ends_early_says_why_and_what_to_do(subnet: str) -> None:
    """A pod that asks another server is led astray."""
    text = traced(subnet, "demo.tencentcloudcr.com:443", "--resolver", "198.18.0.53")

    assert "It does not arrive (i/o timeout): there is no NAT gateway" in text
    assert "(no-nat-gateway)" in text
    assert "\nRemedy: create a NAT gateway" in text


def test_a_trace_is_json_for_programs(subnet: str) -> None:
    """With everything in it."""
    found = json.loads(traced(subnet, "198.18.0.10:80", "--vpc", "office", "-o", "json"))

    assert (found["reach"], found["stop"]) == ("never", "no-nat-gateway")
    assert (found["resolution"], found["subnet"]) == (None, subnet)
    assert [hop["place"] for hop in found["hops"]] == ["subnet", "route-table"]


def test_a_name_without_an_address_is_said_to_be_one(subnet: str) -> None:
    """There is no hop to show."""
    text = traced(subnet, "registry.example")

    assert text.startswith("registry.example is in no zone here")
    assert "(no such host)" in text


def test_who_is_not_there_is_a_problem(subnet: str) -> None:
    """As the cloud says it."""
    del subnet
    with pytest.raises(Problem, match="There is no pod and no subnet"):
        traced("default/nobody", "198.18.0.10")


@pytest.mark.parametrize("text", ["", ":443", "host:", "host:https", "host:1:2", "host/udp"])
def test_what_is_no_host_with_a_port_is_a_problem(text: str) -> None:
    """Not a guess."""
    with pytest.raises(Problem) as problem:
        endpoint(text)

    assert problem.value.code == "endpoint-malformed"


def test_the_port_is_that_of_a_registry_unless_it_is_said() -> None:
    """As with image references."""
    assert endpoint("demo.example") == ("demo.example", 443, "tcp")
    assert endpoint("10.16.0.5:5000") == ("10.16.0.5", 5000, "tcp")
    assert endpoint("10.0.0.9:53/udp") == ("10.0.0.9", 53, "udp")
