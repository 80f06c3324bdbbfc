"""How fast the Kubernetes API is over TLS: creates, lists, watch events; beside a real one, as recorded.

    .venv/bin/python bench/cluster.py [FOLDER]

The server is a process of its own, the client another, on the same machine. The real server cannot be
installed here: its figures are those recorded in the reference, of kube-apiserver 1.36.2 with etcd 3.4.23
on two cores.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.api_process import AUTHORITY
from tests.apis import ADMIN, config_map, free_port, pod

SECONDS = 2.0
PODS, WATCHERS, EVENTS = 1000, 50, 100
RECORDED = {
    "create ConfigMap, 1 client": "538/s",
    "create ConfigMap, 16 clients": "747/s",
    "create Pod, 16 clients": "252/s",
    "list 1000 pods": "73 ms",
    f"watch, {WATCHERS} clients": "7620 events/s",
}


def path_of(plural: str) -> str:
    """Where the objects of the namespace that is measured in live."""
    return f"/api/v1/namespaces/default/{plural}"


async def creates(
    session: aiohttp.ClientSession, plural: str, clients: int, body: dict[str, Any]
) -> float:
    """Creates a second by clients that each wait for their answer."""
    count, end = 0, time.perf_counter() + SECONDS

    async def create(name: str) -> None:
        nonlocal count
        number = 0
        while time.perf_counter() < end:
            named = {**body, "metadata": {"name": f"{name}-{number}"}}
            async with session.post(path_of(plural), json=named) as answer:
                assert answer.status == 201, await answer.text()
                await answer.read()
            number += 1
            count += 1

    async with asyncio.TaskGroup() as tasks:
        for client in range(clients):
            tasks.create_task(create(f"b{clients}-{client}"))
    return count / SECONDS


async def listing(session: aiohttp.ClientSession) -> float:
    """Milliseconds until a list of a thousand pods is read, at the median."""
    taken = []
    for _ in range(15):
        begin = time.perf_counter()
        async with session.get(path_of("pods"), params={"limit": str(PODS)}) as answer:
            assert (await answer.read()).count(b'"creationTimestamp"') >= PODS
        taken.append(time.perf_counter() - begin)
    return median(taken) * 1000


async def watching(session: aiohttp.ClientSession) -> float:
    """Events a second that all watchers together are told."""
    async with session.get(path_of("configmaps"), params={"limit": "1"}) as answer:
        version = (await answer.json())["metadata"]["resourceVersion"]
    query = {"watch": "true", "resourceVersion": version}
    opened = [
        await session.get(path_of("configmaps"), params=query, timeout=aiohttp.ClientTimeout(60))
        for _ in range(WATCHERS)
    ]

    async def follow(answer: aiohttp.ClientResponse) -> None:
        told = 0
        async for chunk in answer.content.iter_any():
            told += chunk.count(b"\n")
            if told >= EVENTS:
                return

    async def create(number: int) -> None:
        body = config_map(f"event-{number}", key="value")
        async with session.post(path_of("configmaps"), json=body) as answer:
            await answer.read()

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for one in opened:
            tasks.create_task(follow(one))
        for number in range(EVENTS):
            tasks.create_task(create(number))
    taken = time.perf_counter() - begin
    for one in opened:
        one.close()
    return WATCHERS * EVENTS / taken


async def measure(server: str, authority: Path) -> dict[str, str]:
    """All figures, in words."""
    tls = ssl.create_default_context(cafile=str(authority))
    headers = {"Authorization": f"Bearer {ADMIN}"}
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    async with aiohttp.ClientSession(server, connector=connector, headers=headers) as session:
        small = config_map("x", key="value")
        return {
            "create ConfigMap, 1 client": f"{await creates(session, 'configmaps', 1, small):.0f}/s",
            "create ConfigMap, 16 clients": f"{await creates(session, 'configmaps', 16, small):.0f}/s",
            "create Pod, 16 clients": f"{await creates(session, 'pods', 16, pod('x')):.0f}/s",
            "list 1000 pods": f"{await listing(session):.0f} ms",
            f"watch, {WATCHERS} clients": f"{await watching(session):.0f} events/s",
        }


def main() -> None:
    """Print one line per measurement."""
    place = sys.argv[1] if len(sys.argv) > 1 else "."
    with tempfile.TemporaryDirectory(dir=place, prefix="bench-cluster-") as name:
        port = free_port()
        command = [sys.executable, "-m", "tests.api_process", name, str(port)]
        root = Path(__file__).parent.parent
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            server.stdout.readline()
            try:
                found = asyncio.run(measure(f"https://127.0.0.1:{port}", Path(name) / AUTHORITY))
            finally:
                server.kill()
    print(f"{'':32}{'Towline':>16}{'kube-apiserver (recorded)':>28}")
    for what, figure in found.items():
        print(f"{what:32}{figure:>16}{RECORDED[what]:>28}")


if __name__ == "__main__":
    main()
