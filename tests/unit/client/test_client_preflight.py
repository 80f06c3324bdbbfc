"""What `kubectl apply` is warned of: what is certain of its images, and never more than that."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from tests.fake_kubernetes import FakeKubernetes
from tests.images import MadeImage, file, image, index, tar
from tests.registries import ScriptedRegistry, scripted

from towline.client.image_examiner import ImageExaminer
from towline.client.lookout import from_here
from towline.client.preflight import ImagePreflight
from towline.client.pull_planes import PullQuestion
from towline.cluster.api.address import Address, Treatment
from towline.cluster.api.foresight import Foresight, Preflight
from towline.cluster.node.node_object import SUBNET_ANNOTATION
from towline.cluster.resources import NAMESPACES, NODES, SECRETS
from towline.diagnosis.plane import InstanceSeen, Known, Plane
from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT
from towline.kube.resource_type import DEPLOYMENTS, PODS, ResourceType
from towline.kube.secret import docker_config_json
from towline.network.trace_hop import Act, Hop, Place, Trace
from towline.network.trace_stop import Stop
from towline.oci.digest import Digest
from towline.oci.platform import Platform
from towline.store.record import Record

HOST = "demo.tencentcloudcr.com"
SMALL = image(tar(file("hello", b"hello")))


@dataclass
class Planes:
    """A control plane that knows one registry, served by a door on this machine."""

    port: int
    stops: dict[str, Stop] = field(default_factory=dict)
    """What stops packets, by the subnet that they come from."""
    public: bool = False
    elsewhere: Plane = field(default_factory=lambda: Plane(host="", address="198.18.7.7"))
    """What it knows of the way to any other registry."""
    asked: list[PullQuestion] = field(default_factory=list)

    async def plane(self, asked: PullQuestion) -> Plane:
        """The facts about that registry, and where any other is."""
        self.asked.append(asked)
        if not asked.image.startswith(HOST):
            return self.elsewhere
        stop = self.stops.get(asked.source)
        hop = Hop(place=Place.ROUTER, id="r", act=Act.DROPPED, sources=("",), destination="")
        return Plane(
            host=HOST,
            instance=InstanceSeen(id="tcr-1", name="demo", domain=HOST, loopback_port=self.port),
            namespace_exists=Known.YES,
            namespace_is_public=Known.of(self.public),
            registry_namespace="team",
            subnet_id=asked.source,
            vpc_id="vpc-1",
            address="198.18.0.10",
            trace=Trace((hop,), stop),
        )


@dataclass
class Sky:
    """A cluster with one node, the registry, and who looks at images."""

    kubernetes: FakeKubernetes
    registry: ScriptedRegistry
    planes: Planes
    preflight: ImagePreflight

    async def warnings(self, *images: str, secret: str = "", **more: Any) -> tuple[str, ...]:
        """What a pod of these images is told."""
        return await self.preflight.warnings(pod(*images, secret=secret, **more))


def pod(*images: str, secret: str = "", **metadata: Any) -> dict[str, Any]:
    """A pod as it would be stored."""
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": one} for one in images]}
    if secret:
        spec["imagePullSecrets"] = [{"name": secret}]
    metadata = {"name": "a", "namespace": "shop", **metadata}
    return {"kind": "Pod", "metadata": metadata, "spec": spec}


@asynccontextmanager
async def sky(made: MadeImage = SMALL) -> AsyncIterator[Sky]:
    """All of it, over real sockets."""
    kubernetes = FakeKubernetes(time.time)
    await kubernetes.create(NAMESPACES, "", {"metadata": {"name": "shop"}})
    annotations = {SUBNET_ANNOTATION: "subnet-1"}
    await kubernetes.create(NODES, "", {"metadata": {"name": "n", "annotations": annotations}})
    data = {".dockerconfigjson": docker_config_json([HOST], "user", "word")}
    secret = {"metadata": {"name": "key"}, "type": "kubernetes.io/dockerconfigjson", "data": data}
    await kubernetes.create(SECRETS, "shop", secret)
    async with scripted(ScriptedRegistry(made, login=("user", "word"))) as registry:
        planes = Planes(int(registry.address.rpartition(":")[2]))
        examiner = ImageExaminer(planes, from_here({}, None), Platform.of_machine("x86_64"))
        yield Sky(kubernetes, registry, planes, ImagePreflight(kubernetes, examiner))


async def test_what_works_is_not_warned_of() -> None:
    """And it is looked at with the pod's own credential, from the cluster's own subnet."""
    async with sky() as world:
        said = await world.warnings(f"{HOST}/team/web", secret="key")
        asked = world.planes.asked[0]

        assert said == ()
        assert (asked.source, asked.login and asked.login.username) == ("subnet-1", "user")
        assert any("/manifests/latest" in line for line in world.registry.seen)


async def test_pods_that_are_created_together_are_looked_at_together() -> None:
    """The registry is asked twice at most: by the first pod, and for all others."""
    image = f"{HOST}/team/web:2"
    async with sky() as world:
        one = await world.warnings(image, secret="key")
        once = len(world.registry.seen)
        async with asyncio.TaskGroup() as tasks:
            crowd = [tasks.create_task(world.warnings(image, secret="key")) for _ in range(10)]

        assert {task.result() for task in crowd} == {one}
        assert len(world.registry.seen) <= 3 * once


async def test_what_the_registry_does_not_have_is_said_of_each_container() -> None:
    """With the place of the image in the object."""
    async with sky() as world:
        world.registry.overrides = {"GET /tags/list": tags}
        said = await world.warnings(f"{HOST}/team/web", f"{HOST}/team/web:2", secret="key")

        assert len(said) == 1
        assert said[0].startswith(f"spec.containers[1].image: {HOST}/team/web:2: ")


async def tags(_: web.Request) -> web.StreamResponse:
    """The one tag that there is."""
    return web.json_response({"name": "team/web", "tags": ["latest"]})


async def test_a_workload_is_told_of_its_template() -> None:
    """No credential, for pods that will be."""
    async with sky() as world:
        template = {"metadata": {}, "spec": pod(f"{HOST}/team/web")["spec"]}
        metadata = {"name": "web", "namespace": "shop"}
        item = {"kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
        (said,) = await world.preflight.warnings(item)

        assert said.startswith("spec.template.spec.containers[0].image: ")
        assert "(auth.missing-credential)" in said


async def test_no_way_to_the_registry_is_said_only_when_no_subnet_has_one() -> None:
    """A pod may run in any of them."""
    async with sky() as world:
        annotations = {SUBNET_ANNOTATION: "subnet-2"}
        node = {"metadata": {"name": "m", "annotations": annotations}}
        await world.kubernetes.create(NODES, "", node)
        world.planes.stops = {"subnet-2": Stop.NO_NAT_GATEWAY}
        one = await world.warnings(f"{HOST}/team/web", secret="key")
        world.planes.stops = {"subnet-1": Stop.NO_ROUTE, "subnet-2": Stop.NO_NAT_GATEWAY}
        (both,) = await world.warnings(f"{HOST}/team/web", secret="key")

        assert one == ()
        assert "(net.timeout.public-ip)" in both


def altered(made: MadeImage, **document: Any) -> MadeImage:
    """The same image with another config document."""
    config = json.dumps({**json.loads(made.blobs[made.config]), **document}).encode()
    manifest = json.loads(made.manifest)
    manifest["config"] |= {"digest": str(Digest.of(config)), "size": len(config)}
    return replace(
        made,
        manifest=json.dumps(manifest).encode(),
        config=Digest.of(config),
        blobs={**made.blobs, Digest.of(config): config},
    )


def typed(made: MadeImage, part: str, media_type: str) -> MadeImage:
    """The same image whose config or layer says that it is something else."""
    manifest = json.loads(made.manifest)
    held = manifest[part] if part == "config" else manifest[part][0]
    held["mediaType"] = media_type
    return replace(made, manifest=json.dumps(manifest).encode())


SILENT = {
    "platform.wrong-arch": altered(SMALL, architecture="arm64"),
    "platform.wrong-os": altered(SMALL, os="windows"),
    "manifest.not-an-image": typed(SMALL, "config", "application/vnd.cncf.helm.config.v1+json"),
    "unpack.unsupported-layer": typed(SMALL, "layers", "application/vnd.example.layer"),
    "platform.no-match": replace(
        SMALL,
        manifest=index((SMALL, "linux/arm64")),
        media_type="application/vnd.oci.image.index.v1+json",
    ),
}


@pytest.mark.parametrize("code", SILENT)
async def test_what_would_be_pulled_and_not_run_is_said(code: str) -> None:
    """Faults that a runtime passes over in silence, or finds when it is too late."""
    async with sky(SILENT[code]) as world:
        (said,) = await world.warnings(f"{HOST}/team/web", secret="key")

        assert f"({code})" in said


async def test_registries_that_only_pods_reach_are_left_alone() -> None:
    """What this machine sees under their names is not what a pod would see."""
    async with sky() as world:
        assert await world.warnings(f"{world.registry.address}/team/web:9") == ()


async def test_an_image_that_takes_too_long_does_not_silence_the_others() -> None:
    """And what the records prove needs no look at all."""
    async with sky() as world:
        world.planes.stops = {"subnet-1": Stop.NO_NAT_GATEWAY}

        async def hang(request: web.Request) -> web.StreamResponse:
            del request
            await asyncio.sleep(3600)
            raise AssertionError

        world.registry.overrides = {"GET /v2/": hang}
        (stopped,) = await world.warnings(f"{HOST}/team/web", secret="key")
        world.planes.stops = {}
        (said,) = await world.warnings(f"{HOST}/team/web", f"{HOST}/team/WEB", secret="key")

        assert "(net.timeout.public-ip)" in stopped
        assert "(reference.invalid)" in said


async def test_a_registry_on_this_machines_loopback_is_not_the_pods() -> None:
    """Whatever answers there, it is another one than the pod would meet, or none."""
    async with sky() as world:
        plain = {REGISTRY_HTTP_ENDPOINT: "all"}
        world.planes.elsewhere = Plane(host="127.0.0.1", address="127.0.0.1", vpc_id="vpc-1")
        said = await world.warnings(f"{world.registry.address}/team/web:9", annotations=plain)

        assert world.registry.seen
        assert said == ()


class Slow:
    """Takes longer than anybody waits."""

    async def warnings(self, item: dict[str, Any]) -> Sequence[str]:
        """After an hour."""
        del item
        await asyncio.sleep(3600)
        return ("too late",)


class Broken:
    """Has a defect."""

    async def warnings(self, item: dict[str, Any]) -> Sequence[str]:
        """Never."""
        raise RuntimeError(item)


class Sure:
    """Knows something."""

    async def warnings(self, item: dict[str, Any]) -> Sequence[str]:
        """Of every object."""
        return (f"{item['kind']} is wrong",)


FORESIGHTS: list[tuple[Preflight, ResourceType, str, list[str]]] = [
    (Slow(), PODS, "", []),
    (Broken(), PODS, "", []),
    (Sure(), PODS, "", ["Pod is wrong"]),
    (Sure(), DEPLOYMENTS, "", ["Deployment is wrong"]),
    (Sure(), PODS, "status", []),
]


@pytest.mark.parametrize(("preflight", "resource", "below", "said"), FORESIGHTS)
async def test_a_write_is_never_held_up(
    preflight: Preflight, resource: ResourceType, below: str, said: list[str]
) -> None:
    """What takes long or breaks is left out, and a status is nobody's wish."""
    address, how = Address(resource, "shop", "a", below), Treatment()
    content = json.dumps({"kind": resource.kind, "metadata": {}}).encode()
    record = Record(address.key, content, 1, 1)
    await Foresight(preflight).look(address, record, how)

    assert how.warnings == said
