"""Where a packet founders by the records, in words that name the object, and what would let it pass."""

from __future__ import annotations

from towline.diagnosis.known import Known
from towline.diagnosis.plane import Plane, WayOut
from towline.diagnosis.verdict import Remedy, Who
from towline.network.trace_hop import Act, Hop, Reach
from towline.network.trace_stop import EXPLANATIONS, Stop

_AT_THE_DOOR = frozenset(
    {Stop.ENDPOINT_CLOSED, Stop.ALLOWLIST_EMPTY, Stop.NOT_ON_ALLOWLIST, Stop.ADDRESS_CHANGED}
)
_NO_WAY_OUT = frozenset({Stop.NO_NAT_GATEWAY, Stop.NO_ADDRESS_OF_ITS_OWN})


def stop_known(plane: Plane) -> Known | None:
    """What stops the packets of a pull; None when nothing does."""
    found = plane.trace
    if found is None or found.stop is None:
        return None
    dropped = next((hop for hop in reversed(found.hops) if hop.act is Act.DROPPED), found.hops[-1])
    told = EXPLANATIONS[found.stop]
    by_turns = "; it passes by turns" if found.reach is Reach.SOMETIMES else ""
    return Known(
        f"{_where(plane, found.stop, dropped)}: {told.cause}{by_turns}",
        (
            f"{plane.host} means {plane.address}"
            if plane.host != plane.address
            else f"the address is {plane.address}",
            f"stopped at {dropped.place.value} {dropped.id} ({found.stop.value})"
            + (f": {dropped.by}" if dropped.by else ""),
        ),
        Remedy(
            text=told.remedy[0].upper() + told.remedy[1:],
            commands=_commands(plane, found.stop, dropped),
            who=Who.REGISTRY_ADMIN if found.stop in _AT_THE_DOOR else Who.NETWORK_ADMIN,
        ),
    )


def _where(plane: Plane, stop: Stop, dropped: Hop) -> str:
    """The object that is to be changed."""
    if stop in _AT_THE_DOOR:
        registry = plane.instance.name if plane.instance is not None else dropped.id
        sources = ", ".join(one for one in dropped.sources if one)
        return f"the registry {registry} does not let {sources} in"
    if stop in _NO_WAY_OUT:
        return f"nothing leads from {plane.subnet_id} to {plane.address}"
    return f"packets to {plane.address} end at {dropped.place.value} {dropped.id}"


def _commands(plane: Plane, stop: Stop, dropped: Hop) -> tuple[str, ...]:
    way = plane.way_out or WayOut()
    if stop in _AT_THE_DOOR:
        return _let_in(plane, stop, dropped)
    match stop:
        case Stop.EGRESS_REFUSED:
            rule = f"accept:tcp:{plane.port}:{plane.address}/32"
            return (f"towline security-group add-rule {dropped.id} egress {rule}",)
        case (
            Stop.NO_NAT_GATEWAY
            | Stop.ROUTE_DISABLED
            | Stop.TABLE_NOT_ASSOCIATED
            | Stop.NO_ADDRESS_OF_ITS_OWN
        ):
            allow = f" --allow {plane.instance.name}" if plane.instance is not None else ""
            return (f"towline egress create --subnet {plane.subnet_id}{allow}",)
        case Stop.NO_ROUTE if way.nat_gateway_ids:
            gateway = way.nat_gateway_ids[0]
            return (f"towline route-table add-route {dropped.id} 0.0.0.0/0 {gateway}",)
        case Stop.NAT_WITHOUT_ADDRESS:
            return ("towline eip create", f"towline nat-gateway bind {dropped.id} EIP")
        case _:
            return ()


def _let_in(plane: Plane, stop: Stop, dropped: Hop) -> tuple[str, ...]:
    if plane.instance is None:
        return ()
    name = plane.instance.name
    opened = (f"towline public-access open {name}",) if stop is Stop.ENDPOINT_CLOSED else ()
    public = plane.way_out.public_ips if plane.way_out is not None else ()
    missing = [one for one in public or dropped.sources if one not in plane.instance.allowlist]
    allowed = (f"towline public-access allow {name} {one}" for one in missing if one)
    stale = dropped.by.split(", ") if stop is Stop.ADDRESS_CHANGED else ()
    held = [one for one in stale if one in plane.instance.allowlist]
    return (*opened, *allowed, *(f"towline public-access deny {name} {one}" for one in held))
