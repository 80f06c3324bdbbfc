"""DescribeRegions: where instances can be. An installation is in one place, and so says one region."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context
from towline.resource.region import REGION_IDS

# When the product began: no more is known of a region, and clients read a time here.
_SINCE = "2019-09-24T00:00:00Z"


class DescribeRegions(Parameters, frozen=True, kw_only=True):
    """Nothing to choose."""


class Region(Answer, frozen=True, kw_only=True):
    """One region; `Status` says for whom it is there."""

    alias: str
    region_id: int
    region_name: str
    status: str
    remark: str
    created_at: str
    updated_at: str
    id: int


class Regions(Answer, frozen=True, kw_only=True):
    """The regions there are."""

    total_count: int
    regions: tuple[Region, ...]


async def describe_regions(context: Context, asked: DescribeRegions) -> Regions:
    """Show the region of this installation."""
    del asked  # there is nothing in it
    name = context.settings.region
    number = REGION_IDS.get(name, 0)
    region = Region(
        alias=name.partition("-")[2],
        region_id=number,
        region_name=name,
        status="alluser",
        remark="",
        created_at=_SINCE,
        updated_at=_SINCE,
        id=number,
    )
    return Regions(total_count=1, regions=(region,))


ACTIONS: Mapping[str, AnyAction] = {"DescribeRegions": Action(DescribeRegions, describe_regions)}
