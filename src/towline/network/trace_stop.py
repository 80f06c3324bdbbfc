"""What can stop a packet: the closed set of reasons, and what each means and wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stop(StrEnum):
    """The rule or the omission that a packet founders on."""

    EGRESS_REFUSED = "egress-refused"
    INGRESS_REFUSED = "ingress-refused"
    NOBODY_THERE = "nobody-there"
    ONLY_BY_UPLINK = "only-by-uplink"
    PORT_NOT_SERVED = "port-not-served"
    NO_NAT_GATEWAY = "no-nat-gateway"
    NAT_WITHOUT_ADDRESS = "nat-without-address"
    NO_ROUTE = "no-route"
    ROUTE_DISABLED = "route-disabled"
    TABLE_NOT_ASSOCIATED = "table-not-associated"
    NO_ADDRESS_OF_ITS_OWN = "no-address-of-its-own"
    NEXT_HOP_MISSING = "next-hop-missing"
    ROUTE_LEADS_BACK = "route-leads-back"
    NAT_IS_NO_WAY_IN = "nat-is-no-way-in"
    ENDPOINT_CLOSED = "endpoint-closed"
    ALLOWLIST_EMPTY = "allowlist-empty"
    NOT_ON_ALLOWLIST = "not-on-allowlist"
    ADDRESS_CHANGED = "address-changed"
    PORT_NOT_PUBLIC = "port-not-public"


REFUSING = frozenset({Stop.PORT_NOT_SERVED})
"""Where the sender is told so. Everywhere else nothing comes back: a dial times out."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reason in words."""

    cause: str
    remedy: str


EXPLANATIONS: Mapping[Stop, Explanation] = {
    Stop.EGRESS_REFUSED: Explanation(
        "the pod's security groups do not let the connection out",
        "add an egress rule that accepts the protocol, the port and the destination, before any "
        "rule that drops them",
    ),
    Stop.INGRESS_REFUSED: Explanation(
        "the security groups at the other side do not let the connection in",
        "add an ingress rule that accepts the protocol, the port and the sender's address",
    ),
    Stop.NOBODY_THERE: Explanation(
        "nobody has this address", "see which address the name should have, and who has it"
    ),
    Stop.ONLY_BY_UPLINK: Explanation(
        "the address is beyond 198.18.0.0/15, which stands for the internet here: only the host's "
        "own network leads there, and only where the agent has been given an uplink",
        "start the installation with an uplink, or use an address of the data centre (10.16.0.0/16)",
    ),
    Stop.PORT_NOT_SERVED: Explanation(
        "the address is there, but nothing listens at the port",
        "use port 443 for a registry, and 53 for a resolver",
    ),
    Stop.NO_NAT_GATEWAY: Explanation(
        "there is no NAT gateway that would lead out of the VPC",
        "create a NAT gateway with an elastic IP, and a route 0.0.0.0/0 to it in the subnet's table",
    ),
    Stop.NAT_WITHOUT_ADDRESS: Explanation(
        "the NAT gateway has no elastic IP, so nothing leaves by it",
        "associate an elastic IP with the gateway",
    ),
    Stop.NO_ROUTE: Explanation(
        "the subnet's route table has no route for the destination",
        "add a route, such as 0.0.0.0/0, to the NAT gateway",
    ),
    Stop.ROUTE_DISABLED: Explanation(
        "the route for the destination is switched off", "enable the route"
    ),
    Stop.TABLE_NOT_ASSOCIATED: Explanation(
        "another table of the VPC has the route, but the pod's subnet does not go by that table",
        "associate the subnet with the table that has the route",
    ),
    Stop.NO_ADDRESS_OF_ITS_OWN: Explanation(
        "the route leads to the pod's own elastic IP, and the pod has none",
        "bind an elastic IP to the pod, or route to a NAT gateway",
    ),
    Stop.NEXT_HOP_MISSING: Explanation(
        "the route leads to a machine of the VPC that is not there",
        "change the route, or attach the machine",
    ),
    Stop.ROUTE_LEADS_BACK: Explanation(
        "the route leads back to the pod that sends",
        "route to another machine, or to a NAT gateway",
    ),
    Stop.NAT_IS_NO_WAY_IN: Explanation(
        "the address is a NAT gateway's: connections leave by it, and none comes in",
        "bind an elastic IP to the pod that is to be reached",
    ),
    Stop.ENDPOINT_CLOSED: Explanation(
        "the registry's public endpoint is closed",
        "open it, and put the elastic IP on its allowlist; or use a private link",
    ),
    Stop.ALLOWLIST_EMPTY: Explanation(
        "the allowlist of the registry's public endpoint is empty, which admits nobody",
        "put the elastic IP on it",
    ),
    Stop.NOT_ON_ALLOWLIST: Explanation(
        "the allowlist of the registry's public endpoint does not have the sender's public address",
        "put the address with which the packet arrives there on it",
    ),
    Stop.ADDRESS_CHANGED: Explanation(
        "the allowlist has an address that the NAT gateway had once and has no more",
        "replace the entry by the gateway's address of today",
    ),
    Stop.PORT_NOT_PUBLIC: Explanation(
        "a public endpoint answers TCP at port 443 and nothing else", "use port 443"
    ),
}
