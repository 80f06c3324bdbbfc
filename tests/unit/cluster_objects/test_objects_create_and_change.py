"""Objects are created once, changed by whoever read them last, and keep what clients may not change."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cluster_objects.served import Refused, cluster, deployment, named, pod

from towline.cluster.kubernetes import PatchKind
from towline.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, SECRETS

MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


async def test_a_new_object_gets_an_identity(tmp_path: Path) -> None:
    """Whatever its creator claims."""
    async with cluster(tmp_path) as kubernetes:
        body = named("a", data={"k": "v"})
        body["metadata"] |= {"uid": "mine", "creationTimestamp": "2000-01-01T00:00:00Z"}
        made = await kubernetes.create(CONFIG_MAPS, "demo", body)

        metadata = made["metadata"]
        assert made["data"] == {"k": "v"}
        assert (metadata["name"], metadata["namespace"]) == ("a", "demo")
        assert metadata["uid"] != "mine"
        assert metadata["creationTimestamp"] > "2000-01-01T00:00:00Z"
        assert made == await kubernetes.get(CONFIG_MAPS, "demo", "a")


async def test_a_name_is_taken_once_in_a_namespace_and_kind(tmp_path: Path) -> None:
    """In one namespace and one kind."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        await kubernetes.create(SECRETS, "demo", named("a"))

        with Refused(409, 'configmaps "a" already exists'):
            await kubernetes.create(CONFIG_MAPS, "demo", named("a"))


async def test_of_many_who_create_the_same_one_succeeds(tmp_path: Path) -> None:
    """At the same moment."""
    async with cluster(tmp_path) as kubernetes:
        creations = (kubernetes.create(CONFIG_MAPS, "demo", named("a")) for _ in range(20))
        outcomes = await asyncio.gather(*creations, return_exceptions=True)

        assert sum(isinstance(one, dict) for one in outcomes) == 1


async def test_a_generated_name_begins_as_asked_and_is_unique(tmp_path: Path) -> None:
    """Long beginnings are cut, so that pods' names stay names."""
    async with cluster(tmp_path) as kubernetes:
        body = {"metadata": {"generateName": "web-"}}
        names = {
            (await kubernetes.create(CONFIG_MAPS, "demo", body))["metadata"]["name"]
            for _ in range(20)
        }
        long = await kubernetes.create(
            CONFIG_MAPS, "demo", {"metadata": {"generateName": "x" * 70}}
        )

        assert len(names) == 20
        assert all(name.startswith("web-") and len(name) == 9 for name in names)
        assert len(long["metadata"]["name"]) == 63


async def test_a_new_object_has_no_resource_version(tmp_path: Path) -> None:
    """Who sends one means another object."""
    async with cluster(tmp_path) as kubernetes:
        body = {"metadata": {"name": "a", "resourceVersion": "1"}}

        with Refused(400, "resourceVersion should not be set on objects to be created"):
            await kubernetes.create(CONFIG_MAPS, "demo", body)


async def test_body_and_path_have_to_agree(tmp_path: Path) -> None:
    """On namespace and kind."""
    async with cluster(tmp_path) as kubernetes:
        elsewhere = {"metadata": {"name": "a", "namespace": "other"}}
        another = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}

        with Refused(
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ):
            await kubernetes.create(CONFIG_MAPS, "demo", elsewhere)
        with Refused(
            400,
            'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1, Kind=Secret) to '
            "(v1, Kind=ConfigMap) is not possible",
        ):
            await kubernetes.create(CONFIG_MAPS, "demo", another)


async def test_nothing_is_created_where_no_namespace_is(tmp_path: Path) -> None:
    """kubectl prints this of a forgotten namespace."""
    async with cluster(tmp_path) as kubernetes:
        with Refused(404, 'namespaces "nowhere" not found'):
            await kubernetes.create(CONFIG_MAPS, "nowhere", named("a"))


