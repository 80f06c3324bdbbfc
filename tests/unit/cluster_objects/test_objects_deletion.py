"""Deletion is immediate, graceful, held back by finalizers, or the long farewell of a namespace."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cluster_objects.served import (
    Refused,
    bound_pod,
    cluster,
    deployment,
    is_gone,
    named,
    pod,
    told,
)

from towline.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS

HELD = {"metadata": {"name": "a", "finalizers": ["example.com/clean"]}}


async def test_what_nothing_holds_back_goes_at_once(tmp_path: Path) -> None:
    """And can be created again, as another object."""
    async with cluster(tmp_path) as kubernetes:
        first = await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        await kubernetes.delete(CONFIG_MAPS, "demo", "a")
        second = await kubernetes.create(CONFIG_MAPS, "demo", named("a"))

        assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_what_is_not_there_cannot_be_deleted(tmp_path: Path) -> None:
    """A second delete is told so."""
    async with cluster(tmp_path) as kubernetes:
        with Refused(404, 'configmaps "a" not found'):
            await kubernetes.delete(CONFIG_MAPS, "demo", "a")


async def test_a_finalizer_holds_an_object_back(tmp_path: Path) -> None:
    """Until whoever put it there takes it away."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(CONFIG_MAPS, "demo", HELD)
        await kubernetes.delete(CONFIG_MAPS, "demo", "a")
        marked = await kubernetes.get(CONFIG_MAPS, "demo", "a")
        await kubernetes.delete(CONFIG_MAPS, "demo", "a")
        again = await kubernetes.get(CONFIG_MAPS, "demo", "a")
        await kubernetes.patch(CONFIG_MAPS, "demo", "a", {"metadata": {"finalizers": None}})

        assert marked["metadata"]["deletionTimestamp"] >= made["metadata"]["creationTimestamp"]
        assert again == marked
        assert await is_gone(kubernetes, CONFIG_MAPS, "demo", "a")


async def test_whoever_watches_hears_of_mark_and_end(tmp_path: Path) -> None:
    """In this order."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(CONFIG_MAPS, "demo", HELD)
        watch = kubernetes.watch(
            CONFIG_MAPS, "demo", resource_version=made["metadata"]["resourceVersion"]
        )
        await kubernetes.delete(CONFIG_MAPS, "demo", "a")
        await kubernetes.patch(CONFIG_MAPS, "demo", "a", {"metadata": {"finalizers": []}})

        assert await told(watch, 2) == [("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_pod_on_a_node_is_given_time(tmp_path: Path) -> None:
    """Its own grace period, or the one asked for; then its node removes it with none."""
    async with cluster(tmp_path) as kubernetes:
        await bound_pod(kubernetes, terminationGracePeriodSeconds=7)
        await kubernetes.delete(PODS, "demo", "web")
        marked = await kubernetes.get(PODS, "demo", "web")
        await kubernetes.delete(PODS, "demo", "web", options={"gracePeriodSeconds": 0})

        assert marked["metadata"]["deletionGracePeriodSeconds"] == 7
        assert await is_gone(kubernetes, PODS, "demo", "web")


async def test_the_time_given_can_be_shortened_and_not_prolonged(tmp_path: Path) -> None:
    """A second delete with more patience changes nothing."""
    async with cluster(tmp_path) as kubernetes:
        await bound_pod(kubernetes)
        seconds = []
        for grace in (20, 25, 5):
            await kubernetes.delete(PODS, "demo", "web", options={"gracePeriodSeconds": grace})
            metadata = (await kubernetes.get(PODS, "demo", "web"))["metadata"]
            seconds.append(metadata["deletionGracePeriodSeconds"])

        assert seconds == [20, 20, 5]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_a_pod_that_has_ended_goes_at_once(tmp_path: Path, phase: str) -> None:
    """There is nothing to wait for."""
    async with cluster(tmp_path) as kubernetes:
        await bound_pod(kubernetes)
        await kubernetes.patch(
            PODS, "demo", "web", {"status": {"phase": phase}}, subresource="status"
        )
        await kubernetes.delete(PODS, "demo", "web")

        assert await is_gone(kubernetes, PODS, "demo", "web")


async def test_a_pod_that_no_node_has_goes_at_once(tmp_path: Path) -> None:
    """Nobody would ever remove it."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(PODS, "demo", pod())
        await kubernetes.delete(PODS, "demo", "web")

        assert await is_gone(kubernetes, PODS, "demo", "web")


