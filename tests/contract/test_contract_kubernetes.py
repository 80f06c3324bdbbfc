"""One interface, three ways to speak to a cluster: over HTTP, in the API's own process, and to the fake that
controllers are tested with. All of them answer the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.apis import CONTROLLERS, config_map, pod, serving
from tests.fake_kubernetes import FakeKubernetes
from tests.virtual_time import EPOCH

from towline.cluster.api.local import LocalKubernetes
from towline.cluster.kubernetes import ApiError, Kubernetes, WatchEvent
from towline.cluster.kubernetes_http import HttpKubernetes
from towline.cluster.resources import CONFIG_MAPS, NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS

ALL = ("fake", "local", "http")
Object = dict[str, Any]


@asynccontextmanager
async def kubernetes(kind: str, folder: Path) -> AsyncIterator[Kubernetes]:
    """A cluster of one kind, with a namespace `demo`."""
    if kind == "fake":
        fake = FakeKubernetes(lambda: EPOCH)
        await fake.create(NAMESPACES, "", {"metadata": {"name": "demo"}})
        await fake.create(SERVICE_ACCOUNTS, "demo", {"metadata": {"name": "default"}})
        yield fake
        return
    async with serving(folder) as api:
        path = api.kubeconfig(CONTROLLERS)
        async with HttpKubernetes.from_kubeconfig(path) as http:
            await http.create(NAMESPACES, "", {"metadata": {"name": "demo"}})
            yield http if kind == "http" else LocalKubernetes(api.store)


async def refused(call: Any, code: int) -> ApiError:
    """Expect a refusal with exactly this code."""
    with pytest.raises(ApiError) as refusal:
        await call
    assert refusal.value.code == code
    return refusal.value


async def told(events: AsyncIterator[WatchEvent], count: int) -> list[tuple[str, str]]:
    """The next events but bookmarks: what happened, and to whom."""
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(20):
        async for event in events:
            if event.type != "BOOKMARK":
                found.append((event.type, event.object["metadata"]["name"]))
            if len(found) == count:
                break
    return found


@pytest.mark.parametrize("kind", ALL)
async def test_what_is_created_can_be_read(kind: str, tmp_path: Path) -> None:
    """The server adds an identity, a version and the time."""
    async with kubernetes(kind, tmp_path) as cluster:
        made = await cluster.create(CONFIG_MAPS, "demo", config_map("one", key="value"))
        read = await cluster.get(CONFIG_MAPS, "demo", "one")

    assert read == made
    assert read["data"] == {"key": "value"}
    assert read["kind"] == "ConfigMap"
    assert {"uid", "resourceVersion", "creationTimestamp"} <= read["metadata"].keys()
    assert read["metadata"]["namespace"] == "demo"


@pytest.mark.parametrize("kind", ALL)
async def test_one_name_is_one_object(kind: str, tmp_path: Path) -> None:
    """The second creator hears AlreadyExists."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(CONFIG_MAPS, "demo", config_map("one"))
        error = await refused(cluster.create(CONFIG_MAPS, "demo", config_map("one")), 409)

    assert error.reason == "AlreadyExists"
    assert str(error) == 'configmaps "one" already exists'


@pytest.mark.parametrize("kind", ALL)
async def test_what_is_not_there_is_not_found(kind: str, tmp_path: Path) -> None:
    """Reading, patching and deleting say the same."""
    async with kubernetes(kind, tmp_path) as cluster:
        read = await refused(cluster.get(PODS, "demo", "none"), 404)
        await refused(cluster.patch(PODS, "demo", "none", {}), 404)
        await refused(cluster.delete(PODS, "demo", "none"), 404)
        await refused(cluster.create(PODS, "nowhere", pod("lost")), 404)

    assert (read.reason, str(read)) == ("NotFound", 'pods "none" not found')


@pytest.mark.parametrize("kind", ALL)
async def test_a_name_may_be_generated(kind: str, tmp_path: Path) -> None:
    """The server appends what makes it unique."""
    async with kubernetes(kind, tmp_path) as cluster:
        body = {**pod(""), "metadata": {"generateName": "web-"}}
        names = {(await cluster.create(PODS, "demo", body))["metadata"]["name"] for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("web-") and len(name) == 9 for name in names)


