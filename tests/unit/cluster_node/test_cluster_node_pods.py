"""What a kubelet does with a pod, from its first event to its last: the same things in the same words."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.simulated_provider import Life, Script
from tests.unit.cluster_node.node_world import (
    IMAGE,
    World,
    container,
    ends,
    messages,
    play,
    pod,
)

from towline.cluster.kubernetes import ApiError, Unreachable
from towline.cluster.resources import CONFIG_MAPS, PODS, SECRETS

FAILURE = 'rpc error: code = NotFound desc = failed to pull and unpack image "x": x: not found'


def test_a_pod_runs_and_says_so_in_the_kubelets_words_and_order() -> None:
    """Pulling, Pulled with times and size, Created, Started; then Running, ready, with an address."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await asyncio.sleep(1)

        assert messages(world.events("a")) == [
            f'Pulling: Pulling image "{IMAGE}"',
            (
                f'Pulled: Successfully pulled image "{IMAGE}" in 1s (1s including waiting). '
                "Image size: 1000 bytes."
            ),
            "Created: Created container web",
            "Started: Started container web",
        ]
        assert {event.about for event in world.events("a")} == {"web"}
        status = (await world.pod("a"))["status"]
        assert status["podIP"] == "10.0.0.2"
        assert status["hostIP"] == "127.0.0.1"
        assert status["containerStatuses"][0]["ready"]
        assert (
            status["containerStatuses"][0]["imageID"] == f"registry.example/web@sha256:{'1' * 64}"
        )
        assert {one["type"]: one["status"] for one in status["conditions"]} == {
            "PodReadyToStartContainers": "True",
            "Initialized": "True",
            "Ready": "True",
            "ContainersReady": "True",
            "PodScheduled": "True",
        }

    play(scenario)


def test_a_failed_pull_is_told_as_the_kubelet_tells_it() -> None:
    """ErrImagePull with the runtime's text, then ImagePullBackOff that quotes it."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(always_fails=FAILURE)
        await world.apply(pod("a"))
        await world.until_reason("a", "ErrImagePull")
        waiting = (await world.status("a"))["state"]["waiting"]

        assert waiting["message"] == FAILURE

        await world.until_reason("a", "ImagePullBackOff")
        await asyncio.sleep(1)
        waiting = (await world.status("a"))["state"]["waiting"]
        told = messages(world.events("a"))

        assert waiting["message"] == f'Back-off pulling image "{IMAGE}": ErrImagePull: {FAILURE}'
        assert told[:3] == [
            f'Pulling: Pulling image "{IMAGE}"',
            f'Failed: Failed to pull image "{IMAGE}": {FAILURE}',
            "Failed: Error: ErrImagePull",
        ]
        assert f'BackOff: Back-off pulling image "{IMAGE}"' in told
        assert "Failed: Error: ImagePullBackOff" in told
        assert (await world.pod("a"))["status"]["phase"] == "Pending"

    play(scenario)


def test_pulls_are_tried_again_later_each_time_up_to_five_minutes() -> None:
    """Between tries back-off events repeat, and count, at the pace of a kubelet's syncs."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(pull_seconds=0.5, always_fails=FAILURE)
        await world.apply(pod("a"))
        times: list[float] = []
        clock = asyncio.get_running_loop().time
        while clock() < 3600:
            before = len(world.provider.keyrings)
            await asyncio.sleep(1)
            if len(world.provider.keyrings) > before:
                times.append(clock())
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]

        for gap, pause in zip(gaps, (10, 20, 40, 80, 160, 300, 300), strict=False):
            assert pause <= gap <= pause + 18
        back_off = next(one for one in world.events("a") if one.reason == "BackOff")
        assert back_off.count > 15

    play(scenario)


