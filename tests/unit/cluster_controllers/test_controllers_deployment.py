"""Deployments: how pods of one template make way for those of the next, and what is said of it."""

from __future__ import annotations

from typing import Any

from tests.unit.cluster_controllers.cluster import (
    Cluster,
    cluster,
    deployment,
    image_of,
    is_ready,
    settle,
    with_image,
)
from tests.virtual_time import run

from towline.cluster.controllers.deployment_status import condition_of
from towline.cluster.kubernetes import ApiError, Object
from towline.cluster.resources import DEPLOYMENTS, PODS, REPLICA_SETS


async def _create(held: Cluster, **spec: Any) -> None:
    await held.kubernetes.create(DEPLOYMENTS, "demo", deployment(**spec))
    await settle()


async def _patch(held: Cluster, body: Object) -> None:
    await held.kubernetes.patch(DEPLOYMENTS, "demo", "web", body)
    await settle()


def _condition(thing: Object, type_name: str) -> tuple[str, str, str]:
    found = condition_of(thing["status"], type_name)
    assert found is not None
    return found["status"], found["reason"], found["message"]


def test_a_new_deployment_gets_its_pods_by_a_replica_set_named_after_its_template() -> None:
    """The ReplicaSet and its pods carry the hash of the template."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held)
            [made] = held.kubernetes.all(REPLICA_SETS)
            pods = held.pods()

            label = made["metadata"]["labels"]["pod-template-hash"]
            assert made["metadata"]["name"] == f"web-{label}"
            assert made["spec"]["selector"]["matchLabels"] == {
                "app": "web",
                "pod-template-hash": label,
            }
            assert made["metadata"]["annotations"] == {
                "note": "hello",
                "deployment.kubernetes.io/revision": "1",
                "deployment.kubernetes.io/desired-replicas": "3",
                "deployment.kubernetes.io/max-replicas": "4",
            }
            assert [pod["metadata"]["labels"]["pod-template-hash"] for pod in pods] == [label] * 3
            assert all(is_ready(pod) for pod in pods)

    run(scenario())


def test_a_finished_rollout_says_so_in_the_words_that_kubectl_waits_for() -> None:
    """`kubectl rollout status` reads the counts, the generation and the Progressing condition."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held)
            found = await held.deployment()
            name = held.kubernetes.all(REPLICA_SETS)[0]["metadata"]["name"]

            status = found["status"]
            counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            assert [status[count] for count in counts] == [3, 3, 3, 3]
            assert "unavailableReplicas" not in status
            assert status["observedGeneration"] == found["metadata"]["generation"]
            assert _condition(found, "Available") == (
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            )
            assert _condition(found, "Progressing") == (
                "True",
                "NewReplicaSetAvailable",
                f'ReplicaSet "{name}" has successfully progressed.',
            )

    run(scenario())


def test_a_new_template_is_rolled_out_in_kubernetes_steps_and_words() -> None:
    """One more, one fewer, as the default strategy of a quarter makes of three."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held)
            await _patch(held, with_image("two"))
            old, new = (
                next(
                    one["metadata"]["name"]
                    for one in held.kubernetes.all(REPLICA_SETS)
                    if one["spec"]["template"]["spec"]["containers"][0]["image"] == image
                )
                for image in ("one", "two")
            )

            assert held.sets() == {"one": 0, "two": 3}
            assert held.said("ScalingReplicaSet") == [
                f"Scaled up replica set {old} from 0 to 3",
                f"Scaled up replica set {new} from 0 to 1",
                f"Scaled down replica set {old} from 3 to 2",
                f"Scaled up replica set {new} from 1 to 2",
                f"Scaled down replica set {old} from 2 to 1",
                f"Scaled up replica set {new} from 2 to 3",
                f"Scaled down replica set {old} from 1 to 0",
            ]

    run(scenario())


def test_a_broken_template_leaves_the_old_pods_serving_and_is_said_to_have_timed_out() -> None:
    """The new pod is the surge; no old pod goes until it is available."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held, progressDeadlineSeconds=60)
            await _patch(held, with_image("broken"))
            early = await held.deployment()
            await settle(90)
            late = await held.deployment()
            new = next(
                one["metadata"]["name"]
                for one in held.kubernetes.all(REPLICA_SETS)
                if one["spec"]["replicas"] == 1
            )

            assert held.sets() == {"one": 3, "broken": 1}
            assert _condition(early, "Progressing")[0] == "True"
            assert _condition(late, "Progressing") == (
                "False",
                "ProgressDeadlineExceeded",
                f'ReplicaSet "{new}" has timed out progressing.',
            )
            assert _condition(late, "Available")[0] == "True"

    run(scenario())


def test_going_back_to_an_old_template_uses_its_replica_set_again() -> None:
    """`kubectl rollout undo` writes the old template; the revision counts on, history is kept."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held)
            await _patch(held, with_image("two"))
            await _patch(held, with_image("one"))
            sets = held.kubernetes.all(REPLICA_SETS)
            first = next(one for one in sets if one["spec"]["replicas"] == 3)
            annotations = first["metadata"]["annotations"]
            found = await held.deployment()

            assert held.sets() == {"one": 3, "two": 0}
            assert annotations["deployment.kubernetes.io/revision"] == "3"
            assert annotations["deployment.kubernetes.io/revision-history"] == "1"
            assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"

    run(scenario())


def test_old_revisions_are_forgotten_beyond_the_limit() -> None:
    """The oldest go first, and only when they have no pods."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held, revisionHistoryLimit=1)
            for image in ("two", "three", "four"):
                await _patch(held, with_image(image))

            assert held.sets() == {"three": 0, "four": 3}

    run(scenario())


