"""Public network access, carried out with tccli, and every way of leaving one part of it out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from demo.installation import until
from demo.story import DOMAIN, REGISTRY, Story, expect
from demo.tencent import Account, Answer, Tccli
from demo.workload import namespace

TITLE = "Public access by tccli: endpoint, NAT gateway, route, allowlist, and each left out"
NAMESPACE = "public"
EVERYWHERE = "0.0.0.0/0"


def tell(story: Story) -> None:
    """Everything is needed: whatever is missing, the dial times out."""
    image = story.push("team/public:1", "from the internet")
    story.link()
    story.towline("link", "resolve", "off", REGISTRY)
    story.apply("default", namespace(NAMESPACE, release=REGISTRY))
    out = WayOut.begin(story, image)
    try:
        _build(out)
        _leave_out(out)
    finally:
        out.remove()
        story.towline("link", "resolve", "on", REGISTRY)


@dataclass(slots=True)
class WayOut:
    """What the way out is made of, and the pods that try it."""

    story: Story
    tccli: Tccli
    image: str
    registry: str
    public: str
    subnet: Answer
    main: str
    """The VPC's main route table."""
    table: str = ""
    gateway: str = ""
    addresses: tuple[Answer, ...] = ()
    _tries: int = 0

    @classmethod
    def begin(cls, story: Story, image: str) -> WayOut:
        """Look at what there is."""
        tccli = Tccli(Account.of(story.installation.data), story.folder, story.teller)
        shown = story.installation.instance(REGISTRY)
        subnet = tccli("vpc", "DescribeSubnets")["SubnetSet"][0]
        tables = tccli("vpc", "DescribeRouteTables")["RouteTableSet"]
        main = next(
            one["RouteTableId"] for one in tables if one["Main"] and one["VpcId"] == subnet["VpcId"]
        )
        return cls(story, tccli, image, shown["id"], shown["publicAddress"], subnet, main)

    def vpc(self, action: str, **asked: Any) -> Answer:
        """A call of the network product."""
        return self.tccli("vpc", action, **asked)

    def tcr(self, action: str, **asked: Any) -> Answer:
        """A call about the registry."""
        return self.tccli("tcr", action, RegistryId=self.registry, **asked)

    def times_out(self, why: str, stop: str) -> None:
        """A new pod must fail to dial the public address, and the trace must name what is missing."""
        self.story.tell(f"{why}: the dial times out.")
        name = self._pod()
        self.story.fails(NAMESPACE, name, f"dial tcp {self.public}:443: i/o timeout")
        traced = self.story.towline("trace", f"{NAMESPACE}/{name}", DOMAIN, "-o", "json").out
        expect(json.loads(traced)["stop"], stop, "what stops the packet")
        self.story.remove_pod(NAMESPACE, name)

    def runs(self, why: str) -> None:
        """A new pod must run."""
        self.story.tell(f"{why}: it runs.")
        name = self._pod()
        self.story.runs(NAMESPACE, name)
        self.story.remove_pod(NAMESPACE, name)

    def _pod(self) -> str:
        self._tries += 1
        name = f"try-{self._tries}"
        self.story.run_pod(NAMESPACE, name, self.image)
        return name

    def allocate(self) -> Answer:
        """One more elastic IP."""
        made = self.vpc("AllocateAddresses", AddressCount=1)
        found: Answer = self.vpc("DescribeAddresses", AddressIds=made["AddressSet"])["AddressSet"][
            0
        ]
        self.addresses = (*self.addresses, found)
        return found

    def settle(self) -> None:
        """Wait for the gateway."""
        self.tccli.poll(
            "vpc",
            "DescribeNatGateways",
            lambda answer: answer["NatGatewaySet"][0]["State"] == "AVAILABLE",
            NatGatewayIds=[self.gateway],
        )

    def route(self) -> None:
        """The table's default route."""
        route = {
            "DestinationCidrBlock": EVERYWHERE,
            "GatewayType": "NAT",
            "GatewayId": self.gateway,
        }
        self.vpc("CreateRoutes", RouteTableId=self.table, Routes=[route])

    def associate(self, table: str) -> None:
        """Let the pods' subnet go by a table."""
        self.vpc(
            "ReplaceRouteTableAssociation", RouteTableId=table, SubnetId=self.subnet["SubnetId"]
        )

    def manage(self, operation: str, reached: str) -> None:
        """Open or close the endpoint."""
        self.tcr("ManageExternalEndpoint", Operation=operation)
        self.tccli.poll(
            "tcr",
            "DescribeExternalEndpointStatus",
            lambda answer: answer["Status"] == reached,
            RegistryId=self.registry,
        )

    def allow(self, cidr: str) -> None:
        """An entry of the allowlist."""
        self.tcr("CreateSecurityPolicy", CidrBlock=cidr, Description="egress")

    def deny(self, cidr: str) -> None:
        """Take it off."""
        self.tcr("DeleteSecurityPolicy", CidrBlock=cidr)

    def remove(self) -> None:
        """Take down whatever was made."""
        if self.table:
            self.associate(self.main)
        if self.gateway:
            self.vpc("DeleteNatGateway", NatGatewayId=self.gateway)
            until("end of the NAT gateway", lambda: not self._gateways())
        if self.table:
            self.vpc("DeleteRouteTable", RouteTableId=self.table)
        for address in self.addresses:
            self.vpc("ReleaseAddresses", AddressIds=[address["AddressId"]])

    def _gateways(self) -> int:
        found = self.vpc("DescribeNatGateways")["NatGatewaySet"]
        return sum(one["NatGatewayId"] == self.gateway for one in found)


