"""Private zones and their records, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.client.choice import Choice
from towline.client.cloud import CloudClient
from towline.client.cloud_view import VpcView, ZoneRecordView, ZoneView, view

_MANY = 100
_ZONE: Choice[ZoneView] = Choice(
    "private zone",
    lambda zone: zone.zone_id,
    lambda zone: zone.domain,
    "name one by its id; see `towline private-zone list`",
)


class Zones:
    """The zones of all VPCs."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def zones(self) -> list[ZoneView]:
        """All zones, those of links too."""
        answer = await self._call("DescribePrivateZoneList", {"Limit": _MANY})
        return view(answer["PrivateZoneSet"], list[ZoneView])

    async def zone(self, name: str) -> ZoneView:
        """The zone of this domain or id; raises `Problem`."""
        return _ZONE.of(await self.zones(), name)

    async def create(self, domain: str, vpc: VpcView, *, recursion: bool) -> ZoneView:
        """Make a zone that one VPC sees; the service is switched on if it is not."""
        await self._call("SubscribePrivateZoneService", {})
        asked = {
            "Domain": domain,
            "VpcSet": [{"UniqVpcId": vpc.vpc_id, "Region": self._client.region}],
            "DnsForwardStatus": "ENABLED" if recursion else "DISABLED",
        }
        made = await self._call("CreatePrivateZone", asked)
        return await self.zone(made["ZoneId"])

    async def delete(self, zone_id: str) -> None:
        """Unbind a zone from its VPCs and remove it with its records."""
        await self._call("ModifyPrivateZoneVpc", {"ZoneId": zone_id, "VpcSet": []})
        await self._call("DeletePrivateZone", {"ZoneId": zone_id})

    async def records(self, zone_id: str) -> list[ZoneRecordView]:
        """The records of a zone."""
        asked = {"ZoneId": zone_id, "Limit": _MANY}
        answer = await self._call("DescribePrivateZoneRecordList", asked)
        return view(answer["RecordSet"], list[ZoneRecordView])

    async def add(self, zone_id: str, record: ZoneRecordView) -> None:
        """Add a record."""
        asked = {
            "ZoneId": zone_id,
            "RecordType": record.record_type,
            "SubDomain": record.sub_domain,
            "RecordValue": record.record_value,
            "TTL": record.ttl,
        }
        await self._call("CreatePrivateZoneRecord", asked)

    async def remove(self, zone_id: str, record_id: str) -> None:
        """Remove a record."""
        await self._call("DeletePrivateZoneRecord", {"ZoneId": zone_id, "RecordId": record_id})

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("privatedns", "2020-10-28", action, params)
