"""Random networks, small and full of what belongs together and what does not."""

from __future__ import annotations

from hypothesis import strategies as st

from towline.network.model import NetworkModel
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.instance import Instance
from towline.resource.link import Link, LinkStatus
from towline.resource.nat_gateway import NatGateway, NatState
from towline.resource.network_interface import NetworkInterface
from towline.resource.public_endpoint import AccessRule, EndpointStatus, PublicEndpoint
from towline.resource.route_table import GatewayType, Route, RouteTable
from towline.resource.vpc import Subnet, Vpc

_DESTINATIONS = ["0.0.0.0/0", "198.18.0.0/16", "198.18.0.10/32", "198.19.0.0/16"]
_ALLOWED = ["0.0.0.0/0", "198.19.0.0/16", "198.19.0.10/32", "198.19.0.11/32", "203.0.113.0/24"]


def vpc(number: int) -> Vpc:
    """All VPCs have the same range."""
    return Vpc(id=f"vpc-{number}", name="", cidr="10.0.0.0/16", created_at="")


def subnet(vpc_number: int, number: int, table: str = "") -> Subnet:
    """One of a few subnets; the third is as large as its VPC would be alone."""
    return Subnet(
        id=f"subnet-v{vpc_number}n{number}",
        vpc_id=f"vpc-{vpc_number}",
        name="",
        cidr=f"10.0.{number}.0/24",
        zone="",
        created_at="",
        route_table_id=table,
    )


def interface(of: Subnet, number: int) -> NetworkInterface:
    """A pod's interface in a subnet."""
    return NetworkInterface(
        id=f"eni-{of.id.removeprefix('subnet-')}p{number}",
        vpc_id=of.vpc_id,
        subnet_id=of.id,
        private_ip=of.cidr.replace("0/24", str(20 + number)),
        pod_uid=f"{of.id}-{number}",
        created_at="",
    )


def nat_gateway(
    vpc_number: int, number: int, *addresses: int, state: NatState = NatState.AVAILABLE
) -> NatGateway:
    """A NAT gateway with some of the elastic IPs."""
    return NatGateway(
        id=f"nat-v{vpc_number}n{number}",
        vpc_id=f"vpc-{vpc_number}",
        name="",
        state=state,
        elastic_ip_ids=tuple(f"eip-{each}" for each in addresses),
        created_at="",
    )


def elastic_ip(number: int, bound_to: str = "", private_ip: str = "") -> ElasticIp:
    """One of the elastic IPs, bound or not."""
    return ElasticIp(
        id=f"eip-{number}",
        address=f"198.19.0.{10 + number}",
        status=ElasticIpStatus.BIND if bound_to else ElasticIpStatus.UNBIND,
        bound_to=bound_to,
        private_ip=private_ip,
        created_at="",
    )


def route_table(vpc_number: int, number: int, *routes: Route) -> RouteTable:
    """A table of a VPC; the first is its main one."""
    return RouteTable(
        id=f"rtb-v{vpc_number}n{number}",
        vpc_id=f"vpc-{vpc_number}",
        name="",
        main=number == 0,
        routes=routes,
        created_at="",
    )


def route(destination: str, kind: GatewayType, gateway_id: str) -> Route:
    """One enabled route."""
    return Route(
        id=1, destination=destination, gateway_type=kind, gateway_id=gateway_id, created_at=""
    )


INSTANCE = Instance(
    id="tcr-1",
    name="demo",
    edition="basic",
    domain="demo.tencentcloudcr.com",
    public_address="198.18.0.10",
    created_at="",
)


@st.composite
def routes(draw: st.DrawFn, vpc_number: int) -> tuple[Route, ...]:
    """Routes of a table, also to gateways that are not there."""
    made = list[Route]()
    for destination in sorted(draw(st.sets(st.sampled_from(_DESTINATIONS), max_size=3))):
        kind = draw(st.sampled_from(GatewayType))
        gateway_id = {
            GatewayType.NAT: f"nat-v{vpc_number}n{draw(st.integers(0, 1))}",
            GatewayType.EIP: "0",
            GatewayType.NORMAL_CVM: f"10.0.{draw(st.integers(0, 3))}.20",
        }[kind]
        made.append(
            Route(
                id=len(made),
                destination=destination,
                gateway_type=kind,
                gateway_id=gateway_id,
                enabled=draw(st.integers(0, 4)) > 0,
                created_at="",
            )
        )
    return tuple(made)


@st.composite
def networks(draw: st.DrawFn) -> NetworkModel:
    """Some VPCs with some of everything."""
    numbers = sorted(draw(st.sets(st.integers(0, 2))))
    places = [(number, each) for number in numbers for each in range(3)]
    chosen = sorted(draw(st.sets(st.sampled_from(places)))) if places else []
    tables = [
        route_table(number, each, *draw(routes(number))) for number in numbers for each in range(2)
    ]
    subnets = [
        subnet(*place, draw(st.sampled_from(["", f"rtb-v{place[0]}n1", "rtb-gone"])))
        for place in chosen
    ]
    interfaces = [interface(each, 0) for each in subnets]
    nats = [nat_gateway(*place) for place in places if place[1] < 2 and draw(st.booleans())]
    owners = [*(nat.id for nat in nats), *(each.id for each in interfaces), "", "eni-gone"]
    bound = [elastic_ip(number, draw(st.sampled_from(owners))) for number in range(4)]
    linked = [each for each in subnets if draw(st.booleans())]
    return NetworkModel(
        vpcs=tuple(map(vpc, numbers)),
        subnets=tuple(subnets),
        route_tables=tuple(tables),
        nat_gateways=tuple(_with_addresses(draw, nat, bound) for nat in nats),
        elastic_ips=tuple(bound),
        interfaces=tuple(interfaces),
        links=tuple(_link(number, each) for number, each in enumerate(linked)),
        instances=(INSTANCE,),
        public_endpoints=tuple(draw(st.lists(endpoints(), max_size=1))),
    )


@st.composite
def endpoints(draw: st.DrawFn) -> PublicEndpoint:
    """The public endpoint of the instance."""
    allowed = draw(st.lists(st.sampled_from(_ALLOWED), unique=True, max_size=2))
    status = draw(st.sampled_from(EndpointStatus))
    rules = tuple(AccessRule(cidr=cidr) for cidr in allowed)
    return PublicEndpoint(instance_id=INSTANCE.id, status=status, rules=rules)


def _with_addresses(draw: st.DrawFn, nat: NatGateway, bound: list[ElasticIp]) -> NatGateway:
    own = tuple(eip.id for eip in bound if eip.bound_to == nat.id)
    state = draw(st.sampled_from(NatState))
    return NatGateway(
        id=nat.id, vpc_id=nat.vpc_id, name="", state=state, elastic_ip_ids=own, created_at=""
    )


def _link(number: int, of: Subnet) -> Link:
    return Link(
        instance_id=f"tcr-{number}",
        vpc_id=of.vpc_id,
        subnet_id=of.id,
        access_ip=of.cidr.replace("0/24", "7"),
        status=LinkStatus.RUNNING,
        created_at="",
    )