def test_an_image_that_is_mended_is_pulled_and_the_pod_runs() -> None:
    """Failures are not for good."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(pull_errors=[FAILURE] * 3)
        await world.apply(pod("a"))
        await world.until_phase("a", "Running", within=120)

        assert (await world.status("a"))["restartCount"] == 0
        assert await world.reason("a") == "Running"

    play(scenario)


def test_another_image_for_a_pod_in_back_off_is_pulled_at_once() -> None:
    """Back-off is kept by pod and image."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(always_fails=FAILURE)
        await world.apply(pod("a"))
        await world.until_reason("a", "ImagePullBackOff")
        good = {"spec": {"containers": [container(image="registry.example/web:2")]}}
        await world.kubernetes.patch(PODS, "demo", "a", good)
        took = await world.until_phase("a", "Running")

        assert took < 3

    play(scenario)


@pytest.mark.parametrize(
    ("image", "policy", "reason", "told"),
    [
        pytest.param(
            "Registry/UPPER:1",
            "IfNotPresent",
            "InvalidImageName",
            [
                (
                    'InspectFailed: Failed to apply default image tag "Registry/UPPER:1": couldn\'t parse '
                    'image reference "Registry/UPPER:1": invalid reference format: repository name '
                    "(UPPER) must be lowercase"
                ),
                "Failed: Error: InvalidImageName",
            ],
            id="a name that is none",
        ),
        pytest.param(
            IMAGE,
            "Never",
            "ErrImageNeverPull",
            [
                f'ErrImageNeverPull: Container image "{IMAGE}" is not present with pull policy of Never',
                "Failed: Error: ErrImageNeverPull",
            ],
            id="an image that may not be fetched",
        ),
    ],
)
def test_images_that_are_not_even_asked_for(
    image: str, policy: str, reason: str, told: list[str]
) -> None:
    """No registry is asked for what cannot or must not be had."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a", container(image=image, imagePullPolicy=policy)))
        await world.until_reason("a", reason)
        await asyncio.sleep(1)

        assert messages(world.events("a"))[:2] == told
        assert world.provider.keyrings == []

    play(scenario)


def test_a_policy_of_always_pulls_before_every_start_and_others_once() -> None:
    """The image of an earlier run of the pod is there already."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(0)
        await world.apply(pod("always", container(imagePullPolicy="Always")))
        await world.apply(pod("once"))
        await asyncio.sleep(60)

        present = f'Pulled: Container image "{IMAGE}" already present on machine'
        assert present in messages(world.events("once"))
        assert present not in messages(world.events("always"))
        assert world.reasons("always").count("Pulling") == 1  # one event, counted
        pulls = next(one for one in world.events("always") if one.reason == "Pulling")
        assert pulls.count > 2

    play(scenario)


def test_a_container_that_ends_at_once_is_started_again_later_each_time() -> None:
    """The first time at once, then after 10 s, doubled: CrashLoopBackOff, in the kubelet's words."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(3)
        created = await world.apply(pod("a"))
        await world.until_reason("a", "CrashLoopBackOff")
        await asyncio.sleep(1)
        status, full = await world.status("a"), f"a_demo({created['metadata']['uid']})"

        assert status["restartCount"] == 1
        assert status["state"]["waiting"]["message"] == (
            f"back-off 10s restarting failed container=web pod={full}"
        )
        assert status["lastState"]["terminated"]["exitCode"] == 3
        assert status["lastState"]["terminated"]["reason"] == "Error"
        assert f"BackOff: Back-off restarting failed container web in pod {full}" in messages(
            world.events("a")
        )
        assert (await world.pod("a"))["status"]["phase"] == "Running"
        await asyncio.sleep(600)
        times = [spec.id.attempt for spec in world.provider.starts]
        assert times == list(range(len(times)))
        assert 5 <= len(times) <= 7

    play(scenario)


def test_a_run_of_ten_minutes_makes_the_back_off_begin_anew() -> None:
    """What ran that long is not called crashing."""

    async def scenario(world: World) -> None:
        lives = (Life(1, 1), Life(1, 1), Life(1, 1), Life(700, 1), Life(1, 1), Life())
        world.provider.scripts[IMAGE] = Script(lives=lives)
        await world.apply(pod("a"))

        async def has_run(attempt: int) -> bool:
            return bool((await world.status("a"))["restartCount"] == attempt)

        await world.until_phase("a", "Running")

        await world.until(lambda: has_run(3), within=120)
        took = await world.until(lambda: has_run(4), within=800)

        assert took < 705

    play(scenario)


@pytest.mark.parametrize(
    ("policy", "code", "phase", "runs"),
    [
        pytest.param("Never", 0, "Succeeded", 1, id="never, well"),
        pytest.param("Never", 1, "Failed", 1, id="never, badly"),
        pytest.param("OnFailure", 0, "Succeeded", 1, id="on failure, well"),
        pytest.param("OnFailure", 1, "Running", 3, id="on failure, badly"),
        pytest.param("Always", 0, "Running", 3, id="always, well"),
    ],
)
def test_the_restart_policy_decides_what_an_end_means(
    policy: str, code: int, phase: str, runs: int
) -> None:
    """The phase and the number of runs after forty seconds."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(code)
        await world.apply(pod("a", restartPolicy=policy))
        await asyncio.sleep(22)

        assert (await world.pod("a"))["status"]["phase"] == phase
        assert len(world.provider.starts) == runs

    play(scenario)


def test_a_pod_that_has_succeeded_says_that_it_is_completed() -> None:
    """Its containers keep their end, and it is ready no more."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(0)
        await world.apply(pod("a", restartPolicy="Never"))
        await world.until_phase("a", "Succeeded")

        assert (await world.status("a"))["state"]["terminated"]["reason"] == "Completed"
        assert (await world.condition("a", "Ready"))["reason"] == "PodCompleted"
        await world.remove("a", gracePeriodSeconds=0)
        await world.until_gone("a")
        await asyncio.sleep(1)
        assert not world.provider.pods

    play(scenario)


def test_what_the_runtime_refuses_is_told_and_tried_again() -> None:
    """RunContainerError, then a restart that counts."""

    async def scenario(world: World) -> None:
        text = 'exec: "nope": executable file not found in $PATH'
        world.provider.scripts[IMAGE] = Script(lives=(Life(refused=text), Life()))
        await world.apply(pod("a"))
        await world.until_reason("a", "RunContainerError")
        status = await world.status("a")

        assert status["state"]["waiting"]["message"] == text
        assert status["lastState"]["terminated"]["exitCode"] == 128
        assert f"Failed: Error: {text}" in messages(world.events("a"))
        await world.until_reason("a", "Running")
        assert (await world.status("a"))["restartCount"] == 1

    play(scenario)


def test_init_containers_run_one_after_the_other_before_the_others() -> None:
    """Until they have, the pod is not initialized and the others wait for it."""

    async def scenario(world: World) -> None:
        world.provider.scripts["registry.example/init:1"] = ends(0, after=5)
        init = [container(name, "registry.example/init:1") for name in ("one", "two")]
        await world.apply(pod("a", initContainers=init))
        await asyncio.sleep(3)

        assert await world.reason("a") == "PodInitializing"
        condition = await world.condition("a", "Initialized")
        assert condition["message"] == "containers with incomplete status: [one two]"
        await world.until_phase("a", "Running")
        assert [spec.id.name for spec in world.provider.starts] == ["one", "two", "web"]
        statuses = (await world.pod("a"))["status"]["initContainerStatuses"]
        assert all(status["ready"] for status in statuses)

    play(scenario)


@pytest.mark.parametrize(
    ("policy", "phase"),
    [pytest.param("Never", "Failed", id="never"), pytest.param("Always", "Pending", id="always")],
)
def test_an_init_container_that_fails_holds_the_pod_or_ends_it(policy: str, phase: str) -> None:
    """The main containers never run."""

    async def scenario(world: World) -> None:
        world.provider.scripts["registry.example/init:1"] = ends(1)
        init = [container("init", "registry.example/init:1")]
        await world.apply(pod("a", initContainers=init, restartPolicy=policy))
        await asyncio.sleep(60)

        assert (await world.pod("a"))["status"]["phase"] == phase
        assert "web" not in [spec.id.name for spec in world.provider.starts]

    play(scenario)


def test_a_sidecar_runs_beside_the_others_and_ends_after_them() -> None:
    """A job with a sidecar completes: the sidecar is stopped when the main container has ended."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(0, after=10)
        sidecars = [
            container(name, "registry.example/side:1", restartPolicy="Always")
            for name in ("first", "second")
        ]
        await world.apply(pod("a", initContainers=sidecars, restartPolicy="Never"))
        await asyncio.sleep(6)

        assert world.provider.running() == ["first", "second", "web"]
        await world.until_phase("a", "Succeeded")
        assert [stopped.name for stopped, _ in world.provider.stops] == ["second", "first"]

    play(scenario)


def test_deleting_gives_the_containers_their_time_and_then_removes_everything() -> None:
    """SIGTERM with what is left of the grace period, a last status, then the API forgets the pod."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(lives=(Life(deaf=True),))
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=20)
        took = await world.until_gone("a")

        assert 20 <= took < 21
        assert world.provider.pods == {}
        killing = world.events("a")[-1]
        assert (killing.reason, killing.message) == ("Killing", "Stopping container web")

    play(scenario)


def test_a_shorter_grace_period_hurries_a_deletion_that_is_under_way() -> None:
    """The second `kubectl delete --grace-period=1` counts, without a second event."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(lives=(Life(deaf=True),))
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=300)
        await asyncio.sleep(5)
        await world.remove("a", gracePeriodSeconds=1)
        took = await world.until_gone("a")

        assert took < 4
        assert world.reasons("a").count("Killing") == 1

    play(scenario)


def test_a_pod_that_is_deleted_by_force_is_stopped_all_the_same() -> None:
    """The API has forgotten it; the node has not."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=0)
        await asyncio.sleep(2)

        assert world.provider.running() == []
        assert world.provider.pods == {}

    play(scenario)


def test_a_pod_that_is_deleted_while_its_image_is_pulled_goes_at_once() -> None:
    """The pull is given up; nothing is started any more."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(pull_seconds=600)
        await world.apply(pod("a"))
        await asyncio.sleep(3)
        await world.remove("a")
        took = await world.until_gone("a")

        assert took < 2
        assert world.provider.starts == []

    play(scenario)


def test_a_new_pod_of_the_same_name_is_another_pod() -> None:
    """It runs while the old one is still being stopped."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(lives=(Life(deaf=True),))
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=0)
        await world.apply(pod("a"))
        took = await world.until_phase("a", "Running")

        assert took < 5
        assert len(world.provider.pods) == 2
        await asyncio.sleep(40)
        assert len(world.provider.pods) == 1
        assert (await world.pod("a"))["status"]["phase"] == "Running"

    play(scenario)


def test_a_deadline_ends_the_pod_and_says_why() -> None:
    """DeadlineExceeded, and Failed."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a", activeDeadlineSeconds=30))
        took = await world.until_phase("a", "Failed")
        status = (await world.pod("a"))["status"]

        assert 29 <= took <= 32
        assert status["reason"] == "DeadlineExceeded"
        assert status["message"] == "Pod was active on the node longer than the specified deadline"
        assert world.provider.running() == []

    play(scenario)


def test_a_pod_without_a_free_address_waits_for_one() -> None:
    """FailedCreatePodSandBox, and again later."""

    async def scenario(world: World) -> None:
        world.provider.opening_fails = ["subnet has no free address"]
        await world.apply(pod("a"))
        await asyncio.sleep(2)

        assert messages(world.events("a")) == [
            "FailedCreatePodSandBox: Failed to create pod sandbox: subnet has no free address"
        ]
        await world.until_phase("a", "Running")

    play(scenario)


def test_an_agent_that_was_killed_finds_its_containers_running() -> None:
    """They are neither restarted nor lost, and the status stays as it was."""

    async def scenario(world: World) -> None:
        world.provider.scripts["registry.example/job:1"] = ends(0, after=20)
        await world.apply(pod("a", container(), container("job", "registry.example/job:1")))
        await world.until_phase("a", "Running")
        await world.end()
        before = (await world.pod("a"))["status"]
        world.begin()
        await asyncio.sleep(5)

        assert len(world.provider.starts) == 2
        assert (await world.pod("a"))["status"] == before

    play(scenario)


