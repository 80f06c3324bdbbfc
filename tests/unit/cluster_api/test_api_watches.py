"""Watches as clients see them on the wire: lines, bookmarks, tables, endings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
from tests.apis import ServedApi, config_map, document, serving

from towline.cluster.api.local import LocalKubernetes
from towline.cluster.resources import CONFIG_MAPS, NAMESPACES
from towline.store.write import Update

MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
Object = dict[str, Any]


async def lines(answer: aiohttp.ClientResponse, count: int) -> list[Object]:
    """The next lines of a watch, or all that come before it ends."""
    found: list[Object] = []
    async with asyncio.timeout(20):
        while len(found) < count and (line := await answer.content.readline()):
            found.append(json.loads(line))
    return found


def told(events: list[Object]) -> list[tuple[str, str]]:
    """What happened, and to whom."""
    return [(one["type"], one["object"]["metadata"].get("name", "")) for one in events]


async def test_a_watch_without_a_version_begins_with_what_is_there(tmp_path: Path) -> None:
    """Then it goes on with what happens; only the selected is told."""
    query = "watch=true&fieldSelector=metadata.name%3Done"
    async with serving(tmp_path) as api, api.session() as session:
        await session.post(MAPS, json=config_map("one"))
        async with session.get(f"{MAPS}?{query}") as answer:
            before = await lines(answer, 1)
            await session.post(MAPS, json=config_map("two"))
            await session.delete(f"{MAPS}/one")
            after = await lines(answer, 1)

    assert told(before + after) == [("ADDED", "one"), ("DELETED", "one")]
    assert before[0]["object"]["kind"] == "ConfigMap"


async def test_initial_events_end_with_a_bookmark_that_says_so(tmp_path: Path) -> None:
    """For clients that list by watching."""
    query = (
        "watch=1&allowWatchBookmarks=true&sendInitialEvents=true"
        "&resourceVersionMatch=NotOlderThan&timeoutSeconds=1"
    )
    async with serving(tmp_path) as api, api.session() as session:
        async with session.get(f"{MAPS}?{query}") as answer:
            events = await lines(answer, 9)
        other = await session.get(f"{MAPS}?watch=1&sendInitialEvents=true")
        refused = await other.read()

    assert [one["type"] for one in events] == ["ADDED", "BOOKMARK", "BOOKMARK"]
    first, last = (one["object"]["metadata"] for one in events[1:])
    assert first["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert "annotations" not in last
    assert other.status == 422
    assert b"resourceVersionMatch" in refused


async def test_a_watch_that_nothing_happens_to_ends_in_time(tmp_path: Path) -> None:
    """With a bookmark for who understands it."""
    async with serving(tmp_path) as api, api.session() as session:
        listed = await document(await session.get(MAPS))
        version = listed["metadata"]["resourceVersion"]
        query = f"watch=1&resourceVersion={version}&timeoutSeconds=1"
        async with session.get(f"{MAPS}?{query}") as answer:
            silent = await lines(answer, 9)
        async with session.get(f"{MAPS}?{query}&allowWatchBookmarks=true") as answer:
            marked = await lines(answer, 9)
        wrong = await session.get(f"{MAPS}?watch=1&timeoutSeconds=soon")

    assert silent == []
    assert [one["type"] for one in marked] == ["BOOKMARK"]
    assert marked[0]["object"]["metadata"]["resourceVersion"] == version
    assert wrong.status == 400


async def test_a_version_of_the_future_or_of_long_ago_is_an_error_event(tmp_path: Path) -> None:
    """After that the client lists anew."""
    async with serving(tmp_path) as api, api.session() as session:
        async with session.get(f"{MAPS}?watch=1&resourceVersion=100000") as answer:
            (future,) = await lines(answer, 1)
        local = LocalKubernetes(api.store)
        await local.create(CONFIG_MAPS, "default", config_map("busy"))
        await _churn(api, 20_100)
        async with session.get(f"{MAPS}?watch=1&resourceVersion=1") as answer:
            (old,) = await lines(answer, 1)

    assert (future["type"], future["object"]["code"]) == ("ERROR", 504)
    assert (old["type"], old["object"]["code"], old["object"]["reason"]) == (
        "ERROR",
        410,
        "Expired",
    )


async def _churn(api: ServedApi, times: int) -> None:
    """Write one object until the history of its kind has been outrun."""
    record = next(
        one for one in api.store.list("configmaps", "default").records if one.key.name == "busy"
    )
    revision = record.revision
    while times > 0:
        step = min(times, 1000)
        writes = [Update(record.key, record.value, revision + at) for at in range(step)]
        revision = (await api.store.apply(writes))[-1].revision
        times -= step


async def test_a_watched_table_declares_its_columns_once(tmp_path: Path) -> None:
    """kubectl prints the head of the first event only."""
    async with serving(tmp_path) as api, api.session() as session:
        headers = {"Accept": TABLE}
        async with session.get(f"{MAPS}?watch=1", headers=headers) as answer:
            await session.post(MAPS, json=config_map("one"))
            first, second = await lines(answer, 2)

    assert first["object"]["kind"] == "Table"
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "one"


async def test_a_server_that_ends_ends_its_watches(tmp_path: Path) -> None:
    """At once, and as a stream ends."""
    async with serving(tmp_path) as api:
        client = api.session()
        session = await client.__aenter__()
        answer = await session.get(f"{MAPS}?watch=1")
        await lines(answer, 1)
    rest = await answer.content.read()
    await client.__aexit__(None, None, None)

    assert rest == b""


async def test_a_watch_ends_with_its_client(tmp_path: Path) -> None:
    """Nothing is left of it in the server, though nothing has happened that could have been told."""
    async with serving(tmp_path) as api:
        before = len(asyncio.all_tasks())
        async with api.session() as session:
            opened = [await session.get(f"{MAPS}?watch=1") for _ in range(5)]
            for answer in opened:
                await lines(answer, 1)
            during = len(asyncio.all_tasks())
            for answer in opened:
                answer.close()
        async with asyncio.timeout(20):
            while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)

    assert during > before


def _connections() -> list[asyncio.Task[Any]]:
    """The tasks with which aiohttp serves connections that it still takes for open."""
    return [one for one in asyncio.all_tasks() if "RequestHandler.start" in repr(one)]


async def test_a_write_is_finished_though_its_sender_has_gone(tmp_path: Path) -> None:
    """What has been taken in is done, whole."""
    async with serving(tmp_path) as api:
        held, local = asyncio.Event(), LocalKubernetes(api.store)
        api.hook.wait_for = held
        async with api.session() as session, asyncio.TaskGroup() as tasks:
            body = {"metadata": {"name": "demo"}}
            sending = tasks.create_task(session.post("/api/v1/namespaces", json=body))
            async with asyncio.timeout(20):
                await api.hook.called.wait()
            sending.cancel()
        async with asyncio.timeout(20):
            while _connections():  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)
            held.set()
            await api.hook.finished.wait()
        made = await local.get(NAMESPACES, "", "demo")

    assert made["status"]["phase"] == "Active"
