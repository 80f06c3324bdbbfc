"""A new pod gets its account, that account's pull Secrets, and its patience; a workload is warned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.cluster_objects.served import (
    Refused,
    bound_pod,
    cluster,
    deployment,
    is_gone,
    named,
    pod,
)

from towline.cluster.api import data_file
from towline.cluster.api.address import Address, FieldValidation, Treatment
from towline.cluster.api.objects import Objects
from towline.cluster.resources import PODS, SERVICE_ACCOUNTS
from towline.kube import resource_type
from towline.kube.annotations import LAZY, REGISTRY_HTTP_ENDPOINT, misplaced_warning
from towline.store.store import Store

SECRETS = [{"name": "pull"}]
NODE = Address(resource_type.NODES)


async def test_a_pod_runs_as_the_default_account_and_pulls_with_its_secrets(
    tmp_path: Path,
) -> None:
    """This is how a credential that was released into a namespace reaches every pod of it."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.patch(SERVICE_ACCOUNTS, "demo", "default", {"imagePullSecrets": SECRETS})
        spec = (await kubernetes.create(PODS, "demo", pod()))["spec"]

        assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
        assert spec["imagePullSecrets"] == SECRETS


async def test_a_pods_own_pull_secrets_stand_alone(tmp_path: Path) -> None:
    """They are not joined with its account's."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.patch(SERVICE_ACCOUNTS, "demo", "default", {"imagePullSecrets": SECRETS})
        made = await kubernetes.create(PODS, "demo", pod(imagePullSecrets=[{"name": "own"}]))

        assert made["spec"]["imagePullSecrets"] == [{"name": "own"}]


async def test_secrets_given_to_an_account_later_reach_only_later_pods(tmp_path: Path) -> None:
    """They are copied once, when the pod is created."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(PODS, "demo", pod("early"))
        await kubernetes.patch(SERVICE_ACCOUNTS, "demo", "default", {"imagePullSecrets": SECRETS})
        early = await kubernetes.get(PODS, "demo", "early")

        assert "imagePullSecrets" not in early["spec"]


async def test_a_pod_of_an_account_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """In the words of the real admission."""
    async with cluster(tmp_path) as kubernetes:
        with Refused(
            403,
            'pods "web" is forbidden: error looking up service account demo/robot: '
            'serviceaccount "robot" not found',
        ):
            await kubernetes.create(PODS, "demo", pod(serviceAccountName="robot"))


async def test_a_pod_bears_a_silent_node_for_five_minutes(tmp_path: Path) -> None:
    """Unless it says for how long itself."""
    async with cluster(tmp_path) as kubernetes:
        own = {
            "key": "node.kubernetes.io/unreachable",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 5,
        }
        made = await kubernetes.create(PODS, "demo", pod(tolerations=[own]))

        assert made["spec"]["tolerations"] == [
            own,
            {**own, "key": "node.kubernetes.io/not-ready", "tolerationSeconds": 300},
        ]


async def test_a_pod_is_bound_to_one_node(tmp_path: Path) -> None:
    """Two schedulers cannot both have it."""
    async with cluster(tmp_path) as kubernetes:
        bound = await bound_pod(kubernetes)

        assert bound["spec"]["nodeName"] == "eklet"
        [condition] = bound["status"]["conditions"]
        assert (condition["type"], condition["status"]) == ("PodScheduled", "True")
        with Refused(
            409,
            'Operation cannot be fulfilled on pods "web": pod web is already assigned to node "eklet"',
        ):
            await kubernetes.create(
                PODS, "demo", {"target": {"name": "other"}}, subresource="binding", name="web"
            )


async def test_a_node_cannot_be_chosen_by_a_change(tmp_path: Path) -> None:
    """A pod's wish is fixed; only a binding assigns it."""
    async with cluster(tmp_path) as kubernetes:
        await kubernetes.create(PODS, "demo", pod())
        body: dict[str, Any] = {"spec": {"nodeName": "eklet"}}
        message = (
            'Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than '
            "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
            "`spec.tolerations` (only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
        )

        with Refused(422, message):
            await kubernetes.patch(PODS, "demo", "web", body)


async def test_a_dry_run_does_all_but_store(tmp_path: Path) -> None:
    """`kubectl diff` lives from it."""
    async with Store.open(tmp_path / "s.db") as store:
        objects = Objects(store, data_file.schemas())
        rehearsed = await objects.create(NODE, named("a"), Treatment(dry_run=True))
        at = store.revision
        await objects.create(NODE, named("a"), Treatment())
        changed = await objects.change(
            NODE.named("a"),
            lambda held: {**held, "spec": {"unschedulable": True}},
            Treatment(dry_run=True),
        )

        assert (rehearsed.key.name, at) == ("a", 0)
        assert b'"unschedulable":true' in changed.value
        assert objects.read(NODE.named("a"))["spec"] == {}
        assert store.revision == 1


async def test_an_unknown_field_is_refused_warned_of_or_dropped(tmp_path: Path) -> None:
    """As the sender wishes."""
    async with Store.open(tmp_path / "s.db") as store:
        objects = Objects(store, data_file.schemas())
        warned = Treatment(validation=FieldValidation.WARN)
        silent = Treatment(validation=FieldValidation.IGNORE)
        body = named("a", spec={"unschedulabel": True})
        await objects.create(NODE, body, warned)
        await objects.create(NODE, {**body, "metadata": {"name": "b"}}, silent)

        assert warned.warnings == ['unknown field "spec.unschedulabel"']
        assert silent.warnings == []
        assert objects.read(NODE.named("b"))["spec"] == {}


async def test_an_annotation_in_the_wrong_place_is_warned_of(tmp_path: Path) -> None:
    """On a Deployment it does nothing, and nobody would notice."""
    async with cluster(tmp_path) as kubernetes:
        body = deployment()
        body["metadata"]["annotations"] = {REGISTRY_HTTP_ENDPOINT: "all"}
        address = Address(resource_type.DEPLOYMENTS, "demo")
        how = Treatment(dry_run=True)
        await kubernetes._objects.create(address, body, how)

        assert how.warnings == [misplaced_warning(REGISTRY_HTTP_ENDPOINT)]
        assert await is_gone(kubernetes, PODS, "demo", "web")


async def test_a_word_for_lazy_starts_that_means_nothing_is_warned_of(tmp_path: Path) -> None:
    """The pod is taken all the same, as if it had said nothing."""
    async with cluster(tmp_path) as kubernetes:
        body = deployment()
        body["spec"]["template"]["metadata"]["annotations"] = {LAZY: "never"}
        address = Address(resource_type.DEPLOYMENTS, "demo")
        how = Treatment(dry_run=True)
        await kubernetes._objects.create(address, body, how)

        (warning,) = how.warnings
        assert warning.endswith("'never' is neither 'auto' nor 'off'; it is taken for 'auto'")
