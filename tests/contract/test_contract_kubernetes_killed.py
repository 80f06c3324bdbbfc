"""The API's process is killed with SIGKILL while many create: what was acknowledged is there afterwards."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from tests.api_process import AUTHORITY
from tests.apis import ADMIN, config_map, free_port, kubeconfig

from towline.cluster.kubernetes import ApiError
from towline.cluster.kubernetes_http import HttpKubernetes
from towline.cluster.resources import CONFIG_MAPS, NAMESPACES

pytestmark = pytest.mark.slow
WRITERS, ENOUGH = 8, 200
ROOT = Path(__file__).parent.parent.parent


@asynccontextmanager
async def process(folder: Path) -> AsyncIterator[tuple[HttpKubernetes, asyncio.subprocess.Process]]:
    """A running server and a client of it."""
    port = free_port()
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.api_process",
        str(folder),
        str(port),
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert running.stdout is not None
    try:
        assert await running.stdout.readline() == b"ready\n"
        written = kubeconfig(f"https://127.0.0.1:{port}", folder / AUTHORITY, ADMIN)
        (folder / "kubeconfig").write_text(yaml.safe_dump(written))
        async with HttpKubernetes.from_kubeconfig(folder / "kubeconfig") as cluster:
            yield cluster, running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Eight writers, one kill, one restart; the restarted server takes new objects as well."""
    acknowledged: set[str] = set()

    async def write(cluster: HttpKubernetes, writer: int, enough: asyncio.Event) -> None:
        for number in range(10_000):
            name = f"one-{writer}-{number}"
            try:
                await cluster.create(CONFIG_MAPS, "demo", config_map(name, value="x" * 500))
            except ApiError:
                return  # the server is gone
            acknowledged.add(name)
            if len(acknowledged) >= ENOUGH:
                enough.set()

    async with process(tmp_path) as (cluster, running):
        await cluster.create(NAMESPACES, "", {"metadata": {"name": "demo"}})
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for writer in range(WRITERS):
                tasks.create_task(write(cluster, writer, enough))
            await enough.wait()
            running.kill()
    async with process(tmp_path) as (cluster, _):
        listed = await cluster.list(CONFIG_MAPS, "demo")
        await cluster.create(CONFIG_MAPS, "demo", config_map("after"))

    assert len(acknowledged) >= ENOUGH
    assert acknowledged <= {one["metadata"]["name"] for one in listed.items}