@pytest.mark.parametrize("kind", ALL)
async def test_a_list_holds_what_its_selectors_mean(kind: str, tmp_path: Path) -> None:
    """By label, by field, and all of it."""
    async with kubernetes(kind, tmp_path) as cluster:
        for name, app in (("a", "web"), ("b", "web"), ("c", "db")):
            body = pod(name, nodeName=f"node-{name}")
            body["metadata"]["labels"] = {"app": app}
            await cluster.create(PODS, "demo", body)
        web = await cluster.list(PODS, "demo", selectors={"labelSelector": "app=web"})
        placed = await cluster.list(PODS, selectors={"fieldSelector": "spec.nodeName=node-c"})
        every = await cluster.list(PODS, "demo")

    assert [one["metadata"]["name"] for one in web.items] == ["a", "b"]
    assert [one["metadata"]["name"] for one in placed.items] == ["c"]
    assert [one["kind"] for one in every.items] == ["Pod"] * 3


@pytest.mark.parametrize("kind", ALL)
async def test_a_watch_continues_a_list(kind: str, tmp_path: Path) -> None:
    """Nothing between the two is lost, and nothing is told twice."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(CONFIG_MAPS, "demo", config_map("before"))
        listed = await cluster.list(CONFIG_MAPS, "demo")
        events = cluster.watch(CONFIG_MAPS, "demo", resource_version=listed.resource_version)
        await cluster.create(CONFIG_MAPS, "demo", config_map("one"))
        await cluster.patch(CONFIG_MAPS, "demo", "one", {"data": {"a": "b"}})
        await cluster.delete(CONFIG_MAPS, "demo", "one")
        found = await told(events, 3)

    assert found == [("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "one")]


@pytest.mark.parametrize("kind", ALL)
async def test_a_selective_watch_tells_of_entering_and_leaving(kind: str, tmp_path: Path) -> None:
    """An object that begins to match is told as what its watcher sees."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(CONFIG_MAPS, "demo", config_map("one"))
        version = (await cluster.list(CONFIG_MAPS, "demo")).resource_version
        selectors = {"labelSelector": "on=yes"}
        events = cluster.watch(CONFIG_MAPS, "demo", resource_version=version, selectors=selectors)
        for value in ("yes", None):
            body: Object = {"metadata": {"labels": {"on": value}}}
            await cluster.patch(CONFIG_MAPS, "demo", "one", body)
        last = (await told(events, 2))[-1]

    assert last == ("DELETED", "one")


@pytest.mark.parametrize("kind", ALL)
async def test_a_patch_under_a_condition_fails_when_it_does_not_hold(
    kind: str, tmp_path: Path
) -> None:
    """The resource version and the uid are such conditions."""
    async with kubernetes(kind, tmp_path) as cluster:
        made = await cluster.create(CONFIG_MAPS, "demo", config_map("one"))
        old = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
        await cluster.patch(CONFIG_MAPS, "demo", "one", {"data": {"a": "b"}})
        error = await refused(cluster.patch(CONFIG_MAPS, "demo", "one", old), 409)
        other = {"metadata": {"uid": "another"}}
        await refused(cluster.patch(CONFIG_MAPS, "demo", "one", other), 409)

    assert error.reason == "Conflict"


