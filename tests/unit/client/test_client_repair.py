"""A workload is mended in rounds: each verdict brings a plan, and the pod says whether it helped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.fake_kubernetes import FakeKubernetes

from towline.client.mending import Mender
from towline.client.mending_cloud import CloudMender
from towline.client.repair import Ending, Outcome, Patience, Permission, Repair, Round
from towline.client.workload import Workload
from towline.cluster.kubernetes import Object
from towline.cluster.resources import DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS
from towline.diagnosis.facts import Facts
from towline.diagnosis.mending import Widening, Wish
from towline.diagnosis.plane import PodSeen
from towline.diagnosis.verdict import Confidence, Remedy, Verdict
from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT
from towline.problem import Problem

HOST = "10.16.100.175:5000"
IMAGE = f"{HOST}/outside/app:1"
QUICK = Patience(first=0.3, after=0.6, thought=0.05, pause=0.01)
HTTP = "tls.http-server"
TAG = "manifest.tag-unknown"


def container(image: str) -> Object:
    """The only one of a pod."""
    return {"name": "app", "image": image}


class World:
    """A cluster whose kubelet runs a pod when `accepts` says so, and a doctor who knows why not."""

    def __init__(self, accepts: Callable[[Object], bool], code: Callable[[Object], str]) -> None:
        self.kubernetes = FakeKubernetes(lambda: 0.0)
        self.accepts = accepts
        self.code = code
        self.told: list[str] = []
        self.shown: list[Round] = []
        self.patience = QUICK

    async def begin(self) -> None:
        """Make the namespace."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
        await self.kubernetes.create(NAMESPACES, "", body)

    async def pod(self, name: str, **metadata: Any) -> None:
        """Make a pod, with a volume that the API has mounted in it."""
        token = {"name": "kube-api-access-x", "mountPath": "/token"}
        spec = {
            "containers": [container(IMAGE) | {"volumeMounts": [token]}],
            "volumes": [{"name": "kube-api-access-x", "projected": {}}],
        }
        named = {"name": name, "namespace": "default", **metadata}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": spec}
        await self.kubernetes.create(PODS, "default", body)

    async def of_pod(self, namespace: str, name: str) -> tuple[Verdict | None, Facts]:
        """The verdict, and first what the kubelet has done meanwhile."""
        pod = await self.kubernetes.get(PODS, namespace, name)
        code = self.code(pod)
        if not code:
            return None, Facts()
        owner = "deployment/web" if pod["metadata"].get("ownerReferences") else ""
        seen = PodSeen(
            namespace=namespace,
            name=name,
            owner=owner,
            image=pod["spec"]["containers"][0]["image"],
            annotations=pod["metadata"].get("annotations") or {},
        )
        remedy = Remedy(text="write it")
        said = Verdict(code=code, confidence=Confidence.PROVED, cause="it is so", remedy=remedy)
        return said, Facts(image=seen.image, pod=seen)

    async def deployment(self) -> None:
        """Make one of a single pod."""
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [container(IMAGE)]}}},
        }
        await self.kubernetes.create(DEPLOYMENTS, "default", body)

    async def live(self) -> None:
        """Be the controllers and the kubelet, until cancelled."""
        while True:
            for deployment in self.kubernetes.all(DEPLOYMENTS):
                await self._roll(deployment)
            for pod in self.kubernetes.all(PODS):
                await self._tend(pod)
            await asyncio.sleep(0.005)

    async def _roll(self, deployment: Object) -> None:
        template = deployment["spec"]["template"]
        name = f"web-{len(json.dumps(template))}"
        sets = {one["metadata"]["name"]: one for one in self.kubernetes.all(REPLICA_SETS)}
        if name not in sets:
            owned = {"name": name, "ownerReferences": [controller("Deployment", deployment)]}
            body = {"metadata": owned, "spec": {"replicas": 1, "template": template}}
            sets[name] = await self.kubernetes.create(REPLICA_SETS, "default", body)
        for other, held in sets.items():
            if other != name and held["spec"]["replicas"]:
                body = {"spec": {"replicas": 0}}
                await self.kubernetes.patch(REPLICA_SETS, "default", other, body)
        pods = [one["metadata"]["name"] for one in self.kubernetes.all(PODS)]
        if f"{name}-1" not in pods:
            metadata = {"name": f"{name}-1", **template.get("metadata", {})}
            metadata["ownerReferences"] = [controller("ReplicaSet", sets[name])]
            body = {"metadata": metadata, "spec": template["spec"]}
            await self.kubernetes.create(PODS, "default", body)

    async def _tend(self, pod: Object) -> None:
        """Give a pod the status that it deserves, or its end."""
        name = pod["metadata"]["name"]
        if pod["metadata"].get("deletionTimestamp"):
            options = {"gracePeriodSeconds": 0}
            await self.kubernetes.delete(PODS, "default", name, options=options)
            return
        state: dict[str, Any] = {"running": {}}
        if not self.accepts(pod):
            state = {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}
        phase = "Running" if "running" in state else "Pending"
        status = {"phase": phase, "containerStatuses": [{"name": "app", "state": state}]}
        body = {"status": status}
        await self.kubernetes.patch(PODS, "default", name, body, subresource="status")

    async def repair(
        self, target: str, wish: Wish | None = None, *flags: str, agrees: bool = True
    ) -> Outcome:
        """Mend it."""

        def agree(round_: Round) -> bool:
            self.shown.append(round_)
            return agrees

        permission = Permission(
            wish=wish or Wish(), flags=frozenset(flags), agree=agree, told=self.told.append
        )
        mender = Mender(self.kubernetes, no_cloud)
        repair = Repair(self.kubernetes, self, mender, permission, self.patience)
        async with asyncio.TaskGroup() as tasks:
            living = tasks.create_task(self.live())
            try:
                return await repair.run(Workload.parse("default", target))
            finally:
                living.cancel()


