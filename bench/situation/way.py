"""Every single omission of the two network recipes: the private link, and the way by the internet."""

from __future__ import annotations

from bench.situation.ground import KEYED, Ground
from bench.situation.situation import Broken, Situation
from demo.outside import PLAIN
from demo.story import DOMAIN, REGISTRY

RESOLV_CONF = "eks.tke.cloud.tencent.com/resolv-conf"
GROUP = "eks.tke.cloud.tencent.com/security-group-id"


def _broken(ground: Ground, *names: str) -> Broken:
    return Broken(image=ground.image, namespace=KEYED, names=names)


def _no_link(ground: Ground) -> Broken:
    ground.without_link()
    return _broken(ground, ground.vpc, ground.subnet, REGISTRY)


def _no_name(ground: Ground) -> Broken:
    ground.story.towline("link", "resolve", "off", REGISTRY)
    return _broken(ground, ground.vpc, DOMAIN, REGISTRY)


def _no_vpc_name(ground: Ground) -> Broken:
    name = DOMAIN.replace(REGISTRY, f"{REGISTRY}-vpc", 1)
    image = ground.image.replace(DOMAIN, name, 1)
    return Broken(image=image, namespace=KEYED, names=(ground.vpc, name, "--vpc-domain"))


def _resolver(ground: Ground) -> Broken:
    own = {RESOLV_CONF: f"nameserver {PLAIN.partition(':')[0]}"}
    names = (RESOLV_CONF, "deployment/")
    return Broken(image=ground.image, namespace=KEYED, names=names, annotations=own)


def _group(ground: Ground) -> Broken:
    made = ground.vpc_call(
        "CreateSecurityGroup", GroupName=ground.name("shut"), GroupDescription="bench"
    )
    group = made["SecurityGroup"]["SecurityGroupId"]
    return Broken(image=ground.image, namespace=KEYED, names=(group,), annotations={GROUP: group})


def _endpoint_closed(ground: Ground) -> Broken:
    ground.story.towline("public-access", "close", REGISTRY)
    return _broken(ground, f"public-access open {REGISTRY}", ground.address["AddressIp"])


def _allowlist_empty(ground: Ground) -> Broken:
    ground.deny(ground.address["AddressIp"])
    return _broken(ground, f"public-access allow {REGISTRY} {ground.address['AddressIp']}")


def _wrong_cidr(ground: Ground) -> Broken:
    ground.deny(ground.address["AddressIp"])
    ground.allow("198.51.100.0/24")
    return _broken(ground, f"public-access allow {REGISTRY} {ground.address['AddressIp']}")


def _no_gateway(ground: Ground) -> Broken:
    ground.remove_gateway()
    return _broken(ground, ground.subnet, f"egress create --subnet {ground.subnet}")


def _no_address(ground: Ground) -> Broken:
    address = [ground.address["AddressIp"]]
    ground.vpc_call(
        "DisassociateNatGatewayAddress", NatGatewayId=ground.gateway, PublicIpAddresses=address
    )
    ground.settle()
    return _broken(ground, ground.gateway)


def _no_route(ground: Ground) -> Broken:
    routes = [{"RouteId": one} for one in ground.route_ids()]
    ground.vpc_call("DeleteRoutes", RouteTableId=ground.table, Routes=routes)
    return _broken(ground, ground.table, ground.gateway)


def _route_disabled(ground: Ground) -> Broken:
    ground.vpc_call("DisableRoutes", RouteTableId=ground.table, RouteIds=ground.route_ids())
    return _broken(ground, ground.table)


def _not_associated(ground: Ground) -> Broken:
    ground.associate(ground.main)
    return _broken(ground, ground.main, ground.subnet)


def _address_changed(ground: Ground) -> Broken:
    before = ground.address["AddressIp"]
    after = ground.swap_address()
    return _broken(ground, before, f"public-access allow {REGISTRY} {after}")


PUBLIC = "net.timeout.public-ip"
SITUATIONS = (
    Situation(name="no link", code=PUBLIC, make=_no_link),
    Situation(name="link without a name", code=PUBLIC, make=_no_name),
    Situation(name="no name for the -vpc domain", code="dns.", make=_no_vpc_name),
    Situation(name="resolv-conf overridden", code="dns.", make=_resolver),
    Situation(name="security group, link", code="net.", make=_group),
    Situation(name="endpoint closed", code=PUBLIC, make=_endpoint_closed, public=True),
    Situation(name="allowlist empty", code=PUBLIC, make=_allowlist_empty, public=True),
    Situation(name="allowlist: wrong CIDR", code=PUBLIC, make=_wrong_cidr, public=True),
    Situation(name="no NAT gateway", code=PUBLIC, make=_no_gateway, public=True),
    Situation(name="NAT without elastic IP", code=PUBLIC, make=_no_address, public=True),
    Situation(name="no route", code=PUBLIC, make=_no_route, public=True),
    Situation(name="route disabled", code=PUBLIC, make=_route_disabled, public=True),
    Situation(name="table not associated", code=PUBLIC, make=_not_associated, public=True),
    Situation(name="elastic IP changed", code=PUBLIC, make=_address_changed, public=True),
    Situation(name="security group, internet", code="net.", make=_group, public=True),
)