async def test_a_change_needs_the_latest_version_if_it_names_one(tmp_path: Path) -> None:
    """So that nobody overwrites what they have not seen."""
    async with cluster(tmp_path) as kubernetes:
        first = await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        version = {"resourceVersion": first["metadata"]["resourceVersion"]}
        second = await kubernetes.patch(
            CONFIG_MAPS, "demo", "a", {"metadata": version, "data": {"k": "1"}}
        )

        assert second["data"] == {"k": "1"}
        with Refused(409, f'Operation cannot be fulfilled on configmaps "a": {MODIFIED}'):
            await kubernetes.patch(
                CONFIG_MAPS, "demo", "a", {"metadata": version, "data": {"k": "2"}}
            )


async def test_a_change_is_about_one_object_and_not_about_its_successor(tmp_path: Path) -> None:
    """The uid tells them apart."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        uid = made["metadata"]["uid"]
        because = f"Precondition failed: UID in precondition: other, UID in object meta: {uid}"

        with Refused(409, f'Operation cannot be fulfilled on configmaps "a": {because}'):
            await kubernetes.patch(CONFIG_MAPS, "demo", "a", {"metadata": {"uid": "other"}})


async def test_patches_without_a_version_all_count(tmp_path: Path) -> None:
    """Each is made anew until it fits."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        patches = (
            kubernetes.patch(CONFIG_MAPS, "demo", "a", {"data": {f"k{number}": "v"}})
            for number in range(20)
        )
        await asyncio.gather(*patches)

        assert len((await kubernetes.get(CONFIG_MAPS, "demo", "a"))["data"]) == 20


async def test_a_change_that_changes_nothing_is_no_change(tmp_path: Path) -> None:
    """No new version, so no watcher wakes."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(CONFIG_MAPS, "demo", named("a", data={"k": "v"}))

        assert await kubernetes.patch(CONFIG_MAPS, "demo", "a", {"data": {"k": "v"}}) == made


async def test_what_the_server_keeps_nobody_changes(tmp_path: Path) -> None:
    """Creation, generation and deletion are its own."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(DEPLOYMENTS, "demo", deployment())
        forged = {
            "creationTimestamp": "2000-01-01T00:00:00Z",
            "generation": 99,
            "deletionTimestamp": "2000-01-01T00:00:00Z",
            "labels": {"a": "b"},
        }
        changed = await kubernetes.patch(DEPLOYMENTS, "demo", "web", {"metadata": forged})

        assert changed["metadata"] == {
            **made["metadata"],
            "labels": {"a": "b"},
            "resourceVersion": changed["metadata"]["resourceVersion"],
        }


async def test_the_generation_counts_changes_of_what_is_wanted(tmp_path: Path) -> None:
    """Labels and status are not."""
    async with cluster(tmp_path) as kubernetes:
        generations = []
        made = await kubernetes.create(DEPLOYMENTS, "demo", deployment())
        generations.append(made["metadata"]["generation"])
        for body in (
            {"metadata": {"labels": {"a": "b"}}},
            {"spec": {"replicas": 3}},
            {"spec": {"replicas": 3}},
        ):
            changed = await kubernetes.patch(DEPLOYMENTS, "demo", "web", body)
            generations.append(changed["metadata"]["generation"])

        assert generations == [1, 1, 2, 2]