def test_what_ended_while_no_agent_was_there_is_noticed_afterwards() -> None:
    """The job is Succeeded although nobody saw its end; the deleted pod is removed."""

    async def scenario(world: World) -> None:
        world.provider.scripts["registry.example/job:1"] = ends(0, after=20)
        await world.apply(
            pod("job", container("job", "registry.example/job:1"), restartPolicy="Never")
        )
        await world.apply(pod("gone"))
        await world.until_phase("gone", "Running")
        await world.until_phase("job", "Running")
        await world.end()
        await world.remove("gone", gracePeriodSeconds=0)
        await asyncio.sleep(60)
        world.begin()
        await world.until_phase("job", "Succeeded")
        await asyncio.sleep(1)

        assert [held.identity.name for held in world.provider.pods.values()] == ["job"]

    play(scenario)


@pytest.mark.parametrize(
    ("policy", "phase"),
    [pytest.param("Always", "Running", id="always"), pytest.param("Never", "Failed", id="never")],
)
def test_containers_that_the_machine_has_lost_are_counted_as_ended(policy: str, phase: str) -> None:
    """After a power cut pods run again with one restart more, or have failed, as their policy says."""

    async def scenario(world: World) -> None:
        created = await world.apply(pod("a", restartPolicy=policy))
        await world.until_phase("a", "Running")
        await world.end()
        world.provider.lose(created["metadata"]["uid"])
        world.begin()
        await asyncio.sleep(30)
        pod_now = await world.pod("a")
        status = pod_now["status"]["containerStatuses"][0]

        assert pod_now["status"]["phase"] == phase
        lost = status["lastState"] if policy == "Always" else status["state"]
        assert lost["terminated"]["reason"] == "ContainerStatusUnknown"
        assert status["restartCount"] == (1 if policy == "Always" else 0)

    play(scenario)


def test_edits_of_annotations_do_not_reach_the_sandbox() -> None:
    """What counts is what stood there when the pod was opened."""

    async def scenario(world: World) -> None:
        created = await world.apply(pod("a", metadata={"annotations": {"x": "1"}}))
        await world.until_phase("a", "Running")
        await world.kubernetes.patch(PODS, "demo", "a", {"metadata": {"annotations": {"x": "2"}}})
        await asyncio.sleep(1)
        await world.end()
        world.begin()
        await asyncio.sleep(2)

        held = world.provider.pods[created["metadata"]["uid"]]
        assert held.identity.annotations == {"x": "1"}

    play(scenario)


def test_while_the_api_does_not_answer_pods_go_on_and_are_told_of_later() -> None:
    """Nothing of what happened meanwhile is lost."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(0, after=10)
        await world.apply(pod("a", restartPolicy="Never"))
        await world.until_phase("a", "Running")
        world.kubernetes.trouble = Unreachable("nobody is there")
        await asyncio.sleep(60)
        world.kubernetes.trouble = None
        took = await world.until_phase("a", "Succeeded")

        assert took < 10

    play(scenario)


def test_an_edit_of_the_image_replaces_the_container() -> None:
    """`kubectl set image` on a pod: killed, and run anew with the other image."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        newer = {"spec": {"containers": [container(image="registry.example/web:2")]}}
        await world.kubernetes.patch(PODS, "demo", "a", newer)
        await asyncio.sleep(5)

        assert world.provider.starts[-1].image.reference == "registry.example/web:2"
        assert "Killing: Container web definition changed, will be restarted" in messages(
            world.events("a")
        )
        assert (await world.status("a"))["restartCount"] == 1

    play(scenario)


