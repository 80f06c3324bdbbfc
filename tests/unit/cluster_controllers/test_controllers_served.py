"""The controllers over the real API: what a user of kubectl sees of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.apis import Hook, ServedApi, needs_kubectl, settings_in
from tests.certificates import Wish, issue
from tests.unit.cluster_controllers.cluster import (
    ScriptedIssuer,
    ScriptedNode,
    deployment,
    image_of,
    is_ready,
    with_image,
)

from towline.cluster.api.local import LocalKubernetes
from towline.cluster.api.serve import serve
from towline.cluster.controllers.credential_release import CredentialRelease
from towline.cluster.controllers.run import run_controllers
from towline.cluster.kubernetes import ApiError, Kubernetes
from towline.cluster.kubernetes_http import HttpKubernetes
from towline.cluster.resources import (
    DEPLOYMENTS,
    EVENTS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from towline.kube.annotations import RELEASE_CREDENTIAL
from towline.problem import Problem
from towline.store.store import Store

DEADLINE = 30.0  # seconds; what is waited for comes in well under one


@dataclass
class Running:
    """A served cluster with its controllers and a node that only says that pods run."""

    user: Kubernetes
    api: ServedApi
    issuer: ScriptedIssuer


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    """Serve, control, and act as the node, for the length of the block."""
    authority = issue(folder, Wish(authority=True, common_name="authority"))
    settings, ready = settings_in(folder, authority), asyncio.Event()
    async with Store.open(folder / "cluster.db") as store, asyncio.TaskGroup() as tasks:
        local, issuer = LocalKubernetes(store), ScriptedIssuer(time.time)
        release = CredentialRelease(local, issuer, time.time)
        node = ScriptedNode(local, clock=time.time, pace=0.1)
        roles = [
            tasks.create_task(serve(store, settings, release, ready.set)),
            tasks.create_task(run_controllers(local, release, settings.ca_certificate.read_text())),
            tasks.create_task(node.run()),
        ]
        await ready.wait()
        server = f"https://127.0.0.1:{settings.port}"
        api = ServedApi(server, store, authority, authority, Hook(), folder)
        async with HttpKubernetes.from_kubeconfig(api.kubeconfig()) as user:
            yield Running(user, api, issuer)
        for role in roles:
            role.cancel()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(DEADLINE):
        while not await condition():  # noqa: ASYNC110  # other tasks than ours bring it about
            await asyncio.sleep(0.02)


async def _serves(held: Running, image: str, count: int) -> bool:
    pods = (await held.user.list(PODS, "demo")).items
    return (
        [image_of(pod) for pod in pods if is_ready(pod)]
        == [image] * count
        == [image_of(pod) for pod in pods]
    )


async def _namespace(held: Running, name: str, instance: str = "") -> None:
    annotations = {RELEASE_CREDENTIAL: instance} if instance else {}
    body = {"metadata": {"name": name, "annotations": annotations}}
    await held.user.create(NAMESPACES, "", body)


async def test_a_deployment_is_rolled_out_over_the_real_api(tmp_path: Path) -> None:
    """From the first pod to the last event, and down to nothing when the namespace goes."""
    async with running(tmp_path) as held:
        await _namespace(held, "demo")
        await held.user.create(DEPLOYMENTS, "demo", deployment())
        await until(lambda: _serves(held, "one", 3))
        await held.user.patch(DEPLOYMENTS, "demo", "web", with_image("two"))
        await until(lambda: _serves(held, "two", 3))
        reasons = {one["reason"] for one in (await held.user.list(EVENTS, "demo")).items}
        sets = (await held.user.list(REPLICA_SETS, "demo")).items
        await held.user.delete(NAMESPACES, "", "demo")

        async def is_gone() -> bool:
            found = (await held.user.list(NAMESPACES)).items
            return "demo" not in {one["metadata"]["name"] for one in found}

        await until(is_gone)
        left = [*(await held.user.list(PODS)).items, *(await held.user.list(DEPLOYMENTS)).items]

    assert {"ScalingReplicaSet", "SuccessfulCreate", "SuccessfulDelete", "Scheduled"} <= reasons
    assert sorted(one["spec"]["replicas"] for one in sets) == [0, 3]
    assert left == []


async def test_a_namespace_is_answered_when_its_credential_is_there(tmp_path: Path) -> None:
    """The very next request finds the Secret, the account that names it, and pods that use it."""
    async with running(tmp_path) as held:
        await _namespace(held, "demo", "shop")
        [secret] = (await held.user.list(SECRETS, "demo")).items
        account = await held.user.get(SERVICE_ACCOUNTS, "demo", "default")
        pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "m", "image": "i"}]}}
        made = await held.user.create(PODS, "demo", pod)

    assert secret["metadata"]["name"] == "100-tcr-shop-dockercfg"
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert account["imagePullSecrets"] == [{"name": "100-tcr-shop-dockercfg"}]
    assert made["spec"]["imagePullSecrets"] == account["imagePullSecrets"]


async def test_a_namespace_whose_credential_cannot_be_had_is_not_created(tmp_path: Path) -> None:
    """The creator is told why and what to do."""
    async with running(tmp_path) as held:
        held.issuer.problem = Problem("none", cause="there is no instance x", remedy="make it")
        with pytest.raises(ApiError, match="there is no instance x; make it"):
            await _namespace(held, "demo", "x")
        with pytest.raises(ApiError, match="not found"):
            await held.user.get(NAMESPACES, "", "demo")


async def test_kubectl_follows_a_rollout_and_takes_it_back(tmp_path: Path) -> None:
    """`rollout status`, `history` and `undo` understand what the controllers write."""
    needs_kubectl("1.33")
    async with running(tmp_path) as held:
        await _namespace(held, "demo")
        await held.user.create(DEPLOYMENTS, "demo", deployment())
        rollout = ("-n", "demo", "rollout")
        first = await held.api.kubectl("1.33", *rollout, "status", "deployment/web")
        image = ("-n", "demo", "set", "image", "deployment/web", "main=two")
        await held.api.kubectl("1.33", *image)
        await held.api.kubectl("1.33", *rollout, "status", "deployment/web")
        history = await held.api.kubectl("1.33", *rollout, "history", "deployment/web")
        undone = await held.api.kubectl("1.33", *rollout, "undo", "deployment/web")
        await held.api.kubectl("1.33", *rollout, "status", "deployment/web")
        await until(lambda: _serves(held, "one", 3))
        described = await held.api.kubectl("1.33", "-n", "demo", "describe", "deployment/web")

    assert first.said.endswith('deployment "web" successfully rolled out\n')
    assert [line.split()[0] for line in history.said.splitlines()[2:4]] == ["1", "2"]
    assert undone.said == "deployment.apps/web rolled back\n"
    assert "deployment.kubernetes.io/revision: 3" in described.said
    assert "Progressing    True    NewReplicaSetAvailable" in described.said