async def test_status_and_wish_are_written_by_different_doors(tmp_path: Path) -> None:
    """Neither door lets the other's part through."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(PODS, "demo", {**pod(), "status": {"phase": "Running"}})
        body = {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"activeDeadlineSeconds": 5},
            "status": {"podIP": "10.0.0.5"},
        }
        by_status = await kubernetes.patch(PODS, "demo", "web", body, subresource="status")
        by_wish = await kubernetes.patch(
            PODS, "demo", "web", {**body, "status": {"podIP": "10.0.0.6"}}
        )

        assert by_status["status"] == {
            "phase": "Pending",
            "qosClass": "BestEffort",
            "podIP": "10.0.0.5",
        }
        assert "activeDeadlineSeconds" not in by_status["spec"]
        assert by_wish["status"]["podIP"] == "10.0.0.5"
        assert by_wish["spec"]["activeDeadlineSeconds"] == 5
        assert by_wish["metadata"]["labels"] == {"a": "b"}


async def test_a_scale_is_read_and_written(tmp_path: Path) -> None:
    """`kubectl scale` sends only the number."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(DEPLOYMENTS, "demo", deployment())
        await kubernetes.patch(
            DEPLOYMENTS, "demo", "web", {"spec": {"replicas": 5}}, subresource="scale"
        )

        scaled = await kubernetes.get(DEPLOYMENTS, "demo", "web")
        assert scaled["spec"]["replicas"] == 5
        assert scaled["metadata"]["generation"] == 2
        assert scaled["spec"]["selector"] == {"matchLabels": {"app": "web"}}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (PatchKind.MERGE, {"data": {"b": "2", "a": None}}),
        (PatchKind.STRATEGIC, {"data": {"b": "2", "a": None}}),
        (
            PatchKind.JSON,
            [
                {"op": "test", "path": "/data/a", "value": "1"},
                {"op": "move", "from": "/data/a", "path": "/data/b"},
                {"op": "replace", "path": "/data/b", "value": "2"},
            ],
        ),
    ],
    ids=lambda value: value.name if isinstance(value, PatchKind) else "",
)
async def test_all_three_kinds_of_patches_are_taken(
    tmp_path: Path, kind: PatchKind, body: dict[str, object] | list[dict[str, object]]
) -> None:
    """Each in its own language."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(CONFIG_MAPS, "demo", named("a", data={"a": "1"}))

        assert (await kubernetes.patch(CONFIG_MAPS, "demo", "a", body, kind=kind))["data"] == {
            "b": "2"
        }


async def test_a_patch_whose_test_fails_changes_nothing(tmp_path: Path) -> None:
    """And says which."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(CONFIG_MAPS, "demo", named("a", data={"a": "1"}))
        body = [
            {"op": "remove", "path": "/data/a"},
            {"op": "test", "path": "/data/b", "value": "1"},
        ]

        with Refused(
            422,
            "the server rejected our request due to an error in our request: "
            "testing value /data/b failed: test failed",
        ):
            await kubernetes.patch(CONFIG_MAPS, "demo", "a", body, kind=PatchKind.JSON)
        assert await kubernetes.get(CONFIG_MAPS, "demo", "a") == made


@pytest.mark.parametrize("kind", list(PatchKind), ids=lambda kind: kind.name)
async def test_a_patch_that_is_an_abyss_is_refused(tmp_path: Path, kind: PatchKind) -> None:
    """As deep as JSON may be, and deeper than Python goes."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.create(CONFIG_MAPS, "demo", named("a"))
        deep: dict[str, Any] = {}
        for _ in range(5000):
            deep = {"x": deep}
        operation = {"op": "add", "path": "/data", "value": deep}

        with Refused(400, "the patch is nested too deeply"):
            await kubernetes.patch(
                CONFIG_MAPS, "demo", "a", [operation] if kind is PatchKind.JSON else deep, kind=kind
            )
        assert await kubernetes.get(CONFIG_MAPS, "demo", "a") == made


async def test_a_patch_may_not_make_an_object_that_makes_no_sense(tmp_path: Path) -> None:
    """What results is validated like any other."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(DEPLOYMENTS, "demo", deployment())

        with Refused(
            422,
            'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: '
            "must be greater than or equal to 0",
        ):
            await kubernetes.patch(DEPLOYMENTS, "demo", "web", {"spec": {"replicas": -1}})


async def test_what_is_not_there_or_not_served_cannot_be_patched(tmp_path: Path) -> None:
    """Nor can what is not served."""
    async with cluster(tmp_path) as kubernetes:
        with Refused(404, 'deployments.apps "web" not found'):
            await kubernetes.patch(DEPLOYMENTS, "demo", "web", {})
        with Refused(404, "the server could not find the requested resource"):
            await kubernetes.patch(CONFIG_MAPS, "demo", "a", {}, subresource="scale")


async def test_a_namespace_is_labelled_with_its_name(tmp_path: Path) -> None:
    """Selectors of network policies rely on it."""
    async with cluster(tmp_path) as kubernetes:
        made = await kubernetes.get(NAMESPACES, "", "demo")

        assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "demo"}
        assert "namespace" not in made["metadata"]
        assert (made["status"], made["spec"]) == (
            {"phase": "Active"},
            {"finalizers": ["kubernetes"]},
        )
