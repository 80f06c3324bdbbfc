"""A cluster for tests: all controllers, and a node that makes pods run without running anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fake_kubernetes import FakeKubernetes
from tests.virtual_time import clock

from towline.cluster.controllers.credential_release import CredentialRelease
from towline.cluster.controllers.run import Control, run
from towline.cluster.credential import RegistryLogin
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.object_key import key_of
from towline.cluster.resources import (
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
)
from towline.kube.timestamp import to_microsecond, to_second
from towline.problem import Problem

HOUR = 3600.0


@dataclass
class ScriptedIssuer:
    """Issues numbered credentials and revokes them. `problem`, when set, is what it raises instead."""

    clock: Callable[[], float] = clock
    lifetime: float = HOUR
    problem: Problem | None = None
    issued: list[tuple[str, str]] = field(default_factory=list)
    valid: list[tuple[str, str]] = field(default_factory=list)
    """The instances' and credentials' ids, oldest first."""

    async def issue(self, instance: str, namespace: str) -> RegistryLogin:
        """A login for the instance, and a note of who asked."""
        await asyncio.sleep(0)
        if self.problem:
            raise self.problem
        self.issued.append((instance, namespace))
        now, credential = self.clock(), f"credential-{len(self.issued)}"
        self.valid.append((f"tcr-{instance}", credential))
        return RegistryLogin(
            instance_id=f"tcr-{instance}",
            credential_id=credential,
            account="100",
            servers=(f"{instance}.tencentcloudcr.com", f"{instance}-vpc.tencentcloudcr.com"),
            username="100",
            password=f"secret-{len(self.issued)}",
            issued_at=now,
            expires_at=now + self.lifetime,
        )

    async def revoke(self, instance_id: str, credential_id: str) -> None:
        """Strike it out, if it is there."""
        await asyncio.sleep(0)
        if self.problem:
            raise self.problem
        self.valid = [one for one in self.valid if one != (instance_id, credential_id)]


@dataclass
class ScriptedNode:
    """A node whose pods are ready a moment after they are bound, unless their image says `broken`."""

    kubernetes: Kubernetes
    name: str = "eklet-subnet-1"
    clock: Callable[[], float] = clock
    pace: float = 1.0
    allocatable: dict[str, str] = field(default_factory=lambda: {"pods": "1000"})
    is_silent: bool = False

    async def run(self) -> None:
        """Register, renew the lease, and serve the pods until cancelled."""
        while True:
            try:
                if not self.is_silent:
                    await self._renew()
                    await self._serve()
            except ApiError:
                pass  # the next round comes soon
            await asyncio.sleep(self.pace)

    async def _renew(self) -> None:
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        status = {"conditions": [ready], "allocatable": self.allocatable}
        spec = {"renewTime": to_microsecond(self.clock())}
        lease = {"metadata": {"name": self.name}, "spec": spec}
        try:
            await self.kubernetes.patch(
                NODES, "", self.name, {"status": status}, subresource="status"
            )
            await self.kubernetes.patch(LEASES, "kube-node-lease", self.name, {"spec": spec})
        except ApiError as error:
            if error.code != 404:
                raise
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name}, "spec": {}}
            for resource, namespace, body in (
                (NODES, "", node),
                (LEASES, "kube-node-lease", lease),
            ):
                try:
                    await self.kubernetes.create(resource, namespace, body)
                except ApiError as refused:
                    if refused.reason != "AlreadyExists":
                        raise

    async def _serve(self) -> None:
        listing = await self.kubernetes.list(
            PODS, selectors={"fieldSelector": f"spec.nodeName={self.name}"}
        )
        for pod in listing.items:
            if pod["metadata"].get("deletionTimestamp"):
                options = {
                    "gracePeriodSeconds": 0,
                    "preconditions": {"uid": pod["metadata"]["uid"]},
                }
                await self.kubernetes.delete(PODS, *key_of(pod), options=options)
            elif (pod.get("status") or {}).get("phase") == "Pending" and not _is_broken(pod):
                await self._make_ready(pod)

    async def _make_ready(self, pod: Object) -> None:
        ready = {
            "type": "Ready",
            "status": "True",
            "lastTransitionTime": to_second(self.clock()),
        }
        held = [one for one in pod["status"].get("conditions") or () if one["type"] != "Ready"]
        status = {"phase": "Running", "conditions": [*held, ready]}
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        await self.kubernetes.patch(PODS, *key_of(pod), body, subresource="status")


def _is_broken(pod: Object) -> bool:
    return any("broken" in one["image"] for one in pod["spec"]["containers"])


@dataclass
class Cluster:
    """What a test holds of a running cluster."""

    kubernetes: FakeKubernetes
    issuer: ScriptedIssuer
    release: CredentialRelease
    node: ScriptedNode
    tasks: asyncio.TaskGroup
    controllers: asyncio.Task[None]

    async def restart_controllers(self) -> None:
        """Kill the controllers and start them anew, as a supervisor does."""
        self.controllers.cancel()
        await asyncio.wait([self.controllers])
        self.release = CredentialRelease(self.kubernetes, self.issuer, clock)
        self.controllers = self.tasks.create_task(run(_control(self.kubernetes, self.release)))

    async def deployment(self, name: str = "web") -> Object:
        """A Deployment as it is now."""
        return await self.kubernetes.get(DEPLOYMENTS, "demo", name)

    def pods(self) -> list[Object]:
        """All pods that are not on their way out."""
        return [
            pod for pod in self.kubernetes.all(PODS) if not pod["metadata"].get("deletionTimestamp")
        ]

    def sets(self) -> dict[str, int]:
        """The ReplicaSets' sizes, by the image of their template."""
        return {
            one["spec"]["template"]["spec"]["containers"][0]["image"]: one["spec"]["replicas"]
            for one in self.kubernetes.all(REPLICA_SETS)
        }

    def said(self, reason: str) -> list[str]:
        """The messages of events with a reason, in order."""
        events = [one for one in self.kubernetes.all(EVENTS) if one["reason"] == reason]
        events.sort(key=lambda one: int(one["metadata"]["name"].rpartition(".")[2], 16))
        return [one["message"] for one in events]


