"""Traces of packets, through the cloud's API."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from towline.client.cloud import CloudClient
from towline.client.cloud_view import view


class NameView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a name means to the source, and who says so."""

    name: str
    addresses: list[str]
    code: str
    answerer: str
    zone: str
    zone_ids: list[str]
    aliases: list[str]


class HopView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One thing that a packet comes by, and how it leaves it."""

    place: str
    id: str
    act: str
    by: str
    sources: list[str]
    destination: str


class TraceView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The way of a packet."""

    source: str
    subnet_id: str
    destination: str
    resolution: NameView | None
    hops: list[HopView]
    reach: str
    stop: str
    cause: str
    remedy: str
    symptom: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """From where, to whom."""

    source: str
    vpc_id: str = ""
    host: str
    port: int = 443
    protocol: str = "TCP"
    resolver: str = ""


class Traces:
    """The part of our own product that follows packets."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def follow(self, asked: Question) -> TraceView:
        """Where a packet goes."""
        params = {
            "Source": asked.source,
            "VpcId": asked.vpc_id,
            "Destination": asked.host,
            "Port": asked.port,
            "Protocol": asked.protocol,
            "Resolver": asked.resolver,
        }
        answer = await self._client.call("towline", "2026-08-01", "TracePacket", params)
        return view(answer, TraceView)
