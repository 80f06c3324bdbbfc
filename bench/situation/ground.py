"""What situations are made on: a registry, and either of the two ways to it, whole."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from demo.installation import until
from demo.story import DOMAIN, REGISTRY, Story
from demo.tencent import Account, Answer, Sdk

ANYWHERE = "0.0.0.0/0"
BARE, KEYED = "mend-bare", "mend-keyed"
"""Namespaces: without a credential, and with one that was released into it."""


@dataclass(slots=True)
class Ground:
    """`private` and `public` make one way whole and take the other away."""

    story: Story
    image: str
    sdk: Sdk
    registry: str
    vpc: str
    subnet: str
    main: str
    """The VPC's main route table."""
    kept: frozenset[str]
    """The accounts of the registry that are no situation's."""
    table: str = ""
    gateway: str = ""
    address: Answer = field(default_factory=dict)
    """The elastic IP of the gateway."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, story: Story, image: str) -> Ground:
        """Look at what there is."""
        sdk = Sdk(Account.of(story.installation.data), story.teller)
        subnet = sdk("vpc", "DescribeSubnets")["SubnetSet"][0]
        tables = sdk("vpc", "DescribeRouteTables")["RouteTableSet"]
        main = next(one for one in tables if one["Main"] and one["VpcId"] == subnet["VpcId"])
        where = subnet["VpcId"], subnet["SubnetId"], main["RouteTableId"]
        registry = story.installation.instance(REGISTRY)["id"]
        accounts = sdk("tcr", "DescribeServiceAccounts", RegistryId=registry)["ServiceAccounts"]
        kept = frozenset(one["Name"] for one in accounts or ())
        return cls(story, image, sdk, registry, *where, kept)

    def vpc_call(self, action: str, **asked: Any) -> Answer:
        """A call of the network product."""
        return self.sdk("vpc", action, **asked)

    def registry_call(self, action: str, **asked: Any) -> Answer:
        """A call about the registry."""
        return self.sdk("tcr", action, RegistryId=self.registry, **asked)

    def name(self, kind: str) -> str:
        """A name that nothing has yet."""
        return f"{kind}-{next(self._numbers)}"

    def private(self) -> None:
        """A link whose name resolves, and no way out."""
        self._without_egress()
        if not self._links():
            self.story.towline("link", "create", REGISTRY, "--resolve")
        self.story.towline("link", "resolve", "on", REGISTRY)

    def public(self) -> None:
        """Endpoint, elastic IP, NAT gateway, table, route, allowlist; and no link."""
        self.without_link()
        self._without_egress()
        self.address = self.allocate()
        address, name = self.address["AddressIp"], self.name("out")
        made = self.vpc_call(
            "CreateNatGateway", NatGatewayName=name, VpcId=self.vpc, PublicIpAddresses=[address]
        )
        self.gateway = made["NatGatewaySet"][0]["NatGatewayId"]
        self.settle()
        table = self.vpc_call("CreateRouteTable", VpcId=self.vpc, RouteTableName=name)
        self.table = table["RouteTable"]["RouteTableId"]
        route = {
            "DestinationCidrBlock": ANYWHERE,
            "GatewayType": "NAT",
            "GatewayId": self.gateway,
        }
        self.vpc_call("CreateRoutes", RouteTableId=self.table, Routes=[route])
        self.associate(self.table)
        self.story.towline("public-access", "open", REGISTRY)
        self.allow(address)

    def without_accounts(self) -> None:
        """Delete those of earlier situations: a registry may have only so many."""
        for one in self.registry_call("DescribeServiceAccounts")["ServiceAccounts"] or ():
            if one["Name"] not in self.kept:
                self.registry_call("DeleteServiceAccount", Name=one["Name"])

    def without_link(self) -> None:
        """Take the link away, and those of its names that resolve before it."""
        if self._links():
            for domain in ((), ("--vpc-domain",)):
                self.story.installation.towline("link", "resolve", "off", REGISTRY, *domain)
            self.story.towline("link", "delete", REGISTRY)
            until("end of the link", lambda: not self._links())

    def allocate(self) -> Answer:
        """One more elastic IP."""
        made = self.vpc_call("AllocateAddresses", AddressCount=1)["AddressSet"]
        found: Answer = self.vpc_call("DescribeAddresses", AddressIds=made)["AddressSet"][0]
        return found

    def settle(self) -> None:
        """Wait for the gateway."""
        until("available gateway", lambda: self._gateway_state() == "AVAILABLE")

    def associate(self, table: str) -> None:
        """Let the pods' subnet go by a table."""
        self.vpc_call("ReplaceRouteTableAssociation", RouteTableId=table, SubnetId=self.subnet)

    def allow(self, cidr: str) -> None:
        """An entry of the allowlist."""
        self.registry_call("CreateSecurityPolicy", CidrBlock=cidr, Description="bench")

    def deny(self, cidr: str) -> None:
        """Take it off."""
        self.registry_call("DeleteSecurityPolicy", CidrBlock=cidr)

    def is_open(self) -> bool:
        """Whether there is a public endpoint."""
        return bool(self.registry_call("DescribeExternalEndpointStatus")["Status"] != "Closed")

    def route_ids(self) -> list[int]:
        """The routes of our own table."""
        (table,) = self.vpc_call("DescribeRouteTables", RouteTableIds=[self.table])["RouteTableSet"]
        return [one["RouteId"] for one in table["RouteSet"]]

    def remove_gateway(self) -> None:
        """Delete the NAT gateway; the routes to it go with it."""
        self.vpc_call("DeleteNatGateway", NatGatewayId=self.gateway)
        until("end of the NAT gateway", lambda: not self._gateways())

    def swap_address(self) -> str:
        """Give the gateway another elastic IP."""
        other = self.allocate()["AddressIp"]
        for action, address in (("Associate", other), ("Disassociate", self.address["AddressIp"])):
            self.vpc_call(
                f"{action}NatGatewayAddress", NatGatewayId=self.gateway, PublicIpAddresses=[address]
            )
            self.settle()
        return str(other)

    def account(self, namespace: str) -> Answer:
        """A new account that pulls from one namespace of the registry; with its password."""
        made = self.story.installation.towline(
            *("credential", "create", REGISTRY, "--namespace", namespace, "--right", "pull"),
            *("-o", "json"),
        )
        found: Answer = json.loads(made.succeeded().out)
        return found

    def secret(self, username: str, password: str, server: str = DOMAIN) -> str:
        """A pull Secret among the workloads without a credential."""
        name = self.name("secret")
        login = (f"--docker-username={username}", f"--docker-password={password}")
        create = ("create", "secret", "docker-registry", name, f"--docker-server={server}")
        self.story.kubectl("-n", BARE, *create, *login)
        return name

    def _links(self) -> list[Answer]:
        return list(self.registry_call("DescribeInternalEndpoints")["AccessVpcSet"] or ())

    def _gateways(self) -> list[Answer]:
        return list(self.vpc_call("DescribeNatGateways")["NatGatewaySet"])

    def _gateway_state(self) -> str:
        here = [one for one in self._gateways() if one["NatGatewayId"] == self.gateway]
        return str(here[0]["State"]) if here else ""

    def _without_egress(self) -> None:
        """Take down whatever is left of a way out, whoever made it."""
        self.associate(self.main)
        if self.is_open():
            self.story.towline("public-access", "close", REGISTRY)
        for gateway in self._gateways():
            self.vpc_call("DeleteNatGateway", NatGatewayId=gateway["NatGatewayId"])
        until("end of the NAT gateways", lambda: not self._gateways())
        for table in self.vpc_call("DescribeRouteTables")["RouteTableSet"]:
            if not table["Main"]:
                self.vpc_call("DeleteRouteTable", RouteTableId=table["RouteTableId"])
        for address in self.vpc_call("DescribeAddresses")["AddressSet"]:
            self.vpc_call("ReleaseAddresses", AddressIds=[address["AddressId"]])
