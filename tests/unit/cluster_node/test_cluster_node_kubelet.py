"""The kubelet's own HTTPS, over real sockets: it answers the API and nobody else."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.certificates import Issued, Wish, issue
from tests.fake_kubernetes import FakeKubernetes
from tests.simulated_provider import Life, Script, SimulatedProvider
from tests.unit.cluster_node.node_world import IMAGE, NODE, SUBNET, FixedSubnets, pod

from towline.cluster.node.serve import serve
from towline.cluster.node.settings import NodeSettings
from towline.cluster.resources import NAMESPACES, NODES, PODS
from towline.diagnosis.facts_document import read_facts
from towline.diagnosis.verdict import Confidence, Remedy, Verdict


@dataclass
class Agent:
    """A whole agent in real time, and how to speak to it."""

    kubernetes: FakeKubernetes
    provider: SimulatedProvider
    session: aiohttp.ClientSession
    url: str
    authority: Issued
    api: Issued

    def tls(self, client: Issued | None) -> ssl.SSLContext:
        """A client that trusts the agent, and may have a certificate of its own."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if client:
            context.load_cert_chain(client.certificate, client.key)
        return context

    async def get(self, path: str, **query: str) -> tuple[int, str]:
        """What the API gets."""
        async with self.session.get(
            f"{self.url}{path}", params=query, ssl=self.tls(self.api)
        ) as answer:
            return answer.status, await answer.text()

    async def run(self, name: str) -> dict[str, Any]:
        """A pod that runs."""
        made = await self.kubernetes.create(PODS, "demo", pod(name))
        await self.until(name, "Running")
        return made

    async def until(self, name: str, phase: str) -> None:
        """Wait for a phase."""
        events = self.kubernetes.watch(PODS, "demo", resource_version="0")
        async for event in events:
            thing = event.object
            if thing["metadata"]["name"] == name and thing["status"]["phase"] == phase:
                return


@asynccontextmanager
async def agent(folder: Path) -> AsyncIterator[Agent]:
    """The agent, with an authority of its own."""
    authority = issue(folder, Wish(authority=True, common_name="towline"))
    server = issue(folder, Wish(names=("127.0.0.1",)), authority)
    api = issue(folder, Wish(common_name="kube-apiserver"), authority)
    kubernetes = FakeKubernetes(time.time)
    for name in ("demo", "kube-node-lease"):
        await kubernetes.create(NAMESPACES, "", {"metadata": {"name": name}})
    provider = SimulatedProvider(time.time, folder)
    provider.scripts[IMAGE] = Script(pull_seconds=0.0)
    settings = NodeSettings("127.0.0.1", 0, server.certificate, server.key, authority.certificate)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as session:
        running = tasks.create_task(
            serve(kubernetes, provider, FixedSubnets(SUBNET), settings, ready.set)
        )
        await ready.wait()
        node = await kubernetes.get(NODES, "", NODE)
        port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
        yield Agent(kubernetes, provider, session, f"https://127.0.0.1:{port}", authority, api)
        running.cancel()


def say(folder: Path, container: str, *words: str) -> Path:
    """What a container has said."""
    path = folder / f"{container}.log"
    with path.open("a") as log:
        for word in words:
            log.write(f"2026-01-02T03:04:05.000000001+00:00 stdout F {word}\n")
    return path


async def test_the_api_gets_the_log_of_a_container(tmp_path: Path) -> None:
    """With its options."""
    async with agent(tmp_path) as node:
        uid = (await node.run("a"))["metadata"]["uid"]
        say(tmp_path, f"{uid}-web-0", "one", "two")

        assert await node.get("/containerLogs/demo/a/web") == (200, "one\ntwo\n")
        assert await node.get("/containerLogs/demo/a/web", tailLines="1") == (200, "two\n")