def controller(kind: str, owner: Object) -> Object:
    """The reference of what an owner has made."""
    metadata = owner["metadata"]
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }


def no_cloud() -> CloudMender:
    """Annotations and images are no matter of the cloud."""
    raise AssertionError


def speaks_http(pod: Object) -> bool:
    """Whether the pod may speak plain HTTP to the registry."""
    annotations: Mapping[str, str] = pod["metadata"].get("annotations") or {}
    return HOST in annotations.get(REGISTRY_HTTP_ENDPOINT, "")


def needs_http(pod: Object) -> str:
    """Why a pod does not run."""
    return "" if speaks_http(pod) else HTTP


ALLOWED = Wish(allowed=frozenset({Widening.HTTP}))


async def http_world() -> World:
    """A cluster whose registry speaks plain HTTP."""
    world = World(speaks_http, needs_http)
    await world.begin()
    return world


@pytest.mark.parametrize("target", ["deployment/web", "deploy/web"])
async def test_a_deployment_is_mended_in_its_template(target: str) -> None:
    """Its controller makes the pod that runs."""
    world = await http_world()
    await world.deployment()
    outcome = await world.repair(target, ALLOWED)
    template = world.kubernetes.all(DEPLOYMENTS)[0]["spec"]["template"]

    assert outcome.ending is Ending.RUNS
    assert template["metadata"]["annotations"] == {REGISTRY_HTTP_ENDPOINT: HOST}
    assert [round_.verdict.code for round_ in outcome.rounds] == [HTTP]
    assert "wait for deployment/web" in world.told


async def test_a_pod_of_a_deployment_stands_for_the_deployment() -> None:
    """The pod itself is replaced, so it is not waited for."""
    world = await http_world()
    await world.deployment()
    await world.repair("deployment/web", agrees=False)
    name = world.kubernetes.all(PODS)[0]["metadata"]["name"]
    outcome = await world.repair(f"pod/{name}", ALLOWED)

    assert outcome.ending is Ending.RUNS


async def test_nothing_is_trusted_more_without_the_flag() -> None:
    """Nobody is even asked."""
    world = await http_world()
    await world.pod("web")
    before = world.kubernetes.all(PODS)[0]["metadata"]
    outcome = await world.repair("pod/web", None, "--recreate")

    assert outcome.ending is Ending.NEEDS_FLAG
    assert outcome.rounds[-1].needs == {"--allow-http"}
    assert world.shown == []
    assert world.kubernetes.all(PODS)[0]["metadata"]["uid"] == before["uid"]