def test_recreate_lets_no_two_templates_run_at_once() -> None:
    """Not even a pod that is on its way out."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held, strategy={"type": "Recreate"})
            mixtures = list[set[str]]()
            held.kubernetes.witnesses.append(
                lambda: mixtures.append({image_of(pod) for pod in held.kubernetes.all(PODS)})
            )
            await _patch(held, with_image("two"))

            assert held.sets() == {"one": 0, "two": 3}
            assert {"one", "two"} not in mixtures

    run(scenario())


def test_a_paused_deployment_scales_and_does_not_roll() -> None:
    """It says that it is paused, and goes on when it is resumed."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held)
            await _patch(held, {"spec": {"paused": True}})
            await _patch(held, with_image("two"))
            await _patch(held, {"spec": {"replicas": 5}})
            paused, sets = await held.deployment(), held.sets()
            await _patch(held, {"spec": {"paused": None}})

            assert sets == {"one": 5}
            assert _condition(paused, "Progressing") == (
                "Unknown",
                "DeploymentPaused",
                "Deployment is paused",
            )
            assert held.sets() == {"one": 0, "two": 5}

    run(scenario())


def test_scaling_in_the_middle_of_a_rollout_gives_each_replica_set_its_share() -> None:
    """The new template is broken, so that the rollout stands still."""

    async def scenario() -> None:
        async with cluster() as held:
            rolling = {"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
            await _create(held, replicas=10, strategy=rolling)
            await _patch(held, with_image("broken"))
            before = held.sets()
            await _patch(held, {"spec": {"replicas": 15}})

            assert before == {"one": 8, "broken": 5}
            assert held.sets() == {"one": 11, "broken": 7}

    run(scenario())


def test_a_deployment_scaled_to_nothing_and_back_keeps_its_template() -> None:
    """Nothing but the number of pods changes."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held)
            await _patch(held, {"spec": {"replicas": 0}})
            none = held.sets(), len(held.pods())
            await _patch(held, {"spec": {"replicas": 2}})

            assert none == ({"one": 0}, 0)
            assert held.sets() == {"one": 2}

    run(scenario())


def test_a_hash_that_collides_is_counted_and_made_anew() -> None:
    """A stranger has the name that the new ReplicaSet would have."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held)
            [made] = held.kubernetes.all(REPLICA_SETS)
            await held.kubernetes.delete(DEPLOYMENTS, "demo", "web")
            await settle()
            stranger = {
                "metadata": {"name": made["metadata"]["name"], "labels": {"app": "other"}},
                "spec": {
                    "replicas": 0,
                    "selector": {"matchLabels": {"app": "other"}},
                    "template": {
                        "metadata": {"labels": {"app": "other"}},
                        "spec": {"containers": [{"name": "main", "image": "other"}]},
                    },
                },
            }
            await held.kubernetes.create(REPLICA_SETS, "demo", stranger)
            await _create(held)

            assert (await held.deployment())["status"]["collisionCount"] == 1
            assert held.sets() == {"other": 0, "one": 3}

    run(scenario())


def test_pods_that_cannot_be_made_are_a_failure_of_the_deployment() -> None:
    """The quota's sentence reaches `kubectl describe deployment`, and goes when pods can be made."""

    async def scenario() -> None:
        async with cluster() as held:
            held.kubernetes.refuse(PODS, ApiError(403, "Forbidden", "exceeded quota: pods=0"))
            await _create(held)
            failed = await held.deployment()
            held.kubernetes.refuse(PODS, None)
            await settle(120)
            mended = await held.deployment()

            assert _condition(failed, "ReplicaFailure") == (
                "True",
                "FailedCreate",
                "exceeded quota: pods=0",
            )
            assert "Error creating: exceeded quota: pods=0" in held.said("FailedCreate")
            assert condition_of(mended["status"], "ReplicaFailure") is None
            assert len(held.pods()) == 3

    run(scenario())


def test_a_replica_set_that_cannot_be_made_is_told_and_tried_again() -> None:
    """The condition and the event carry the API's sentence."""

    async def scenario() -> None:
        async with cluster() as held:
            held.kubernetes.refuse(REPLICA_SETS, ApiError(403, "Forbidden", "not now"))
            await _create(held)
            failed = await held.deployment()
            held.kubernetes.refuse(REPLICA_SETS, None)
            await settle(120)

            status, reason, message = _condition(failed, "Progressing")
            assert (status, reason) == ("False", "ReplicaSetCreateError")
            assert message.startswith('Failed to create new replica set "web-')
            assert message.endswith('": not now')
            assert held.sets() == {"one": 3}

    run(scenario())


def test_a_deployment_takes_over_replica_sets_that_nobody_controls() -> None:
    """Orphaned by one Deployment, they belong to the next one with the same selector."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held)
            uids = {pod["metadata"]["uid"] for pod in held.pods()}
            orphan = {"propagationPolicy": "Orphan"}
            await held.kubernetes.delete(DEPLOYMENTS, "demo", "web", options=orphan)
            await settle()
            [freed] = held.kubernetes.all(REPLICA_SETS)
            await _create(held)
            [taken] = held.kubernetes.all(REPLICA_SETS)

            assert not freed["metadata"].get("ownerReferences")
            assert taken["metadata"]["uid"] == freed["metadata"]["uid"]
            assert taken["metadata"]["ownerReferences"][0]["name"] == "web"
            assert {pod["metadata"]["uid"] for pod in held.pods()} == uids

    run(scenario())
