"""A watch tells its client, in the client's terms, all that happened since a version, or that it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cluster_objects.served import cluster, named, told

from towline.cluster.api import data_file
from towline.cluster.api.address import Address, Treatment
from towline.cluster.api.objects import Objects
from towline.cluster.api.watching import Watching, WatchWish
from towline.cluster.kubernetes import ApiError
from towline.cluster.resources import CONFIG_MAPS, NAMESPACES
from towline.kube import resource_type
from towline.kube.refusal import Refusal
from towline.store.store import Retention, Store

WEB, API = {"labels": {"app": "web"}}, {"labels": {"app": "api"}}
ADDRESS = Address(resource_type.NAMESPACES)


async def test_a_watch_goes_on_where_the_list_ended(tmp_path: Path) -> None:
    """Nothing in between is lost, nothing is told twice."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(CONFIG_MAPS, "demo", named("before"))
        listed = await kubernetes.list(CONFIG_MAPS, "demo")
        await kubernetes.create(CONFIG_MAPS, "demo", named("between"))
        watch = kubernetes.watch(CONFIG_MAPS, "demo", resource_version=listed.resource_version)
        await kubernetes.delete(CONFIG_MAPS, "demo", "before")

        assert await told(watch, 2) == [("ADDED", "between"), ("DELETED", "before")]


async def test_events_carry_the_version_that_made_them(tmp_path: Path) -> None:
    """A client that breaks off goes on from there; a deletion has a version of its own."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        watch = kubernetes.watch(
            CONFIG_MAPS, "demo", resource_version=made["metadata"]["resourceVersion"]
        )
        changed = await kubernetes.patch(CONFIG_MAPS, "demo", "a", {"data": {"k": "v"}})
        await kubernetes.delete(CONFIG_MAPS, "demo", "a")
        modified, deleted = await anext(watch), await anext(watch)

        assert modified.object == changed
        assert deleted.object["data"] == {"k": "v"}
        versions = [int(one.object["metadata"]["resourceVersion"]) for one in (modified, deleted)]
        assert versions == sorted(set(versions))


async def test_a_watch_sees_its_own_namespace_alone(tmp_path: Path) -> None:
    """And one without a namespace sees all."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(NAMESPACES, "", named("other"))
        start = (await kubernetes.list(CONFIG_MAPS)).resource_version
        own = kubernetes.watch(CONFIG_MAPS, "demo", resource_version=start)
        every = kubernetes.watch(CONFIG_MAPS, resource_version=start)
        await kubernetes.create(CONFIG_MAPS, "other", named("there"))
        await kubernetes.create(CONFIG_MAPS, "demo", named("here"))

        assert await told(own, 1) == [("ADDED", "here")]
        assert await told(every, 2) == [("ADDED", "there"), ("ADDED", "here")]


