"""What opens the way from a pod to its registry.

To a registry of ours there are two ways: a private link whose address the name resolves to, and the
internet, by a NAT gateway and the registry's allowlist. Where somebody has begun the second it is
completed, otherwise the first is made: it opens nothing to the outside.
"""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.known_way import is_misled
from towline.diagnosis.mending import (
    AllowAddress,
    Annotate,
    Change,
    CreateLink,
    Domain,
    LetOut,
    MakeEgress,
    Mending,
    OpenEndpoint,
    ResolveOn,
    Widening,
    Wish,
)
from towline.diagnosis.plane import InstanceSeen, LinkSeen, Plane
from towline.kube.annotations import RESOLV_CONF
from towline.network.trace_stop import Stop

_WAY_OUT = frozenset(
    {
        Stop.NO_NAT_GATEWAY,
        Stop.NAT_WITHOUT_ADDRESS,
        Stop.NO_ROUTE,
        Stop.ROUTE_DISABLED,
        Stop.TABLE_NOT_ASSOCIATED,
        Stop.NO_ADDRESS_OF_ITS_OWN,
    }
)
_ALLOWLIST = frozenset(
    {Stop.ENDPOINT_CLOSED, Stop.ALLOWLIST_EMPTY, Stop.NOT_ON_ALLOWLIST, Stop.ADDRESS_CHANGED}
)
_ANYWHERE = "0.0.0.0/0"


def mend_way(facts: Facts, wish: Wish) -> Mending | None:
    """The changes after which the packets arrive."""
    plane, pod = facts.plane, facts.pod
    if plane is None:
        return None
    if pod is not None and pod.resolv_conf and is_misled(plane):
        return wish.mending(Annotate(pod.namespace, pod.patched, RESOLV_CONF, None))
    instance = plane.instance
    if instance is None or plane.host not in (instance.domain, instance.vpc_domain):
        return _way_outside(plane, wish)
    return _way_to_ours(plane, instance, wish)


def _way_to_ours(plane: Plane, instance: InstanceSeen, wish: Wish) -> Mending | None:
    link = _living(plane.link)
    if link is None and not _goes_by_internet(plane, instance):
        return _new_link(plane, instance, wish)
    if link is not None and not link.resolves:
        return wish.mending(_resolve(plane, instance))
    if _stop(plane) in _ALLOWLIST:
        return _let_in(plane, instance, wish)
    return _way_outside(plane, wish, instance.name)


def _living(link: LinkSeen | None) -> LinkSeen | None:
    return None if link is None or link.status == "Deleting" else link


def _goes_by_internet(plane: Plane, instance: InstanceSeen) -> bool:
    """Whether somebody has begun to make the public way, at either end."""
    out = plane.way_out
    return instance.endpoint_open or (out is not None and bool(out.public_ips))


def _stop(plane: Plane) -> Stop | None:
    return plane.trace.stop if plane.trace is not None else None


def _new_link(plane: Plane, instance: InstanceSeen, wish: Wish) -> Mending | None:
    if not plane.subnet_id:
        return None
    link = CreateLink(instance.name, plane.vpc_id, plane.subnet_id)
    return wish.mending(link, _resolve(plane, instance))


def _resolve(plane: Plane, instance: InstanceSeen) -> ResolveOn:
    domain = Domain.VPC if plane.host == instance.vpc_domain else Domain.DEFAULT
    return ResolveOn(instance.name, plane.vpc_id, domain, plane.host)


def _let_in(plane: Plane, instance: InstanceSeen, wish: Wish) -> Mending:
    opened: list[Change] = [] if instance.endpoint_open else [OpenEndpoint(instance.name)]
    ours = plane.way_out.public_ips if plane.way_out is not None else ()
    wanted = [one for one in ours if one not in instance.allowlist]
    if not wanted:
        anybody = AllowAddress(instance.name, _ANYWHERE)
        return wish.mending(*opened, anybody, needs=Widening.ANY_ADDRESS)
    return wish.mending(*opened, *(AllowAddress(instance.name, one) for one in wanted))


def _way_outside(plane: Plane, wish: Wish, instance: str = "") -> Mending | None:
    stop = _stop(plane)
    if stop is Stop.EGRESS_REFUSED:
        return _let_out(plane, wish)
    if stop in _WAY_OUT and plane.subnet_id:
        return wish.mending(MakeEgress(plane.subnet_id, instance))
    return None


def _let_out(plane: Plane, wish: Wish) -> Mending | None:
    """Open the group that refused, for this address alone."""
    refusing = plane.trace.hops[-1].id if plane.trace and plane.trace.hops else ""
    groups = plane.way_out.security_groups if plane.way_out is not None else ()
    group = refusing if refusing in groups else next(iter(groups), "")
    if not group:
        return None
    return wish.mending(LetOut(group, plane.address, plane.port))
