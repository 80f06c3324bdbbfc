"""Which image cache serves a pod."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.pull.image_cache import CacheMatch, match, most_suitable, normal
from towline.resource.image_cache import CacheStatus, ImageCache, Surroundings

NOW = "2026-01-02T03:04:05Z"
IMAGES = ("nginx", "nginx:1.27", "r.io/a:1", "r.io/b:1", "r.io/c@sha256:" + "0" * 64)


def cache(
    number: int,
    images: tuple[str, ...],
    *,
    size: int = 20,
    status: CacheStatus = CacheStatus.READY,
    expires_at: str = "",
) -> ImageCache:
    """A cache."""
    return ImageCache(
        id=f"imc-{number}",
        name="c",
        images=images,
        surroundings=Surroundings(vpc_id="vpc-1", subnet_id="subnet-1"),
        size=size,
        created_at=NOW,
        status=status,
        expires_at=expires_at,
    )


@st.composite
def many_caches(draw: st.DrawFn) -> tuple[ImageCache, ...]:
    """Caches, the oldest first."""
    chosen = st.lists(st.sampled_from(IMAGES), min_size=1, max_size=3, unique=True).map(tuple)
    sizes, statuses = st.integers(10, 12), st.sampled_from(CacheStatus)
    ends = st.sampled_from(["", NOW, "2026-01-03T00:00:00Z"])
    return tuple(
        cache(number, draw(chosen), size=draw(sizes), status=draw(statuses), expires_at=draw(ends))
        for number in range(draw(st.integers(0, 6)))
    )


@given(many_caches(), st.lists(st.sampled_from(IMAGES), min_size=1, max_size=4))
def test_no_usable_cache_is_better_than_the_one_that_is_taken(
    caches: tuple[ImageCache, ...], images: list[str]
) -> None:
    """More images, then a smaller size, then a later creation; never one that cannot be used."""
    wanted = {normal(image) for image in images}

    def rank(one: ImageCache) -> tuple[int, int, int]:
        return len(wanted & set(map(normal, one.images))), -one.size, caches.index(one)

    usable = [
        one
        for one in caches
        if one.status is CacheStatus.READY
        and (not one.expires_at or one.expires_at > NOW)
        and rank(one)[0]
    ]

    assert most_suitable(images, caches, NOW) == max(usable, key=rank, default=None)


@given(many_caches(), st.lists(st.sampled_from(IMAGES), min_size=1, unique=True), st.integers(0, 6))
def test_every_image_is_either_found_or_missing(
    caches: tuple[ImageCache, ...], images: list[str], number: int
) -> None:
    """However the pod asks."""
    for wish in ("auto", f"imc-{number}"):
        found = match(wish, images, caches, NOW)
        if found is not None:
            assert sorted(found.found + found.missing) == sorted(images)
            assert not (found.trouble and found.found)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("", None),
        ("auto", CacheMatch("imc-0", ("nginx",), ("other",))),
        ("imc-0", CacheMatch("imc-0", ("nginx",), ("other",))),
        ("imc-1", CacheMatch("imc-1", (), ("nginx", "other"), "is Pending, not Ready")),
        ("imc-2", CacheMatch("imc-2", (), ("nginx", "other"), "does not exist")),
    ],
    ids=["unasked", "auto", "named", "pending", "unknown"],
)
def test_a_pod_gets_what_it_asks_for(wish: str, expected: CacheMatch | None) -> None:
    """A name is the same with and without what it leaves out."""
    caches = (
        cache(0, ("docker.io/library/nginx:latest",)),
        cache(1, ("nginx",), status=CacheStatus.PENDING),
    )

    assert match(wish, ("nginx", "other"), caches, NOW) == expected


def test_auto_says_nothing_where_nothing_fits() -> None:
    """The images are pulled as ever."""
    assert match("auto", ("nginx",), (cache(0, ("nginx:1.27",)),), NOW) is None