async def test_a_bare_pod_is_made_anew_only_when_that_is_said() -> None:
    """The new one is as it was written, with the annotation."""
    world = await http_world()
    await world.pod("web", labels={"app": "web"})
    refused = await world.repair("pod/web", ALLOWED)
    outcome = await world.repair("pod/web", ALLOWED, "--recreate")
    pod = world.kubernetes.all(PODS)[0]

    assert refused.ending is Ending.NEEDS_FLAG
    assert refused.rounds[-1].needs == {"--recreate"}
    assert outcome.ending is Ending.RUNS
    assert pod["metadata"]["labels"] == {"app": "web"}
    assert pod["spec"]["volumes"] == []
    assert pod["spec"]["containers"] == [container(IMAGE) | {"volumeMounts": []}]


async def test_what_is_declined_changes_nothing() -> None:
    """The plan has been shown."""
    world = await http_world()
    await world.deployment()
    outcome = await world.repair("deployment/web", ALLOWED, agrees=False)

    assert outcome.ending is Ending.DECLINED
    assert len(world.shown) == 1
    assert "metadata" not in world.kubernetes.all(DEPLOYMENTS)[0]["spec"]["template"]


async def test_mending_one_thing_brings_up_the_next() -> None:
    """Two rounds, each with its own plan; a running pod's image is changed as it stands."""

    def accepts(pod: Object) -> bool:
        return bool(pod["spec"]["containers"][0]["image"].endswith(":2")) and speaks_http(pod)

    world = World(accepts, lambda pod: needs_http(pod) or TAG)
    await world.begin()
    await world.pod("web")
    wish = Wish(allowed=frozenset({Widening.HTTP}), tag="2")
    outcome = await world.repair("pod/web", wish, "--recreate")

    assert outcome.ending is Ending.RUNS
    assert [round_.verdict.code for round_ in outcome.rounds] == [HTTP, TAG]


async def test_what_does_not_help_is_not_done_twice() -> None:
    """The pod still fails when its time is over."""
    world = World(lambda pod: False, lambda pod: HTTP)
    await world.begin()
    await world.deployment()
    outcome = await world.repair("deployment/web", ALLOWED)

    assert outcome.ending is Ending.STILL_FAILS
    assert len(world.shown) == 1


async def test_a_second_cause_that_is_not_ours_is_not_waited_for() -> None:
    """It is proved, and what was mended could not bring it away."""
    world = World(lambda pod: False, lambda pod: needs_http(pod) or "manifest.name-unknown")
    world.patience = replace(QUICK, after=3600.0)
    await world.begin()
    await world.deployment()
    outcome = await world.repair("deployment/web", ALLOWED)

    assert outcome.ending is Ending.STILL_FAILS
    assert [round_.verdict.code for round_ in outcome.rounds][:1] == [HTTP]


@pytest.mark.parametrize(
    ("code", "ending", "needs"),
    [
        ("blob.truncated", Ending.NOT_IN_OUR_HANDS, set()),
        (TAG, Ending.NEEDS_FLAG, {"--tag"}),
        ("", Ending.UNKNOWN, set()),
    ],
    ids=["not-ours", "tag", "unknown"],
)
async def test_what_cannot_be_mended_is_said(code: str, ending: Ending, needs: set[str]) -> None:
    """Nothing is changed."""
    world = World(lambda pod: False, lambda pod: code)
    await world.begin()
    await world.pod("web")
    outcome = await world.repair("pod/web")

    assert outcome.ending is ending
    assert [set(round_.needs) for round_ in outcome.rounds] == ([needs] if code else [])


async def test_a_pod_that_runs_needs_nothing() -> None:
    """And none is diagnosed."""
    world = World(lambda pod: True, lambda pod: "never.asked")
    await world.begin()
    await world.pod("web")
    outcome = await world.repair("pod/web")

    assert outcome == Outcome(ending=Ending.RUNS, rounds=())


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("pod/none", "no-such-workload"),
        ("web", "workload-malformed"),
        ("node/a", "workload-malformed"),
    ],
)
async def test_what_is_not_there_is_named(target: str, code: str) -> None:
    """With what to look at."""
    world = await http_world()
    with pytest.raises((Problem, BaseExceptionGroup)) as caught:
        await world.repair(target)

    error = caught.value
    problem = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
    assert isinstance(problem, Problem)
    assert problem.code == code