def _build(out: WayOut) -> None:
    """Solution 2 of the documentation, in its order; the allowlist comes last."""
    vpc = out.subnet["VpcId"]
    out.times_out("Nothing is there", "no-nat-gateway")
    out.manage("Create", "Opened")
    out.times_out("The endpoint is open, but there is no NAT gateway", "no-nat-gateway")
    address = out.allocate()["AddressIp"]
    made = out.vpc("CreateNatGateway", NatGatewayName="out", VpcId=vpc, PublicIpAddresses=[address])
    out.gateway = made["NatGatewaySet"][0]["NatGatewayId"]
    out.settle()
    out.table = out.vpc("CreateRouteTable", VpcId=vpc, RouteTableName="outward")["RouteTable"][
        "RouteTableId"
    ]
    out.associate(out.table)
    out.times_out("There is a NAT gateway, but no route to it", "no-route")
    out.route()
    out.times_out("There is a route, but the allowlist is empty", "allowlist-empty")
    out.allow("198.51.100.0/24")
    out.times_out("The allowlist names others", "not-on-allowlist")
    out.deny("198.51.100.0/24")
    out.allow(address)
    out.runs("The allowlist names the gateway's elastic IP")


def _leave_out(out: WayOut) -> None:
    """One part is taken away, seen to be missed, and given back."""
    first = out.addresses[0]["AddressIp"]
    out.associate(out.main)
    out.times_out("The subnet goes by another route table", "table-not-associated")
    out.associate(out.table)

    out.vpc("DisassociateNatGatewayAddress", NatGatewayId=out.gateway, PublicIpAddresses=[first])
    out.settle()
    out.times_out("The NAT gateway has no elastic IP", "nat-without-address")

    second = out.allocate()["AddressIp"]
    out.vpc("AssociateNatGatewayAddress", NatGatewayId=out.gateway, PublicIpAddresses=[second])
    out.settle()
    out.times_out("It has another one than the allowlist names", "address-changed")
    out.deny(first)
    out.allow(EVERYWHERE)
    out.runs("The allowlist names everybody")

    out.manage("Delete", "Closed")
    out.times_out("The endpoint is closed", "endpoint-closed")
