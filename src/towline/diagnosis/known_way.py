"""Why packets do not come to a registry, by the records: the link, the name, the way out, the door.

The order is that of the reasons: a name that leads to the wrong place is the cause, and not the wall
that stands there.
"""

from __future__ import annotations

from towline.diagnosis.dial_obstacle import is_private
from towline.diagnosis.known import Known
from towline.diagnosis.known_stop import stop_known
from towline.diagnosis.plane import InstanceSeen, LinkSeen, Plane, PodSeen
from towline.diagnosis.verdict import Remedy, Who
from towline.kube.annotations import RESOLV_CONF
from towline.network.trace_name import Answerer
from towline.network.trace_stop import Stop


def way_known(plane: Plane, pod: PodSeen | None) -> Known | None:
    """Why the pod does not reach the registry; None when the records know no reason."""
    instance = plane.instance
    if not plane.subnet_id:
        return None
    if pod is not None and pod.resolv_conf and is_misled(plane):
        return _overridden(plane, pod)
    if instance is None or plane.host not in {instance.domain, instance.vpc_domain}:
        return _stranger(plane)
    return _ours(plane, instance)


def is_misled(plane: Plane) -> bool:
    """Whether a resolver of the pod's own leads it elsewhere than its VPC's would."""
    link = plane.link
    if not plane.address:
        return True
    return link is not None and link.resolves and link.access_ip != plane.address


def _overridden(plane: Plane, pod: PodSeen) -> Known:
    own = " ".join(pod.resolv_conf.split())
    return Known(
        f"the annotation {RESOLV_CONF} lets the pod ask another name server than its VPC's, which "
        f"knows nothing of where {plane.host} leads there",
        (f"{RESOLV_CONF}: {own}",),
        Remedy(
            text=f"Remove the annotation from the pod template of {pod.patched}, or name the VPC's "
            "resolvers 183.60.83.19 and 183.60.82.98 in it"
        ),
    )


def _stranger(plane: Plane) -> Known | None:
    """The way to a registry of somebody else."""
    resolution = plane.resolution
    if plane.address or resolution is None or resolution.answerer is Answerer.UPLINK:
        return stop_known(plane)
    near = ", ".join(plane.near_instances)
    meant = f"Write {near}" if near else "Correct the name, or give it a record in the zone"
    return Known(
        f"{plane.host} means no address in {plane.vpc_id} ({resolution.code})",
        (f"the zone {resolution.zone or '.'} answers {resolution.code}",),
        Remedy(text=meant),
    )


def _ours(plane: Plane, instance: InstanceSeen) -> Known | None:
    link = plane.link
    if link is None or link.status == "Deleting":
        begun = instance.endpoint_open or (plane.way_out is not None and plane.way_out.public_ips)
        if plane.address and (begun or not _stopped(plane)):
            return stop_known(plane)
        return _no_link(plane, instance)
    if link.status == "Creating" or not link.access_ip:
        return _link_in_the_making(plane, instance)
    if not link.resolves and plane.address != link.access_ip:
        return _not_resolved(plane, instance, link)
    return stop_known(plane)


def _stopped(plane: Plane) -> bool:
    return plane.trace is not None and plane.trace.stop is not None


def _no_link(plane: Plane, instance: InstanceSeen) -> Known:
    others = ", ".join(link.vpc_id for link in plane.links)
    told = f"its links are of {others}" if others else "it has no link at all"
    leads = (
        f"{plane.host} means {plane.address}, its public address, which nothing leads to"
        if plane.address
        else f"{plane.host} means nothing there"
    )
    domain = " --vpc-domain" if plane.host == instance.vpc_domain else ""
    create = f"towline link create {instance.name} --vpc {plane.vpc_id} --subnet {plane.subnet_id}"
    resolve = f"towline link resolve on {instance.name} --vpc {plane.vpc_id}{domain}"
    return Known(
        f"{plane.vpc_id} has no private link to the registry {instance.name}, and {leads}",
        (f"the registry {instance.name} ({instance.id}): {told}", *_stop_line(plane)),
        Remedy(
            text=f"Create a private network access link from {plane.vpc_id} to {instance.name}, and "
            "switch on the resolution of its name",
            commands=(create, resolve),
            who=Who.NETWORK_ADMIN,
        ),
    )


def _stop_line(plane: Plane) -> tuple[str, ...]:
    stop = plane.trace.stop if plane.trace is not None else None
    return () if stop is None else (f"the way to {plane.address} is stopped: {stop.value}",)


def _link_in_the_making(plane: Plane, instance: InstanceSeen) -> Known:
    return Known(
        f"the private link from {plane.vpc_id} to the registry {instance.name} is being created, and "
        "has no address yet",
        (f"link of {instance.id} and {plane.vpc_id}: Creating",),
        Remedy(
            text="Wait until the link is Running, and switch on the resolution of its name",
            commands=(
                f"towline link show {instance.name} --vpc {plane.vpc_id}",
                f"towline link resolve on {instance.name} --vpc {plane.vpc_id}",
            ),
            who=Who.NETWORK_ADMIN,
            retry_helps=True,
        ),
    )


def _not_resolved(plane: Plane, instance: InstanceSeen, link: LinkSeen) -> Known:
    domain = " --vpc-domain" if plane.host == instance.vpc_domain else ""
    means = f"means {plane.address}, not it" if plane.address else "means nothing"
    return Known(
        f"{plane.vpc_id} has a link to the registry {instance.name} at {link.access_ip}, but the "
        f"private resolution of {plane.host} is off, so that the name {means}",
        (f"link of {instance.id} and {plane.vpc_id}: {link.status}, {link.access_ip}",),
        Remedy(
            text=f"Switch on the private resolution of {plane.host} in {plane.vpc_id}",
            commands=(f"towline link resolve on {instance.name} --vpc {plane.vpc_id}{domain}",),
            who=Who.NETWORK_ADMIN,
        ),
    )


def way_code(plane: Plane) -> str:
    """The code of what the records alone say is in the way; empty when they know of nothing."""
    if plane.resolution is not None and not plane.address:
        return "dns.nxdomain" if plane.resolution.answerer is not Answerer.UPLINK else ""
    if plane.trace is None or plane.trace.stop is None:
        return ""
    if plane.trace.stop is Stop.PORT_NOT_SERVED:
        return "net.refused"
    return "net.timeout.private-ip" if is_private(plane.address) else "net.timeout.public-ip"