@pytest.mark.parametrize("kind", ALL)
async def test_status_is_written_through_its_own_door(kind: str, tmp_path: Path) -> None:
    """The object's door leaves the status alone, and the status's door leaves the rest alone."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(PODS, "demo", pod("one"))
        both: Object = {
            "metadata": {"labels": {"a": "b"}},
            "status": {"phase": "Running", "podIP": "10.0.0.9"},
        }
        by_object = await cluster.patch(PODS, "demo", "one", both)
        del both["metadata"]
        by_status = await cluster.patch(PODS, "demo", "one", both, subresource="status")

    assert by_object["metadata"]["labels"] == {"a": "b"}
    assert by_object["status"]["phase"] == "Pending"
    assert by_status["status"]["podIP"] == "10.0.0.9"


@pytest.mark.parametrize("kind", ALL)
async def test_a_pod_is_bound_once(kind: str, tmp_path: Path) -> None:
    """Binding names the node and says that it is scheduled."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(PODS, "demo", pod("one"))
        binding = {"metadata": {"name": "one"}, "target": {"kind": "Node", "name": "eklet-a"}}
        await cluster.create(PODS, "demo", binding, subresource="binding", name="one")
        again = cluster.create(PODS, "demo", binding, subresource="binding", name="one")
        await refused(again, 409)
        bound = await cluster.get(PODS, "demo", "one")

    assert bound["spec"]["nodeName"] == "eklet-a"
    (condition,) = bound["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "True")


@pytest.mark.parametrize("kind", ALL)
async def test_a_placed_pod_goes_gracefully(kind: str, tmp_path: Path) -> None:
    """It is marked first; it goes when its node says so, without grace."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(PODS, "demo", pod("one", nodeName="eklet-a"))
        await cluster.delete(PODS, "demo", "one")
        marked = (await cluster.get(PODS, "demo", "one"))["metadata"]
        condition = {"uid": marked["uid"]}
        final = {"gracePeriodSeconds": 0, "preconditions": condition}
        await cluster.delete(PODS, "demo", "one", options=final)
        await refused(cluster.get(PODS, "demo", "one"), 404)

    assert marked["deletionGracePeriodSeconds"] == 30
    assert "deletionTimestamp" in marked


@pytest.mark.parametrize("kind", ALL)
async def test_an_unplaced_pod_goes_at_once(kind: str, tmp_path: Path) -> None:
    """There is no node that would have to stop it."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(PODS, "demo", pod("one"))
        await cluster.delete(PODS, "demo", "one")
        await refused(cluster.get(PODS, "demo", "one"), 404)


@pytest.mark.parametrize("kind", ALL)
async def test_finalizers_hold_an_object_back(kind: str, tmp_path: Path) -> None:
    """It goes when the last one is taken off."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(CONFIG_MAPS, "demo", config_map("one"))
        await cluster.delete(
            CONFIG_MAPS, "demo", "one", options={"propagationPolicy": "Foreground"}
        )
        held = await cluster.get(CONFIG_MAPS, "demo", "one")
        freed: Object = {"metadata": {"finalizers": None}}
        await cluster.patch(CONFIG_MAPS, "demo", "one", freed)
        await refused(cluster.get(CONFIG_MAPS, "demo", "one"), 404)

    assert held["metadata"]["finalizers"] == ["foregroundDeletion"]


@pytest.mark.parametrize("kind", ALL)
async def test_a_namespace_ends_when_it_is_finalized(kind: str, tmp_path: Path) -> None:
    """Until then it is Terminating and takes nothing in."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.delete(NAMESPACES, "", "demo")
        ending = await cluster.get(NAMESPACES, "", "demo")
        error = await refused(cluster.create(CONFIG_MAPS, "demo", config_map("late")), 403)
        final: Object = {"spec": {"finalizers": []}}
        await cluster.patch(NAMESPACES, "", "demo", final, subresource="finalize")
        await refused(cluster.get(NAMESPACES, "", "demo"), 404)

    assert ending["status"]["phase"] == "Terminating"
    assert "because it is being terminated" in str(error)


@pytest.mark.parametrize("kind", ALL)
async def test_nodes_live_in_no_namespace(kind: str, tmp_path: Path) -> None:
    """They are made and read without one."""
    async with kubernetes(kind, tmp_path) as cluster:
        await cluster.create(NODES, "", {"metadata": {"name": "eklet-a"}})
        read = await cluster.get(NODES, "", "eklet-a")
        listed = await cluster.list(NODES)

    assert "namespace" not in read["metadata"]
    assert [one["metadata"]["name"] for one in listed.items] == ["eklet-a"]
