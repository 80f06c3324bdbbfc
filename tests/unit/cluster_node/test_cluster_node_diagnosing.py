"""How a node tells why a pull fails: beside the kubelet's words, once, and without holding it up."""

from __future__ import annotations

import asyncio
import base64
import json

from msgspec.structs import replace
from tests.simulated_provider import Script
from tests.unit.cluster_node.node_world import IMAGE, World, messages, play, pod

from towline.cluster.node.diagnosing import AT_ONCE, Diagnosing, Examiner, Trouble
from towline.cluster.node.provider import Finding
from towline.cluster.node.voice import Voice
from towline.cluster.resources import DEPLOYMENTS, REPLICA_SETS, SECRETS
from towline.diagnosis.facts import Facts
from towline.diagnosis.verdict import Confidence, Remedy, Verdict
from towline.kube.event import Happening
from towline.kube.pod import Pod
from towline.pull.attempt import Attempt

NO_LINK = Verdict(
    code="net.timeout",
    confidence=Confidence.PROVED,
    cause="the VPC has no link to the registry",
    remedy=Remedy(text="create one"),
)
NO_TAG = Verdict(
    code="manifest.tag-unknown",
    confidence=Confidence.PROVED,
    cause="web has no tag 1",
    remedy=Remedy(text="use the tag 2"),
)


def told(world: World) -> list[str]:
    """The verdicts among a pod's events."""
    return [
        f"{one.type} {one.message} x{one.count}"
        for one in world.events("a")
        if one.reason == "Diagnosed"
    ]


def test_a_failed_pull_is_explained_once_for_each_verdict() -> None:
    """Retries that fail of the same say nothing new; another cause is told beside the first."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(always_fails="dial tcp 198.18.0.1:443: i/o timeout")
        world.provider.verdict = NO_LINK
        await world.apply(pod("a"))
        await asyncio.sleep(100)
        once, cases = told(world), list(world.provider.cases)
        world.provider.verdict = NO_TAG
        await asyncio.sleep(400)

        said = "Warning net.timeout: the VPC has no link to the registry. create one (proved) x1"
        assert once == [said]
        assert len(cases) > 2
        assert cases[0].text == "dial tcp 198.18.0.1:443: i/o timeout"
        assert cases[0].attempt is not None
        assert told(world)[1:] == [
            "Warning manifest.tag-unknown: web has no tag 1. use the tag 2 (proved) x1"
        ]

    play(scenario)


def test_a_pull_that_hangs_is_explained_while_it_hangs() -> None:
    """The verdict is there before the pull gives up, and the pull goes on undisturbed."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(silent=25.0)
        world.provider.verdict = NO_LINK
        await world.apply(pod("a"))
        await world.until_reason("a", "ContainerCreating")
        await asyncio.sleep(8)
        early = told(world)
        await world.until_phase("a", "Running")

        assert len(early) == 1
        assert told(world) == early
        assert [one.text for one in world.provider.cases] == [""]
        assert any(line.startswith("Pulled: ") for line in messages(world.events("a")))

    play(scenario)


def test_a_pull_that_is_merely_slow_is_left_alone() -> None:
    """As long as bytes come, nothing is looked at."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(pull_seconds=30.0)
        world.provider.verdict = NO_LINK
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")

        assert world.provider.cases == []

    play(scenario)


def test_a_diagnosis_that_breaks_harms_nobody() -> None:
    """The pod waits and runs as if nobody had looked."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(pull_errors=["no"])
        world.provider.broken = True
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")

        assert told(world) == []
        assert world.provider.cases

    play(scenario)


def test_a_pull_that_fails_often_while_others_are_looked_at_is_looked_at_once() -> None:
    """What fails faster than anybody can look must not pile up; the latest words count."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        gate = asyncio.Event()
        seen = list[str]()

        class Slow(Examiner):
            async def examine(
                self, pod: Pod, image: str, text: str = "", attempt: Attempt | None = None
            ) -> Finding:
                seen.append(text)
                await gate.wait()
                return Finding(None, Facts())

        held = Pod.parse(await world.pod("a"))
        voice = Voice(list[Happening]().append, held)
        diagnosing = Diagnosing(Slow(world.kubernetes, world.provider))

        def fail(uid: str, text: str) -> None:
            of = replace(held, metadata=replace(held.metadata, uid=uid))
            diagnosing.explain(Trouble(of, held.spec.containers[0], voice, text))

        async with asyncio.TaskGroup() as tasks:
            run = tasks.create_task(diagnosing.run())
            for number in range(AT_ONCE):
                fail(str(number), f"{number}")
            await asyncio.sleep(1)
            for time_ in range(100):
                fail("late", f"late {time_}")
                fail("gone", f"gone {time_}")
                fail("0", f"again {time_}")
            diagnosing.forget("gone")
            gate.set()
            await asyncio.sleep(1)
            run.cancel()

        assert sorted(seen) == ["0", "1", "2", "3", "again 99", "late 99"]

    play(scenario)


def test_a_pod_is_shown_with_its_owner_and_its_secrets() -> None:
    """Whose template made it, with its annotations; hosts of Secrets, and where missing ones are."""

    async def scenario(world: World) -> None:
        login = {"auths": {"other.example": {"username": "u", "password": "hush"}}}
        content = base64.b64encode(json.dumps(login).encode()).decode()
        await world.put(
            SECRETS,
            "mine",
            type="kubernetes.io/dockerconfigjson",
            data={".dockerconfigjson": content},
        )
        elsewhere = {"metadata": {"name": "theirs"}, "type": "Opaque"}
        await world.kubernetes.create(SECRETS, "kube-node-lease", elsewhere)
        web = {"metadata": {"name": "web", "annotations": {"note": "on the workload"}}}
        deployment = await world.kubernetes.create(DEPLOYMENTS, "demo", web)
        owned = {
            "metadata": {"name": "web-1", "ownerReferences": [owner("Deployment", deployment)]}
        }
        replicas = await world.kubernetes.create(REPLICA_SETS, "demo", owned)
        world.provider.scripts[IMAGE] = Script(always_fails="no")
        metadata = {"ownerReferences": [owner("ReplicaSet", replicas)]}
        secrets = [{"name": "mine"}, {"name": "theirs"}]
        await world.apply(pod("a", metadata=metadata, imagePullSecrets=secrets))
        await world.until_reason("a", "ErrImagePull")
        await asyncio.sleep(1)
        seen = world.provider.cases[0].pod

        assert (seen.owner, seen.patched) == ("deployment/web", "deployment/web")
        assert seen.workload_annotations == {"note": "on the workload"}
        assert seen.pull_secrets[0].hosts == ("other.example",)
        assert not seen.pull_secrets[1].exists
        assert seen.pull_secrets[1].elsewhere == ("kube-node-lease",)
        assert "hush" not in repr(seen)

    play(scenario)


def owner(kind: str, held: dict[str, object]) -> dict[str, object]:
    """A reference to what made an object."""
    metadata = held["metadata"]
    assert isinstance(metadata, dict)
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }
