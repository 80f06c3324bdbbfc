"""How long it takes until a container runs whose image is there.

    python bench/start.py [--runs 30]

Twice: in the agent's own sandbox, from the order to start until the process runs; and in a running
installation with everything that is in between, from a pod's creation through the Kubernetes API until
the API has it as Running. There the pod gets its network and shows its credential to the registry,
as every pod does, whoever has fetched the layers before. As root.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo.stage import stage
from demo.story import REGISTRY
from demo.teller import Teller
from demo.workload import namespace, pod
from tests.images import busybox_tar, image
from tests.sandboxes import Stage, container, staged

from towline.cluster.kubernetes_http import HttpKubernetes
from towline.cluster.resources import PODS

NAMESPACE = "bench"


async def container_starts(place: Stage, runs: int) -> list[float]:
    """Start and end one container after the other: milliseconds of the starts."""
    taken = []
    for number in range(runs):
        spec = container(place.image, "exec sleep 600", name=f"run{number}")
        began = time.perf_counter()
        await place.sandbox.start(spec)
        taken.append((time.perf_counter() - began) * 1000)
        await place.sandbox.stop(spec.id, grace=0)
    return taken


async def pod_starts(kubeconfig: Path, reference: str, runs: int) -> list[float]:
    """Create and delete one pod after the other: milliseconds until it was said to run."""
    async with HttpKubernetes.from_kubeconfig(kubeconfig) as kubernetes:
        await _pod_start(kubernetes, "first", reference)
        return [await _pod_start(kubernetes, f"run{number}", reference) for number in range(runs)]


async def _pod_start(kubernetes: HttpKubernetes, name: str, reference: str) -> float:
    began = time.perf_counter()
    made = await kubernetes.create(PODS, NAMESPACE, json.loads(pod(name, reference)))
    version = made["metadata"]["resourceVersion"]
    async with asyncio.timeout(60):
        async for event in kubernetes.watch(PODS, NAMESPACE, resource_version=version):
            found = event.object
            is_it = found["metadata"]["name"] == name
            if is_it and found.get("status", {}).get("phase") == "Running":
                break
    taken = (time.perf_counter() - began) * 1000
    await kubernetes.delete(PODS, NAMESPACE, name, options={"gracePeriodSeconds": 0})
    return taken


def in_sandbox(folder: Path, runs: int) -> list[float]:
    """The agent's part alone."""

    async def measure() -> list[float]:
        async with staged(folder, "crun", image(busybox_tar())) as place:
            return await container_starts(place, runs)

    return asyncio.run(measure())


def in_installation(folder: Path, runs: int) -> list[float]:
    """All of it."""
    silent = Teller(Console(file=io.StringIO()))
    with stage(folder, silent) as story:
        story.link()
        reference = story.push("team/start:1", "started")
        story.apply("default", namespace(NAMESPACE, release=REGISTRY))
        return asyncio.run(pod_starts(story.installation.data / "kubeconfig", reference, runs))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    print(f"{'milliseconds':40}{'p50':>8}{'p90':>8}   load {os.getloadavg()[0]:.1f}")
    for name, measure in (
        ("image present, process runs", in_sandbox),
        ("pod created, pod Running", in_installation),
    ):
        with tempfile.TemporaryDirectory(prefix="tl-bench-") as folder:
            taken = measure(Path(folder), runs)
        p90 = statistics.quantiles(taken, n=10)[-1]
        print(f"{name:40}{statistics.median(taken):>8.1f}{p90:>8.1f}")


if __name__ == "__main__":
    main()