async def test_a_selector_turns_changes_into_coming_and_going(tmp_path: Path) -> None:
    """What begins to match is added, what ceases to match is deleted, as it last matched."""
    async with cluster(tmp_path) as kubernetes:
        start = (await kubernetes.list(CONFIG_MAPS)).resource_version
        watch = kubernetes.watch(
            CONFIG_MAPS,
            "demo",
            resource_version=start,
            selectors={"labelSelector": "app=web"},
        )
        await kubernetes.create(CONFIG_MAPS, "demo", {"metadata": {"name": "a", **API}})
        for metadata in (WEB, {"annotations": {"x": "y"}}, API, {"annotations": {"x": "z"}}, WEB):
            await kubernetes.patch(CONFIG_MAPS, "demo", "a", {"metadata": metadata})
        await kubernetes.delete(CONFIG_MAPS, "demo", "a")
        events = [await anext(watch) for _ in range(5)]

        assert [one.type for one in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
        assert events[2].object["metadata"]["labels"] == {"app": "web"}


async def test_a_field_selector_selects_one_object(tmp_path: Path) -> None:
    """`kubectl wait` watches by name."""
    async with cluster(tmp_path) as kubernetes:
        start = (await kubernetes.list(CONFIG_MAPS)).resource_version
        selectors = {"fieldSelector": "metadata.name=b"}
        watch = kubernetes.watch(CONFIG_MAPS, "demo", resource_version=start, selectors=selectors)
        for name in ("a", "b", "c"):
            await kubernetes.create(CONFIG_MAPS, "demo", named(name))

        assert await told(watch, 1) == [("ADDED", "b")]
        listed = await kubernetes.list(CONFIG_MAPS, "demo", selectors=selectors)
        assert [one["metadata"]["name"] for one in listed.items] == ["b"]


async def test_a_past_that_is_forgotten_is_expired(tmp_path: Path) -> None:
    """With 410, upon which every client lists anew."""
    async with cluster(tmp_path, Retention(events=4)) as kubernetes:
        for number in range(9):
            await kubernetes.create(CONFIG_MAPS, "demo", named(f"a{number}"))

        with pytest.raises(ApiError, match="too old resource version: 1 ") as caught:
            await anext(kubernetes.watch(CONFIG_MAPS, "demo", resource_version="1"))
        assert (caught.value.code, caught.value.reason) == (410, "Expired")


async def test_a_watcher_that_is_too_slow_is_expired(tmp_path: Path) -> None:
    """Its events are not kept for it without end."""
    async with cluster(tmp_path, Retention(events=4)) as kubernetes:
        start = (await kubernetes.list(CONFIG_MAPS)).resource_version
        watch = kubernetes.watch(CONFIG_MAPS, "demo", resource_version=start)
        await kubernetes.create(CONFIG_MAPS, "demo", named("first"))
        first = await told(watch, 1)
        for number in range(9):
            await kubernetes.create(CONFIG_MAPS, "demo", named(f"a{number}"))

        assert first == [("ADDED", "first")]
        with pytest.raises(ApiError) as caught:
            await told(watch, 9)
        assert (caught.value.code, caught.value.reason) == (410, "Expired")


async def test_a_future_is_not_watched(tmp_path: Path) -> None:
    """A version that is not reached yet comes from another server: try again."""
    async with cluster(tmp_path) as kubernetes:
        with pytest.raises(ApiError, match="Too large resource version: 999") as caught:
            await anext(kubernetes.watch(CONFIG_MAPS, "demo", resource_version="999"))
        assert caught.value.code == 504


async def test_a_watch_from_nowhere_begins_with_what_is_there(tmp_path: Path) -> None:
    """Python's clients ask so."""
    async with Store.open(tmp_path / "s.db") as store:
        objects = Objects(store, data_file.schemas())
        await objects.create(ADDRESS.named("a"), named("a"), Treatment())
        watching = Watching(store, ADDRESS, WatchWish.read(ADDRESS, {}))

        assert [(one.type, one.revision) for one in watching.initial()] == [("ADDED", 1)]


async def test_initial_events_end_with_a_bookmark(tmp_path: Path) -> None:
    """Newer clients list by watching; the bookmark says that the list is complete."""
    async with Store.open(tmp_path / "s.db") as store:
        objects = Objects(store, data_file.schemas())
        await objects.create(ADDRESS.named("a"), named("a"), Treatment())
        query = {
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "allowWatchBookmarks": "true",
        }
        watching = Watching(store, ADDRESS, WatchWish.read(ADDRESS, query))
        notices = watching.initial()

        assert [(one.type, one.initial_end) for one in notices] == [
            ("ADDED", False),
            ("BOOKMARK", True),
        ]
        assert notices[-1].revision == store.revision


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"resourceVersion": "x"}, 400),
        ({"resourceVersion": "²"}, 400),
        ({"labelSelector": "="}, 400),
        ({"fieldSelector": "spec.x=1"}, 400),
        ({"sendInitialEvents": "true"}, 422),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_watch_that_cannot_be_is_refused(query: dict[str, str], code: int) -> None:
    """Before it begins."""
    with pytest.raises(Refusal) as caught:
        WatchWish.read(ADDRESS, query)

    assert caught.value.code == code
