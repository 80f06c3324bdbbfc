"""How a node comes by the images of its pods: tries, pauses and words are the kubelet's."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.simulated_provider import Script
from tests.unit.cluster_node.node_world import (
    IMAGE,
    World,
    container,
    ends,
    messages,
    play,
    pod,
)

from towline.cluster.node.pull_progress import so_far
from towline.cluster.resources import PODS, SECRETS
from towline.pull.image_cache import CacheMatch
from towline.pull.progress import Pace

FAILURE = 'rpc error: code = NotFound desc = failed to pull and unpack image "x": x: not found'


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


def test_a_pull_that_takes_long_tells_how_far_it_is() -> None:
    """In one event that changes, beside the kubelet's own, and without silencing what follows."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(pull_seconds=600, size=600_000_000)
        await world.apply(pod("a"))
        await asyncio.sleep(8)

        told = messages(world.events("a"))
        far = f'Pulling: Pulling image "{IMAGE}": '

        assert f'Pulling: Pulling image "{IMAGE}"' in told
        assert [text for text in told if text.startswith(far)] == [
            f"{far}5.5 of 600.0 MB, 916.7 kB/s, 10m49s left"
        ]

        await world.until_phase("a", "Running", within=700)
        await asyncio.sleep(1)
        told = messages(world.events("a"))

        assert [text for text in told if text.startswith(far)] == [
            f"{far}600.0 of 600.0 MB, 1.0 MB/s"
        ]
        assert told[-1].startswith("Started: ")

    play(scenario)


def test_a_pull_to_which_nothing_comes_says_so() -> None:
    """A rate of the past would promise an end."""
    stalled = so_far("app", Pace(5_000, 20_000_000, 0))

    assert stalled.message == 'Pulling image "app": 0.0 of 20.0 MB, nothing comes'


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (
            CacheMatch("imc-1", (IMAGE,), ()),
            'ImageCacheUsed: Image cache "imc-1" has 1 of 1 images of this pod',
        ),
        (
            CacheMatch("imc-1", (IMAGE,), ("b",)),
            'ImageCacheUsed: Image cache "imc-1" has 1 of 2 images of this pod; not b',
        ),
        (
            CacheMatch("imc-1", (), (IMAGE,)),
            'ImageCacheMissed: Image cache "imc-1" has none of the 1 images of this pod',
        ),
        (
            CacheMatch("imc-1", (), (IMAGE,), "is Pending, not Ready"),
            (
                'ImageCacheMissed: Image cache "imc-1" is Pending, not Ready; '
                "images are pulled without it"
            ),
        ),
    ],
    ids=["all", "some", "none", "unusable"],
)
def test_a_pod_says_once_what_its_image_cache_has(match: CacheMatch, said: str) -> None:
    """Before the first of its images is pulled."""

    async def scenario(world: World) -> None:
        body = pod("a", container("one"), container("two"))
        uid = (await world.apply(body))["metadata"]["uid"]
        world.provider.caches[uid] = match
        await world.until_phase("a", "Running")
        told = messages(world.events("a"))

        assert told[0] == said
        assert told.count(said) == 1

    play(scenario)
