"""Whom security groups let by, as a trace has it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed
from tests.unit.network.models import elastic_ip
from tests.unit.network.traces import EIP, NEIGHBOUR, OTHER_EIP, POD, WHOLE, sent

from towline.network.address import RESOLVERS
from towline.network.model import NetworkModel
from towline.network.trace_hop import Place, Reach
from towline.network.trace_security import Protocol
from towline.network.trace_stop import Stop
from towline.resource.security_group import SecurityGroup, SecurityRule, Verdict


def group(
    number: int, *egress: SecurityRule, ingress: tuple[SecurityRule, ...] = ()
) -> SecurityGroup:
    """A security group."""
    return SecurityGroup(id=f"sg-{number}", name="", egress=egress, ingress=ingress, created_at="")


def rule(
    ports: str, cidr: str, action: Verdict = Verdict.ACCEPT, protocol: str = "TCP"
) -> SecurityRule:
    """One rule of a security group."""
    return SecurityRule(protocol=protocol, ports=ports, cidr=cidr, action=action)


def with_groups(*groups: SecurityGroup, ids: tuple[str, ...] = ()) -> NetworkModel:
    """The recipe with a pod that is in these groups, or in these of them."""
    named = ids or tuple(one.id for one in groups)
    return replace(
        WHOLE,
        interfaces=(changed(POD, security_group_ids=named), NEIGHBOUR),
        security_groups=groups,
    )


@pytest.mark.parametrize(
    ("model", "stop"),
    [
        pytest.param(with_groups(group(1)), Stop.EGRESS_REFUSED, id="no-rule"),
        pytest.param(with_groups(ids=("sg-9",)), Stop.EGRESS_REFUSED, id="no-such-group"),
        pytest.param(
            with_groups(group(1, rule("80", "0.0.0.0/0"))), Stop.EGRESS_REFUSED, id="another-port"
        ),
        pytest.param(with_groups(group(1, rule("443", "0.0.0.0/0"))), None, id="port-443"),
        pytest.param(with_groups(group(1, rule("400-500", "198.18.0.0/15"))), None, id="a-range"),
        pytest.param(with_groups(group(1, rule("80,443", "198.18.0.10/32"))), None, id="a-list"),
        pytest.param(
            with_groups(group(1, rule("ALL", "0.0.0.0/0", protocol="UDP"))),
            Stop.EGRESS_REFUSED,
            id="another-protocol",
        ),
        pytest.param(
            with_groups(
                group(1, rule("443", "198.18.0.0/16", Verdict.DROP)),
                group(2, rule("ALL", "0.0.0.0/0", protocol="ALL")),
            ),
            Stop.EGRESS_REFUSED,
            id="dropped-by-the-first-group",
        ),
        pytest.param(
            with_groups(
                group(1, rule("443", "198.18.0.0/16", Verdict.DROP)),
                group(2, rule("ALL", "0.0.0.0/0", protocol="ALL")),
                ids=("sg-2", "sg-1"),
            ),
            None,
            id="accepted-by-the-one-that-is-named-first",
        ),
    ],
)
def test_the_first_rule_that_fits_decides(model: NetworkModel, stop: Stop | None) -> None:
    """In the order in which the pod names its groups."""
    found = sent(model)

    assert found.stop is stop
    assert found.hops[1].place is Place.SECURITY_GROUP


def test_resolvers_may_always_be_asked() -> None:
    """By a pod whose groups let nothing out."""
    model = with_groups(group(1))

    assert sent(model, RESOLVERS[1], 53, Protocol.UDP).reach is Reach.ALWAYS
    assert sent(model, RESOLVERS[1], 443).stop is Stop.EGRESS_REFUSED


def test_pods_are_reached_by_their_own_addresses() -> None:
    """Their groups see the public address of who comes."""
    guarded = changed(NEIGHBOUR, security_group_ids=("sg-1",))
    model = replace(
        WHOLE,
        interfaces=(POD, guarded),
        elastic_ips=(elastic_ip(0, "nat-v0n0"), elastic_ip(1, guarded.id, guarded.private_ip)),
        security_groups=(group(1, ingress=(rule("8080", f"{EIP.address}/32"),)),),
    )
    found = sent(model, OTHER_EIP.address, 8080)

    assert (found.reach, found.hops[-1].destination) == (Reach.ALWAYS, NEIGHBOUR.private_ip)
    assert sent(model, NEIGHBOUR.private_ip, 8080).stop is Stop.INGRESS_REFUSED