@asynccontextmanager
async def cluster(pace: float = 1.0) -> AsyncIterator[Cluster]:
    """A cluster with a namespace `demo`, over a Kubernetes API in memory, in virtual time.

    `pace` is how often the node does its round: seldom in tests of hours.
    """
    kubernetes, issuer = FakeKubernetes(clock), ScriptedIssuer()
    for name in ("default", "kube-node-lease", "demo"):
        await make_namespace(kubernetes, name)
    release = CredentialRelease(kubernetes, issuer, clock)
    node = ScriptedNode(kubernetes, pace=pace)
    async with asyncio.TaskGroup() as tasks:
        controllers = tasks.create_task(run(_control(kubernetes, release)))
        serving = tasks.create_task(node.run())
        held = Cluster(kubernetes, issuer, release, node, tasks, controllers)
        yield held
        held.controllers.cancel()
        serving.cancel()


def _control(kubernetes: Kubernetes, release: CredentialRelease) -> Control:
    return Control(kubernetes, release, clock, authority="the CA")


async def make_namespace(
    kubernetes: Kubernetes, name: str, annotations: dict[str, str] | None = None
) -> None:
    """A namespace with its default account, as the API makes it."""
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "annotations": annotations or {}},
    }
    await kubernetes.create(NAMESPACES, "", body)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await kubernetes.create(SERVICE_ACCOUNTS, name, account)


def deployment(name: str = "web", image: str = "one", **spec: Any) -> Object:
    """A Deployment of three with one container."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "annotations": {"note": "hello"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
            **spec,
        },
    }


def with_image(image: str) -> Object:
    """A merge patch that changes the template."""
    containers = [{"name": "main", "image": image}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


def image_of(pod: Object) -> str:
    """The image of a pod's container."""
    return str(pod["spec"]["containers"][0]["image"])


def is_ready(pod: Object) -> bool:
    """Whether a pod says that it is ready."""
    conditions = pod["status"].get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


async def settle(seconds: float = 30.0) -> None:
    """Let time pass."""
    await asyncio.sleep(seconds)
