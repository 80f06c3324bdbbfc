"""Image caches: asked for, found, changed and removed by the cloud's API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.clouds import NOW, open_context, refused
from tests.clusters import call
from tests.vpc_calls import subnet_of, vpc_of

from towline.cloud.context import Context
from towline.resource.image_cache import CacheEvent, CacheStatus, ImageCache

IMAGE = "demo.tencentcloudcr.com/team/app:1"
LOGIN = {"Server": "demo.tencentcloudcr.com", "Username": "u", "Password": "secret", "Name": "n"}


async def place(context: Context) -> dict[str, Any]:
    """Where a cache may be fetched from."""
    vpc_id = await vpc_of(context)
    return {"VpcId": vpc_id, "SubnetId": await subnet_of(context, vpc_id)}


async def made(context: Context, where: dict[str, Any], **more: Any) -> str:
    """A cache that was asked for."""
    asked = {"Images": [IMAGE], **where, **more}
    return str((await call(context, "CreateImageCache", **asked))["ImageCacheId"])


async def become(context: Context, cache_id: str, status: CacheStatus) -> None:
    """Do what the agent would."""
    event = CacheEvent(type="Normal", reason="SnapCreated", message="m", at="2026-01-02T03:04:06Z")

    def change(held: ImageCache) -> ImageCache:
        return msgspec.structs.replace(held, status=status, events=(event,))

    await context.resources.image_caches.update("", cache_id, change)


async def shown(context: Context, **asked: Any) -> list[dict[str, Any]]:
    """The caches that are found."""
    return list((await call(context, "DescribeImageCaches", **asked))["ImageCaches"])


async def test_a_cache_is_pending_until_it_is_fetched(tmp_path: Path) -> None:
    """What was asked for is told again, but for the password; times are in the product's form."""
    async with open_context(tmp_path) as context:
        where = await place(context)
        id_ = await made(
            context,
            where,
            ImageCacheName="app",
            ImageRegistryCredentials=[LOGIN],
            RetentionDays=2,
            Tags=[{"Key": "team", "Value": "web"}],
        )
        (first,) = await shown(context)
        await become(context, id_, CacheStatus.READY)
        (second,) = await shown(context, ImageCacheIds=[id_])

    assert id_.startswith("imc-")
    assert (first["Status"], second["Status"]) == ("Pending", "Ready")
    assert first["CreationTime"] == "2026-01-02 03:04:05"
    assert first["ExpireDateTime"] == "2026-01-04 03:04:05"
    assert first["ImageRegistryCredentials"] == [LOGIN | {"Password": ""}]
    assert first["Images"] == [IMAGE]
    assert second["Events"][0]["LastTimestamp"] == "2026-01-02 03:04:06"
    assert None not in first.values()


async def test_what_a_cache_cannot_be_is_refused(tmp_path: Path) -> None:
    """And nothing is made."""
    async with open_context(tmp_path) as context:
        where = await place(context)
        eip = {"InternetMaxBandwidthOut": 5}
        for wrong, code in (
            ({"Images": []}, "InvalidParameter"),
            ({"Images": ["Not An Image"]}, "InvalidParameter"),
            ({"SubnetId": "subnet-00000000"}, "ResourceNotFound"),
            ({"VpcId": "vpc-00000000"}, "ResourceNotFound"),
            ({"SecurityGroupIds": ["sg-00000000"]}, "ResourceNotFound"),
            ({"ExistedEipId": "eip-00000000"}, "ResourceNotFound"),
            ({"ExistedEipId": "eip-1", "AutoCreateEipAttribute": eip}, "InvalidParameter"),
            ({"ImageCacheSize": 9}, "InvalidParameter"),
            ({"RetentionDays": -1}, "InvalidParameterValue"),
            ({"ImageCacheName": "x" * 61}, "InvalidParameter"),
        ):
            with refused(code):
                await made(context, where, **wrong)

        assert context.resources.image_caches.list() == ()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"ImageCacheName": "new", "RetentionDays": 7, "ImageCacheSize": 30}, "Ready"),
        ({"Images": ["other:2"]}, "Updating"),
        ({"ImageRegistryCredentials": [LOGIN]}, "Updating"),
        ({"Images": [IMAGE]}, "Ready"),
    ],
    ids=["kept", "images", "credentials", "the-same"],
)
async def test_a_cache_is_made_again_when_it_has_to_be(
    tmp_path: Path, change: dict[str, Any], status: str
) -> None:
    """A name or a time is no reason."""
    async with open_context(tmp_path) as context:
        id_ = await made(context, await place(context))
        await become(context, id_, CacheStatus.READY)
        await call(context, "UpdateImageCache", ImageCacheId=id_, **change)
        (after,) = await shown(context)

    assert after["Status"] == status


async def test_a_cache_that_failed_is_tried_again_by_any_change(tmp_path: Path) -> None:
    """And it does not become smaller."""
    async with open_context(tmp_path) as context:
        id_ = await made(context, await place(context))
        await become(context, id_, CacheStatus.FAILED)
        await call(context, "UpdateImageCache", ImageCacheId=id_)
        (after,) = await shown(context)
        with refused("InvalidParameter"):
            await call(context, "UpdateImageCache", ImageCacheId=id_, ImageCacheSize=10)

    assert after["Status"] == "Updating"


async def test_the_smallest_and_then_the_latest_ready_cache_suits(tmp_path: Path) -> None:
    """By the whole name and the version of its images."""
    async with open_context(tmp_path) as context:
        where = await place(context)
        large = await made(context, where, ImageCacheSize=40)
        asked = {"Images": [IMAGE, "nginx"]}
        none = await call(context, "GetMostSuitableImageCache", **asked)
        await become(context, large, CacheStatus.READY)
        only = await call(context, "GetMostSuitableImageCache", **asked)
        small, latest = await made(context, where), await made(context, where)
        for id_ in (small, latest):
            await become(context, id_, CacheStatus.READY)
        best = await call(context, "GetMostSuitableImageCache", **asked)
        other = await call(context, "GetMostSuitableImageCache", Images=["nginx"])

    assert (none["Found"], other["Found"]) == (False, False)
    assert only["ImageCache"]["ImageCacheId"] == large
    assert best["ImageCache"]["ImageCacheId"] == latest


async def test_what_is_deleted_or_has_expired_is_gone(tmp_path: Path) -> None:
    """Found by name before, and refused afterwards."""
    async with open_context(tmp_path) as context:
        where = await place(context)
        first = await made(context, where, ImageCacheName="a")
        await made(context, where, ImageCacheName="b", RetentionDays=1)
        named = await shown(
            context, Filters=[{"Name": "image-cache-name", "Values": ["a"]}], Limit=50
        )
        by_name = await shown(context, ImageCacheNames=["b"])
        later = replace(context, clock=lambda: NOW + timedelta(days=1))
        left = await shown(later)
        await call(context, "DeleteImageCaches", ImageCacheIds=[first])
        with refused("ResourceNotFound"):
            await call(context, "DeleteImageCaches", ImageCacheIds=[first])
        with refused("InvalidParameterValue"):
            await shown(context, Limit=51)

    assert [one["ImageCacheId"] for one in named] == [first]
    assert [one["ImageCacheName"] for one in by_name] == ["b"]
    assert [one["ImageCacheId"] for one in left] == [first]