async def test_a_deletion_is_about_one_object(tmp_path: Path) -> None:
    """Its uid or its version, if they are named."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        metadata = made["metadata"]

        with Refused(
            409,
            'Operation cannot be fulfilled on configmaps "a": Precondition failed: '
            f"UID in precondition: other, UID in object meta: {metadata['uid']}",
        ):
            await kubernetes.delete(
                CONFIG_MAPS, "demo", "a", options={"preconditions": {"uid": "other"}}
            )
        with Refused(
            409,
            'Operation cannot be fulfilled on configmaps "a": Precondition failed: ResourceVersion in '
            f"precondition: 1, ResourceVersion in object meta: {metadata['resourceVersion']}",
        ):
            await kubernetes.delete(
                CONFIG_MAPS, "demo", "a", options={"preconditions": {"resourceVersion": "1"}}
            )
        right = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        await kubernetes.delete(CONFIG_MAPS, "demo", "a", options={"preconditions": right})
        assert await is_gone(kubernetes, CONFIG_MAPS, "demo", "a")


@pytest.mark.parametrize(
    ("policy", "finalizer"), [("Orphan", "orphan"), ("Foreground", "foregroundDeletion")]
)
async def test_a_deletion_that_minds_dependents_waits_for_the_collector(
    tmp_path: Path, policy: str, finalizer: str
) -> None:
    """By a finalizer that the garbage collector takes away."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(DEPLOYMENTS, "demo", deployment())
        await kubernetes.delete(DEPLOYMENTS, "demo", "web", options={"propagationPolicy": policy})

        marked = await kubernetes.get(DEPLOYMENTS, "demo", "web")
        assert marked["metadata"]["finalizers"] == [finalizer]
        assert "deletionTimestamp" in marked["metadata"]


async def test_a_namespace_says_farewell_first(tmp_path: Path) -> None:
    """Nothing new is let in, and it goes when the last finalizer is taken from its spec."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.delete(NAMESPACES, "", "demo")
        marked = await kubernetes.get(NAMESPACES, "", "demo")

        assert marked["status"]["phase"] == "Terminating"
        with Refused(
            403,
            'configmaps "a" is forbidden: unable to create new content in namespace demo because it is '
            "being terminated",
        ):
            await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        await kubernetes.patch(
            NAMESPACES, "", "demo", {"spec": {"finalizers": []}}, subresource="finalize"
        )
        assert await is_gone(kubernetes, NAMESPACES, "", "demo")


async def test_a_namespaces_finalizers_have_their_own_door(tmp_path: Path) -> None:
    """An ordinary change cannot remove them, so no namespace loses its content by accident."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.patch(NAMESPACES, "", "demo", {"spec": {"finalizers": []}})
        held = await kubernetes.get(NAMESPACES, "", "demo")
        emptied = await kubernetes.patch(
            NAMESPACES, "", "demo", {"spec": {"finalizers": []}}, subresource="finalize"
        )

        assert held["spec"]["finalizers"] == ["kubernetes"]
        assert not emptied["spec"].get("finalizers")
        assert not await is_gone(kubernetes, NAMESPACES, "", "demo")


async def test_an_eviction_is_a_deletion(tmp_path: Path) -> None:
    """`kubectl drain` asks for it."""
    async with cluster(tmp_path) as kubernetes:
        await bound_pod(kubernetes)
        eviction = {**named("web"), "deleteOptions": {"gracePeriodSeconds": 3}}
        await kubernetes.create(PODS, "demo", eviction, subresource="eviction", name="web")

        evicted = await kubernetes.get(PODS, "demo", "web")
        assert evicted["metadata"]["deletionGracePeriodSeconds"] == 3


@pytest.mark.parametrize("grace", ["soon", "²", 1.5, "9" * 20])
async def test_a_patience_that_is_no_number_is_refused(tmp_path: Path, grace: object) -> None:
    """Before anything happens."""
    async with cluster(tmp_path) as kubernetes:
        await bound_pod(kubernetes)

        with Refused(400, f"invalid gracePeriodSeconds {str(grace)!r}"):
            await kubernetes.delete(PODS, "demo", "web", options={"gracePeriodSeconds": grace})