def test_somebody_elses_words_in_a_status_are_kept_and_ours_restored() -> None:
    """Foreign conditions stay; a status that somebody overwrote is written again."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        foreign = {"type": "example.com/Checked", "status": "True"}
        status = (await world.pod("a"))["status"]
        wrong = {"status": {"phase": "Pending", "conditions": [*status["conditions"], foreign]}}
        await world.kubernetes.patch(PODS, "demo", "a", wrong, subresource="status")
        await asyncio.sleep(2)

        assert (await world.pod("a"))["status"]["phase"] == "Running"
        assert (await world.condition("a", "example.com/Checked"))["status"] == "True"

    play(scenario)


def test_pull_secrets_are_read_at_each_try_and_missing_ones_are_named() -> None:
    """A Secret that is made later is found by the next attempt, without a new pod."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(pull_errors=[FAILURE])
        await world.apply(pod("a", imagePullSecrets=[{"name": "one"}, {"name": "two"}]))
        await world.until_reason("a", "ErrImagePull")
        await asyncio.sleep(1)

        assert (
            "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (one, two); "
            "attempting to pull the image may not succeed." in messages(world.events("a"))
        )
        text = (
            "eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlIjp7InVzZXJuYW1lIjoidSIsInBhc3N3b3JkIjoicCJ9fX0="
        )
        kind = "kubernetes.io/dockerconfigjson"
        await world.put(SECRETS, "two", type=kind, data={".dockerconfigjson": text})
        await world.until_phase("a", "Running")
        [login] = world.provider.keyrings[-1].lookup(IMAGE)
        assert (login.username, login.password) == ("u", "p")

    play(scenario)


def test_a_broken_pull_secret_fails_the_pull_and_says_why() -> None:
    """The registry is not asked."""

    async def scenario(world: World) -> None:
        kind = "kubernetes.io/dockerconfigjson"
        await world.put(SECRETS, "bad", type=kind, data={".dockerconfigjson": "e25v"})
        await world.apply(pod("a", imagePullSecrets=[{"name": "bad"}]))
        await world.until_reason("a", "ErrImagePull")

        assert world.provider.keyrings == []
        message = (await world.status("a"))["state"]["waiting"]["message"]
        assert message.startswith("unable to parse docker config")

    play(scenario)


def test_configuration_that_lacks_something_waits_for_it() -> None:
    """CreateContainerConfigError names what is missing; when it is there the container starts."""

    async def scenario(world: World) -> None:
        await world.put(CONFIG_MAPS, "settings", data={"other": "1"})
        reference = {"configMapKeyRef": {"name": "settings", "key": "mode"}}
        await world.apply(pod("a", container(env=[{"name": "MODE", "valueFrom": reference}])))
        await world.until_reason("a", "CreateContainerConfigError")
        message = (await world.status("a"))["state"]["waiting"]["message"]

        assert message == "couldn't find key mode in ConfigMap demo/settings"
        await world.kubernetes.patch(CONFIG_MAPS, "demo", "settings", {"data": {"mode": "fast"}})
        await world.until_phase("a", "Running")
        assert world.provider.starts[0].env == (("MODE", "fast"),)

    play(scenario)


def test_a_volume_whose_secret_is_missing_keeps_the_container_from_starting() -> None:
    """FailedMount, as the kubelet says it, until the Secret is there."""

    async def scenario(world: World) -> None:
        volumes = [{"name": "keys", "secret": {"secretName": "keys"}}]
        mounts = [{"name": "keys", "mountPath": "/keys"}]
        await world.apply(pod("a", container(volumeMounts=mounts), volumes=volumes))
        await asyncio.sleep(2)

        assert messages(world.events("a")) == [
            'FailedMount: MountVolume.SetUp failed for volume "keys" : secret "keys" not found'
        ]
        assert await world.reason("a") == "ContainerCreating"
        await world.put(SECRETS, "keys", data={"id": "a2V5"})
        await world.until_phase("a", "Running")

    play(scenario)


def test_a_delete_that_the_api_refuses_for_a_while_is_tried_again() -> None:
    """No pod stays Terminating because one request failed."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=5)
        world.kubernetes.trouble = ApiError(500, "InternalError", "etcd is on fire")
        await asyncio.sleep(30)
        world.kubernetes.trouble = None

        assert await world.until_gone("a") < 20

    play(scenario)
