"""Unmodified kubectls of three ages do their everyday work against the served API, over TLS."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.apis import ADMIN, AGENT, Output, ServedApi, needs_kubectl, serving
from tests.kubelets import NODE, kubelet

from towline.cluster.api.local import LocalKubernetes
from towline.cluster.resources import DEPLOYMENTS, EVENTS, PODS
from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT

pytestmark = pytest.mark.slow
WIDE = "AGE IP NODE NOMINATED NODE READINESS GATES"
VERSIONS = ("1.27", "1.30", "1.33")
WEB = f"""
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {{{REGISTRY_HTTP_ENDPOINT}: all}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - {{name: main, image: "registry.example/app:v1"}}
      - {{name: side, image: "registry.example/side:v1"}}
"""
RUNNING = {
    "phase": "Running",
    "conditions": [{"type": "Ready", "status": "True"}],
    "podIP": "10.0.0.9",
    "podIPs": [{"ip": "10.0.0.9"}],
    "containerStatuses": [
        {
            "name": "one",
            "ready": True,
            "restartCount": 0,
            "image": "registry.example/app:v1",
            "imageID": "",
            "state": {"running": {"startedAt": "2026-01-02T03:04:05Z"}},
        }
    ],
}


class Kubectl:
    """One version of kubectl, in the namespace `demo`."""

    def __init__(self, api: ServedApi, version: str) -> None:
        self.api = api
        self._version = version

    async def __call__(self, *arguments: str, given: str = "", token: str = ADMIN) -> Output:
        """Run a command."""
        return await self.api.kubectl(
            self._version, "-n", "demo", *arguments, given=given, token=token
        )

    async def said(self, *arguments: str, given: str = "") -> str:
        """What a command that succeeds says."""
        return (await self(*arguments, given=given)).said

    async def json(self, *arguments: str) -> dict[str, Any]:
        """What a command says with `-o json`."""
        found: dict[str, Any] = json.loads(await self.said(*arguments, "-o", "json"))
        return found


async def demo(api: ServedApi, version: str) -> Kubectl:
    """A kubectl that has made its namespace."""
    kubectl = Kubectl(api, version)
    assert await kubectl.said("create", "namespace", "demo") == "namespace/demo created\n"
    return kubectl


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A version of kubectl that is there."""
    needs_kubectl(request.param)
    return str(request.param)


async def test_kubectl_learns_what_is_served(version: str, tmp_path: Path) -> None:
    """Version, kinds, their names and their fields."""
    async with serving(tmp_path) as api:
        kubectl = await demo(api, version)
        versions = await kubectl.json("version")
        kinds = await kubectl.said("api-resources", "--namespaced=true", "-o", "name")
        field = await kubectl.said("explain", "pod.spec.containers.imagePullPolicy")
        deployment = await kubectl.said("explain", "deploy.spec.strategy.rollingUpdate")

    assert versions["serverVersion"]["minor"] == "33"
    assert {"pods", "deployments.apps", "replicasets.apps", "events"} <= set(kinds.split())
    assert "FIELD: imagePullPolicy <string>" in field
    assert "maxSurge" in deployment


async def test_a_deployment_lives_from_apply_to_delete(version: str, tmp_path: Path) -> None:
    """Applied, applied again without and with a change, scaled, patched, replaced, deleted."""
    async with serving(tmp_path) as api:
        kubectl = await demo(api, version)
        created = await kubectl("apply", "-f", "-", given=WEB)
        same = await kubectl.said("apply", "-f", "-", given=WEB)
        changed = await kubectl.said("apply", "-f", "-", given=WEB.replace("app:v1", "app:v2"))
        images = [
            one["image"]
            for one in (await kubectl.json("get", "deploy", "web"))["spec"]["template"]["spec"][
                "containers"
            ]
        ]
        await kubectl.said("scale", "deploy/web", "--replicas=5")
        await kubectl.said("set", "image", "deploy/web", "side=registry.example/side:v9")
        patch = '[{"op":"replace","path":"/spec/minReadySeconds","value":3}]'
        await kubectl.said("patch", "deploy", "web", "--type=json", "-p", patch)
        spec = '{"spec":{"revisionHistoryLimit":4}}'
        await kubectl.said("patch", "deploy", "web", "--type=merge", "-p", spec)
        await kubectl.said("rollout", "restart", "deploy/web")
        held = await kubectl.said("get", "deploy", "web", "-o", "yaml")
        replaced = await kubectl.said("replace", "-f", "-", given=held)
        found = await kubectl.json("get", "deploy", "web")
        deleted = await kubectl.said("delete", "deploy", "web")
        gone = await kubectl("get", "deploy", "web")

    assert created.said == "deployment.apps/web created\n"
    assert f"Warning: metadata.annotations[{REGISTRY_HTTP_ENDPOINT}]: has no effect" in created.err
    assert same == "deployment.apps/web unchanged\n"
    assert changed == "deployment.apps/web configured\n"
    assert images == ["registry.example/app:v2", "registry.example/side:v1"]
    assert found["spec"]["replicas"] == 5
    assert found["spec"]["minReadySeconds"] == 3
    assert found["spec"]["revisionHistoryLimit"] == 4
    assert found["spec"]["template"]["spec"]["containers"][1]["image"].endswith("side:v9")
    assert replaced == "deployment.apps/web replaced\n"
    assert deleted == 'deployment.apps "web" deleted\n'
    assert gone.err == 'Error from server (NotFound): deployments.apps "web" not found\n'


async def test_a_mistake_is_named_before_anything_is_stored(version: str, tmp_path: Path) -> None:
    """An unknown field, a wrong type, and labels that do not match their selector."""
    async with serving(tmp_path) as api:
        kubectl = await demo(api, version)
        unknown = await kubectl("create", "-f", "-", given=WEB.replace("replicas", "replicaz"))
        typed = await kubectl("create", "-f", "-", given=WEB.replace("replicas: 2", "replicas: x"))
        astray = WEB.replace("labels: {app: web}", "labels: {app: other}")
        unmatched = await kubectl("create", "-f", "-", given=astray)
        listed = await kubectl.json("get", "deploy")

    assert 'strict decoding error: unknown field "spec.replicaz"' in unknown.err
    assert "cannot be handled as a Deployment: json: cannot unmarshal string" in typed.err
    assert "`selector` does not match template `labels`" in unmatched.err
    assert listed["items"] == []


async def test_kubectl_makes_what_the_seed_makes(version: str, tmp_path: Path) -> None:
    """A registry Secret, a token, a pod; labelled, annotated, seen in every form."""
    async with serving(tmp_path) as api:
        kubectl = await demo(api, version)
        login = ("--docker-server=r.example", "--docker-username=u", "--docker-password=p")
        await kubectl.said("create", "secret", "docker-registry", "key", *login)
        await kubectl.said("run", "one", "--image=registry.example/app:v1")
        await kubectl.said("label", "pod", "one", "tier=front")
        await kubectl.said("annotate", "pod", "one", "note=x")
        table = await kubectl.said("get", "pods", "-l", "tier=front")
        wide = await kubectl.said("get", "pods", "-A", "-o", "wide")
        names = await kubectl.said("get", "secret,sa,cm", "-o", "name")
        secret = await kubectl.json("get", "secret", "key")
        token = await kubectl.said("create", "token", "default")
        may = await kubectl("auth", "can-i", "list", "pods", token=token)
        taken = await kubectl("create", "namespace", "demo")

    assert table.splitlines()[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert table.splitlines()[1].split()[:4] == ["one", "0/1", "Pending", "0"]
    assert wide.splitlines()[0].split()[5:] == WIDE.split()
    assert set(names.split()) == {
        "secret/key",
        "serviceaccount/default",
        "configmap/kube-root-ca.crt",
    }
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert may.out == "no\n"
    assert taken.err == 'Error from server (AlreadyExists): namespaces "demo" already exists\n'


async def test_describe_and_events_tell_what_happened(version: str, tmp_path: Path) -> None:
    """The pod's own events, and no others."""
    async with serving(tmp_path) as api:
        kubectl = await demo(api, version)
        await kubectl.said("run", "one", "--image=registry.example/app:v1")
        held = (await kubectl.json("get", "pod", "one"))["metadata"]
        await LocalKubernetes(api.store).create(EVENTS, "demo", _event(held))
        described = await kubectl.said("describe", "pod", "one")
        table = await kubectl.said("get", "events")
        told = await kubectl.said("events", "--for", "pod/one")

    assert "Warning  Failed" in described
    assert "(x3 over " in described
    assert 'Failed to pull image "registry.example/app:v1": not found' in described
    assert table.splitlines()[0].split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert "pod/one" in table
    assert "Failed to pull image" in told


def _event(pod: dict[str, Any]) -> dict[str, Any]:
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": "demo"}
    return {
        "metadata": {"name": "one.1", "namespace": "demo"},
        "involvedObject": {**about, "name": pod["name"], "uid": pod["uid"]},
        "reason": "Failed",
        "message": 'Failed to pull image "registry.example/app:v1": not found',
        "type": "Warning",
        "count": 3,
        "firstTimestamp": "2026-01-02T03:04:05Z",
        "lastTimestamp": "2026-01-02T03:05:05Z",
        "source": {"component": "kubelet", "host": NODE},
    }


async def test_logs_come_from_the_kubelet(version: str, tmp_path: Path) -> None:
    """As they are, as they come, and its complaint when there are none."""
    async with serving(tmp_path) as api, kubelet(api) as node:
        kubectl = await demo(api, version)
        override = json.dumps({"spec": {"nodeName": NODE}})
        await kubectl.said("run", "one", "--image=a.example/b:v1", f"--overrides={override}")
        whole = await kubectl.said("logs", "one", "--tail=5", "--timestamps")
        node.more.set()
        followed = await kubectl.said("logs", "-f", "one")
        node.complaint = (
            400,
            'container "one" in pod "one" is waiting to start: ContainerCreating',
        )
        waiting = await kubectl("logs", "one")

    assert whole == "line 0\nline 1\n"
    path, query = node.asked[0]
    assert path == "/containerLogs/demo/one/one"
    assert query == {"tailLines": "5", "timestamps": "true"}
    assert followed == "line 0\nline 1\nthe last line\n"
    assert waiting.err == (
        'Error from server (BadRequest): container "one" in pod "one" is waiting to start: '
        "ContainerCreating\n"
    )


async def test_kubectl_waits_for_what_others_do(version: str, tmp_path: Path) -> None:
    """`wait`, `rollout status`, `get -w` and `delete` end when the status says so."""
    async with serving(tmp_path) as api, asyncio.TaskGroup() as tasks:
        kubectl, cluster = await demo(api, version), LocalKubernetes(api.store)
        await kubectl.said("run", "one", "--image=registry.example/app:v1")
        await kubectl.said("apply", "-f", "-", given=WEB)
        ready = tasks.create_task(kubectl("wait", "--for=condition=Ready", "pod/one"))
        rolled = tasks.create_task(kubectl("rollout", "status", "deploy/web"))
        watched = tasks.create_task(
            kubectl("get", "pods", "-w", "--request-timeout=4s", "-o", "name")
        )
        await cluster.patch(PODS, "demo", "one", {"status": RUNNING}, subresource="status")
        status = {
            "observedGeneration": 1,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
        }
        await cluster.patch(DEPLOYMENTS, "demo", "web", {"status": status}, subresource="status")
        await asyncio.wait([ready, rolled, watched])
        table = await kubectl.said("get", "pods")
        gone = await kubectl.said("delete", "pod", "one")

    assert (await ready).said == "pod/one condition met\n"
    assert 'deployment "web" successfully rolled out' in (await rolled).said
    assert "pod/one" in (await watched).out
    assert table.splitlines()[1].split()[:3] == ["one", "1/1", "Running"]
    assert gone == 'pod "one" deleted\n'


async def test_a_stranger_is_told_what_is_missing(version: str, tmp_path: Path) -> None:
    """A wrong token, and a right that a node does not have."""
    async with serving(tmp_path) as api:
        kubectl = await demo(api, version)
        wrong = await kubectl("get", "pods", token="wrong")
        node = await kubectl("create", "configmap", "x", token=AGENT)

    assert "You must be logged in to the server" in wrong.err
    assert (
        'configmaps is forbidden: User "system:node:agent" cannot create resource "configmaps" '
        'in API group "" in the namespace "demo"' in node.err
    )


async def test_server_side_apply_is_refused_with_a_way_out(version: str, tmp_path: Path) -> None:
    """The refusal names what works."""
    async with serving(tmp_path) as api:
        kubectl = await demo(api, version)
        refused = await kubectl("apply", "--server-side", "-f", "-", given=WEB)
        dry = await kubectl.said("apply", "--dry-run=server", "-f", "-", given=WEB)
        listed = await kubectl.json("get", "deploy")

    assert "use client-side apply (kubectl apply without --server-side)" in refused.err
    assert dry == "deployment.apps/web created (server dry run)\n"
    assert listed["items"] == []
