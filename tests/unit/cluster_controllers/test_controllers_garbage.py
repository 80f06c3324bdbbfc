"""Deletion: what goes with an object, in which order, and what a namespace takes with it."""

from __future__ import annotations

import pytest
from tests.unit.cluster_controllers.cluster import (
    Cluster,
    cluster,
    deployment,
    make_namespace,
    settle,
)
from tests.virtual_time import run

from towline.cluster.controllers.status_patch import status_patch
from towline.cluster.kubernetes import ApiError, Object
from towline.cluster.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICE_ACCOUNTS,
)


async def _config_map(held: Cluster, name: str, *owners: Object, blocks: bool = False) -> Object:
    references = [
        {
            "apiVersion": one["apiVersion"],
            "kind": one["kind"],
            "name": one["metadata"]["name"],
            "uid": one["metadata"]["uid"],
            "blockOwnerDeletion": blocks,
        }
        for one in owners
    ]
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "ownerReferences": references},
    }
    return await held.kubernetes.create(CONFIG_MAPS, "demo", body)


def _config_maps(held: Cluster) -> set[str]:
    found = {one["metadata"]["name"] for one in held.kubernetes.all(CONFIG_MAPS)}
    return found - {"kube-root-ca.crt"}


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_a_deleted_deployment_takes_its_replica_sets_and_pods_with_it(propagation: str) -> None:
    """Down to the last pod."""

    async def scenario() -> None:
        async with cluster() as held:
            await held.kubernetes.create(DEPLOYMENTS, "demo", deployment())
            await settle()
            options = {"propagationPolicy": propagation}
            await held.kubernetes.delete(DEPLOYMENTS, "demo", "web", options=options)
            await settle()

            assert held.kubernetes.all(DEPLOYMENTS) == []
            assert held.kubernetes.all(REPLICA_SETS) == []
            assert held.kubernetes.all(PODS) == []

    run(scenario())


def test_in_the_foreground_an_owner_goes_after_what_belongs_to_it() -> None:
    """At no moment is there a ReplicaSet or a pod without the Deployment."""

    async def scenario() -> None:
        async with cluster() as held:
            await held.kubernetes.create(DEPLOYMENTS, "demo", deployment())
            await settle()
            lost = list[bool]()
            held.kubernetes.witnesses.append(
                lambda: lost.append(
                    bool(held.kubernetes.all(REPLICA_SETS) or held.kubernetes.all(PODS))
                    and not held.kubernetes.all(DEPLOYMENTS)
                )
            )
            options = {"propagationPolicy": "Foreground"}
            await held.kubernetes.delete(DEPLOYMENTS, "demo", "web", options=options)
            await settle()

            assert held.kubernetes.all(DEPLOYMENTS) == []
            assert not any(lost)

    run(scenario())


def test_orphans_are_set_free_before_their_owner_goes() -> None:
    """The pods of an orphaned ReplicaSet still belong to it and go on."""

    async def scenario() -> None:
        async with cluster() as held:
            await held.kubernetes.create(DEPLOYMENTS, "demo", deployment())
            await settle()
            options = {"propagationPolicy": "Orphan"}
            await held.kubernetes.delete(DEPLOYMENTS, "demo", "web", options=options)
            await settle()

            assert held.kubernetes.all(DEPLOYMENTS) == []
            assert [
                one["metadata"].get("ownerReferences") for one in held.kubernetes.all(REPLICA_SETS)
            ] == [[]]
            assert len(held.pods()) == 3

    run(scenario())


def test_an_object_goes_with_its_last_owner_and_forgets_the_others() -> None:
    """Any kind may own any kind."""

    async def scenario() -> None:
        async with cluster() as held:
            first, second = await _config_map(held, "a"), await _config_map(held, "b")
            await _config_map(held, "owned", first, second)
            await held.kubernetes.delete(CONFIG_MAPS, "demo", "a")
            await settle(5)
            owned = await held.kubernetes.get(CONFIG_MAPS, "demo", "owned")
            await held.kubernetes.delete(CONFIG_MAPS, "demo", "b")
            await settle(5)

            assert [one["name"] for one in owned["metadata"]["ownerReferences"]] == ["b"]
            assert _config_maps(held) == set()

    run(scenario())


def test_an_owner_of_the_same_name_is_not_the_owner() -> None:
    """References are by uid."""

    async def scenario() -> None:
        async with cluster() as held:
            first = await _config_map(held, "a")
            await held.kubernetes.delete(CONFIG_MAPS, "demo", "a")
            await _config_map(held, "a")
            await _config_map(held, "owned", first)
            await settle(5)

            assert _config_maps(held) == {"a"}

    run(scenario())


