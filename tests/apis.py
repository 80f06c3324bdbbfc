"""Kubernetes APIs for tests: the real server over TLS on a port of its own, with a kubeconfig for it."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import yaml
from tests.certificates import Issued, Wish, issue

from towline.cluster.api.serve import serve
from towline.cluster.api.settings import MASTERS, Settings, User
from towline.problem import Problem
from towline.store.store import Store

ADMIN, AGENT, CONTROLLERS = "admin-token", "agent-token", "controllers-token"
USERS = {
    ADMIN: User("admin", (MASTERS,)),
    AGENT: User("system:node:agent", ("system:nodes",)),
    CONTROLLERS: User("system:kube-controller-manager"),
}
MAPS, PODS = "/api/v1/namespaces/demo/configmaps", "/api/v1/namespaces/demo/pods"
KUBECTLS = Path(__file__).parent.parent / ".cache" / "kubectl"
DEADLINE = 60  # seconds for one kubectl command; none should need them


@dataclass
class Hook:
    """What is called when a namespace was created; it can be told to refuse, or to wait first."""

    seen: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    refusal: Problem | None = None
    wait_for: asyncio.Event | None = None
    called: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    async def namespace_created(self, name: str, annotations: Mapping[str, str]) -> None:
        """Remember it, or refuse."""
        self.called.set()
        if self.wait_for is not None:
            await self.wait_for.wait()
        if self.refusal is not None:
            raise self.refusal
        self.seen.append((name, annotations))
        self.finished.set()


@dataclass(frozen=True)
class ServedApi:
    """A served API, and how to reach it."""

    server: str
    store: Store
    authority: Issued
    kubelet: Issued
    hook: Hook
    folder: Path

    def kubeconfig(self, token: str = ADMIN) -> Path:
        """A kubeconfig for one of `USERS`, or for another token."""
        path = self.folder / f"kubeconfig-{abs(hash(token))}"
        path.write_text(yaml.safe_dump(kubeconfig(self.server, self.authority.certificate, token)))
        return path

    @asynccontextmanager
    async def session(self, token: str | None = ADMIN) -> AsyncIterator[aiohttp.ClientSession]:
        """A client that trusts the server."""
        tls = ssl.create_default_context(cafile=str(self.authority.certificate))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connector = aiohttp.TCPConnector(ssl=tls, limit=0)
        async with aiohttp.ClientSession(
            self.server, connector=connector, headers=headers
        ) as session:
            yield session

    async def kubectl(
        self, version: str, *arguments: str, given: str = "", token: str = ADMIN
    ) -> Output:
        """Run kubectl, and give it something to read."""
        folder = self.folder / f"kubectl-{version}"
        command = [str(KUBECTLS / version / "kubectl"), "--kubeconfig", str(self.kubeconfig(token))]
        process = await asyncio.create_subprocess_exec(
            *command,
            *arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "HOME": str(folder), "KUBECACHEDIR": str(folder / "cache")},
        )
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate(given.encode())
        return Output(process.returncode or 0, out.decode(), err.decode())


@dataclass(frozen=True)
class Output:
    """What a command has said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Standard output, of a command that succeeded."""
        assert self.code == 0, f"exit {self.code}: {self.err or self.out}"
        return self.out


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[ServedApi]:
    """Serve the API for the length of the block."""
    authority = issue(folder, Wish(authority=True, common_name="authority"))
    kubelet = issue(folder, Wish(names=("127.0.0.1",)), authority)
    settings, hook = settings_in(folder, authority), Hook()
    ready = asyncio.Event()
    async with Store.open(folder / "cluster.db") as store, asyncio.TaskGroup() as tasks:
        role = tasks.create_task(serve(store, settings, hook, ready.set))
        await ready.wait()
        server = f"https://127.0.0.1:{settings.port}"
        yield ServedApi(server, store, authority, kubelet, hook, folder)
        role.cancel()


def settings_in(folder: Path, authority: Issued) -> Settings:
    """Settings with certificates and keys of their own, and a port that is free."""
    server = issue(folder, Wish(names=("127.0.0.1", "localhost")), authority)
    client = issue(folder, Wish(common_name="kube-apiserver"), authority)
    return Settings(
        "127.0.0.1",
        free_port(),
        server.certificate,
        server.key,
        authority.certificate,
        USERS,
        issue(folder, Wish()).key,
        client.certificate,
        client.key,
    )


def kubeconfig(server: str, authority: Path, token: str) -> dict[str, Any]:
    """What a kubeconfig file says."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "t", "cluster": {"server": server, "certificate-authority": str(authority)}}
        ],
        "users": [{"name": "t", "user": {"token": token}}],
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
        "current-context": "t",
    }


def needs_kubectl(version: str) -> None:
    """Fetch a kubectl, or skip the test loudly when it cannot be had."""
    if (KUBECTLS / version / "kubectl").exists():
        return
    tool = Path(__file__).parent.parent / "tools" / "kubectl.py"
    fetched = subprocess.run(
        ["python3", str(tool), version], capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        pytest.skip(f"kubectl {version} cannot be fetched: {fetched.stderr[-200:]}")


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def document(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The JSON of an answer."""
    read: dict[str, Any] = orjson.loads(await answer.read())
    return read


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[tuple[ServedApi, aiohttp.ClientSession]]:
    """A served API with a namespace `demo`, and an administrator's client."""
    async with serving(folder) as api, api.session() as session:
        await session.post("/api/v1/namespaces", json={"metadata": {"name": "demo"}})
        yield api, session


async def get(session: aiohttp.ClientSession, path: str, accept: str = "*/*") -> dict[str, Any]:
    """The JSON at a path."""
    async with session.get(path, headers={"Accept": accept}) as answer:
        assert answer.status == 200, await answer.text()
        return await document(answer)


async def refusal(answer: aiohttp.ClientResponse, code: int) -> dict[str, Any]:
    """The Status of a refusal with this code."""
    said = await document(answer)
    assert (answer.status, said["code"], said["status"]) == (code, code, "Failure")
    return said


def pod(name: str, *, image: str = "registry.example/app:v1", **spec: Any) -> dict[str, Any]:
    """The smallest pod."""
    containers = [{"name": "main", "image": image}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": containers, **spec},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    """The simplest object."""
    metadata: dict[str, Any] = {"name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