async def test_the_api_can_follow_a_log_until_the_container_ends(tmp_path: Path) -> None:
    """Words come as they are said; the end of the container ends the answer."""
    async with agent(tmp_path) as node:
        node.provider.scripts[IMAGE] = Script(pull_seconds=0.0, lives=(Life(), Life(3600)))
        uid = (await node.run("a"))["metadata"]["uid"]
        say(tmp_path, f"{uid}-web-0", "one")
        url, tls = f"{node.url}/containerLogs/demo/a/web", node.tls(node.api)
        async with node.session.get(url, params={"follow": "true"}, ssl=tls) as answer:
            first = await answer.content.readline()
            say(tmp_path, f"{uid}-web-0", "two")
            second = await answer.content.readline()
            await node.kubernetes.delete(PODS, "demo", "a", options={"gracePeriodSeconds": 1})
            rest = await answer.content.read()

        assert (first, second, rest) == (b"one\n", b"two\n", b"")


async def test_what_cannot_be_shown_is_refused_in_the_kubelets_words(tmp_path: Path) -> None:
    """400 while a container waits, 404 for what is not there, 422 for nonsense."""
    async with agent(tmp_path) as node:
        node.provider.scripts[IMAGE] = Script(pull_seconds=0.0, always_fails="no")
        await node.kubernetes.create(PODS, "demo", pod("a"))
        await node.until("a", "Pending")
        status, text = await node.get("/containerLogs/demo/a/web")
        while "ContainerCreating" in text or status == 404:
            status, text = await node.get("/containerLogs/demo/a/web")

        waiting = 'container "web" in pod "a" is waiting to start: '
        assert (status, text) == (400, f"{waiting}image can't be pulled")
        assert await node.get("/containerLogs/demo/a/db") == (
            404,
            'container "db" not found in pod "a"\n',
        )
        assert await node.get("/containerLogs/demo/b/web") == (404, 'pod "b" does not exist\n')
        assert (await node.get("/containerLogs/demo/a/web", tailLines="-1"))[0] == 422


async def test_nobody_but_the_api_is_answered(tmp_path: Path) -> None:
    """Neither without a certificate nor with one of somebody else."""
    async with agent(tmp_path) as node:
        stranger = issue(tmp_path, Wish(common_name="kube-apiserver"))
        for client in (None, stranger):
            with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
                await node.session.get(f"{node.url}/healthz", ssl=node.tls(client))

        assert await node.get("/healthz") == (200, "ok")


async def test_a_certificate_of_the_authority_is_not_enough(tmp_path: Path) -> None:
    """It signs for others too, and they are no API."""
    async with agent(tmp_path) as node:
        other = issue(tmp_path, Wish(common_name="system:node:web"), node.authority)
        url = f"{node.url}/containerLogs/demo/a/web"
        async with node.session.get(url, ssl=node.tls(other)) as answer:
            status, text = answer.status, await answer.text()

        assert status == 403
        assert (
            text == "Forbidden (user=system:node:web, verb=get, resource=nodes, subresource=proxy)"
        )


async def test_the_api_may_ask_why_a_pull_fails(tmp_path: Path) -> None:
    """For every image of a pod, or for another one as if the pod pulled it."""
    async with agent(tmp_path) as node:
        node.provider.verdict = Verdict(
            code="manifest.tag-unknown",
            confidence=Confidence.PROVED,
            cause="there is no such tag",
            remedy=Remedy(text="use another"),
        )
        await node.run("a")
        status, own = await node.get("/diagnosis/demo/a")
        _, other = await node.get("/diagnosis/demo/a", image="registry.example/other:1")
        (answer,) = json.loads(own)["images"]

        assert (status, answer["image"]) == (200, IMAGE)
        assert answer["verdict"]["code"] == "manifest.tag-unknown"
        assert read_facts(answer["facts"]).image == IMAGE
        assert json.loads(other)["images"][0]["image"] == "registry.example/other:1"
        assert (await node.get("/diagnosis/demo/nobody"))[0] == 404