def test_an_owner_of_an_unknown_kind_is_left_alone() -> None:
    """Who cannot be asked about cannot be said to be gone."""

    async def scenario() -> None:
        async with cluster() as held:
            stranger = {
                "apiVersion": "example.com/v1",
                "kind": "Widget",
                "metadata": {"name": "w", "uid": "u"},
            }
            await _config_map(held, "owned", stranger)
            await settle()

            assert _config_maps(held) == {"owned"}

    run(scenario())


def test_only_blocking_dependents_hold_an_owner_in_the_foreground() -> None:
    """One that does not block goes afterwards."""

    async def scenario() -> None:
        async with cluster() as held:
            owner = await _config_map(held, "owner")
            await _config_map(held, "loose", owner)
            options = {"propagationPolicy": "Foreground"}
            await held.kubernetes.delete(CONFIG_MAPS, "demo", "owner", options=options)
            await settle()

            assert _config_maps(held) == set()

    run(scenario())


def test_a_deleted_namespace_is_emptied_and_then_goes() -> None:
    """Workloads, Secrets and even events; pods have their time."""

    async def scenario() -> None:
        async with cluster() as held:
            await held.kubernetes.create(DEPLOYMENTS, "demo", deployment())
            await held.kubernetes.create(SECRETS, "demo", {"metadata": {"name": "s"}})
            await settle()
            await held.kubernetes.delete(NAMESPACES, "", "demo")
            await settle()
            left = [
                one["metadata"]["name"]
                for resource in (DEPLOYMENTS, REPLICA_SETS, PODS, SECRETS, EVENTS)
                for one in held.kubernetes.all(resource)
                if one["metadata"]["namespace"] == "demo"
            ]

            assert "demo" not in {
                one["metadata"]["name"] for one in held.kubernetes.all(NAMESPACES)
            }
            assert left == []

    run(scenario())


def test_a_namespace_says_what_keeps_it() -> None:
    """In the words of Kubernetes, and it goes when the finalizer is gone."""

    async def scenario() -> None:
        async with cluster() as held:
            body = {"metadata": {"name": "kept", "finalizers": ["example.com/keep"]}}
            await held.kubernetes.create(CONFIG_MAPS, "demo", body)
            await held.kubernetes.delete(NAMESPACES, "", "demo")
            await settle()
            status = (await held.kubernetes.get(NAMESPACES, "", "demo"))["status"]
            told = {one["type"]: (one["status"], one["message"]) for one in status["conditions"]}
            free = {"metadata": {"finalizers": None}}
            await held.kubernetes.patch(CONFIG_MAPS, "demo", "kept", free)
            await settle()

            remaining = "Some content in the namespace has finalizers remaining"
            assert status["phase"] == "Terminating"
            assert told["NamespaceContentRemaining"] == (
                "True",
                "Some resources are remaining: configmaps. has 1 resource instances",
            )
            assert told["NamespaceFinalizersRemaining"] == (
                "True",
                f"{remaining}: example.com/keep in 1 resource instances",
            )
            with pytest.raises(ApiError, match="not found"):
                await held.kubernetes.get(NAMESPACES, "", "demo")

    run(scenario())


def test_every_namespace_has_its_account_and_the_authority_and_gets_them_back() -> None:
    """Deleted or edited, they are as before."""

    async def scenario() -> None:
        async with cluster() as held:
            await make_namespace(held.kubernetes, "team")
            await settle(5)
            edit = {"data": {"ca.crt": "another", "more": "x"}}
            await held.kubernetes.patch(CONFIG_MAPS, "team", "kube-root-ca.crt", edit)
            await held.kubernetes.delete(SERVICE_ACCOUNTS, "team", "default")
            await held.kubernetes.delete(CONFIG_MAPS, "demo", "kube-root-ca.crt")
            await settle(5)

            for namespace in ("demo", "team"):
                found = await held.kubernetes.get(CONFIG_MAPS, namespace, "kube-root-ca.crt")
                assert found["data"] == {"ca.crt": "the CA"}
                assert await held.kubernetes.get(SERVICE_ACCOUNTS, namespace, "default")

    run(scenario())


def test_a_status_is_written_as_go_writes_it() -> None:
    """Counts of zero are left out, except where Go keeps them."""
    patch = status_patch({"a": 1, "b": 2, "c": 3}, {"a": 0, "b": 2, "c": 4, "d": 0, "e": 0}, ("e",))

    assert patch == {"a": None, "c": 4, "e": 0}
