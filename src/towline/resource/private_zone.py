"""Private zones: names that mean something only inside the VPCs a zone is bound to."""

from __future__ import annotations

import msgspec


class PrivateZone(msgspec.Struct, frozen=True, kw_only=True):
    """One zone. Its records are asked before any public name, in the VPCs that it is bound to."""

    id: str
    domain: str
    """In lower case, without the last dot."""
    vpc_ids: tuple[str, ...] = ()
    recursion: bool = True
    """Whether names below the domain that have no record are looked up publicly (`DnsForwardStatus`);
    without it they do not exist.
    """
    cname_speedup: bool = True
    """Kept and told; the resolver follows aliases at once in any case."""
    link_instance_id: str = ""
    """The instance whose links made it; empty for a zone that a user made."""
    remark: str = ""
    created_at: str
    updated_at: str
    tags: dict[str, str] = {}


class PrivateZoneService(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody has subscribed to private zones, which is asked for before there may be any."""

    subscribed_at: str


class ZoneRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a zone."""

    id: str
    zone_id: str
    subdomain: str
    """Relative to the zone's domain: `@` for the domain itself, `*` for whatever has no record."""
    type: str
    """`A`, `AAAA`, `CNAME`, `MX`, `TXT`, `PTR` or `SRV`."""
    value: str
    ttl: int = 600
    mx: int = 0
    weight: int = 0
    enabled: bool = True
    remark: str = ""
    created_at: str
    updated_at: str
