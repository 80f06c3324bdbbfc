"""How much longer a crowd of pods waits for one cold image than a single pod.

    sudo .venv/bin/python bench/crowd.py [--pods 20] [--image a|b|c] [--runs 5] [--lazy auto|off] [--json]

In a running installation, on an image that lies in our own registry (`tools/pull_images.py` makes it)
and of which the node has nothing: one pod from its creation through the Kubernetes API until the API
has it as Running; and, the image gone again, so many pods created at once until the last of them
runs. Beside it the bytes that came into all of those pods' network namespaces, by the size of the
image: every pod shows its own credential, but each layer is to come once. As root.

Images come as a whole before their pods run, unless `--lazy auto` lets pods start before.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo.installation import until
from demo.stage import stage
from demo.story import NAMESPACE as REPOSITORIES
from demo.story import REGISTRY, Story
from demo.teller import Teller
from demo.workload import namespace, pod
from tools.pull_images import layout

from towline.cluster.kubernetes_http import HttpKubernetes
from towline.cluster.resources import PODS
from towline.installation.data_directory import DataDirectory
from towline.linux import network_namespace
from towline.linux.namespace_socket import SocketMaker
from towline.network.name import POD_LINK

NAMESPACE = "crowd"
IMAGES = Path(__file__).parent.parent / ".cache" / "bench" / "images"
LAZY = "towline.dev/lazy"
_PATIENCE = 120
_WARM_UPS = 20
_INDEXES = "TOWLINE_LAYER_INDEXES"
_RECEIVED = re.compile(rf"{POD_LINK}:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Crowd:
    """What some pods took that were created at once."""

    first: float
    """Seconds until the first of them ran."""
    last: float
    received: int
    """Bytes that came into their namespaces."""


@dataclass(frozen=True, slots=True)
class Ground:
    """An installation with an image in its registry."""

    story: Story
    reference: str
    lazy: str

    def crowd(self, size: int) -> Crowd:
        """Run so many pods on the image, of which nothing is here, and remove them."""
        self._forget_layers()
        names = [f"pod{number}" for number in range(size)]
        took, uids = asyncio.run(self._run(names))
        received = sum(map(self._received, uids))
        asyncio.run(self._remove(names))
        until("end of all pods", lambda: not self.story.installation.pods(NAMESPACE))
        return Crowd(took[0], took[-1], received)

    def warm_up(self, size: int) -> None:
        """Have everything done that is done once: programs read, and indexes made."""
        for _ in range(_WARM_UPS):
            crowd = self.crowd(1)
            if self.lazy == "off" or crowd.received < size / 2:
                return

    def _forget_layers(self) -> None:
        """No pod is there, so nothing of them is mounted."""
        for layer in DataDirectory(self.story.installation.data).layers.glob("sha256/*"):
            layer.unlink()

    async def _run(self, names: Sequence[str]) -> tuple[list[float], list[str]]:
        """When each was seen to run, in that order, and their uids."""
        took = list[float]()
        waiting = set(names)
        async with self._kubernetes() as kubernetes:
            version = (await kubernetes.list(PODS, NAMESPACE)).resource_version
            stream = kubernetes.watch(PODS, NAMESPACE, resource_version=version)
            began = time.perf_counter()
            async with asyncio.TaskGroup() as tasks, asyncio.timeout(_PATIENCE):
                made = [tasks.create_task(self._create(kubernetes, name)) for name in names]
                async for event in stream:
                    name = event.object["metadata"]["name"]
                    runs = event.object.get("status", {}).get("phase") == "Running"
                    if runs and name in waiting:
                        waiting.remove(name)
                        took.append(time.perf_counter() - began)
                    if not waiting:
                        break
            return took, [task.result() for task in made]

    async def _create(self, kubernetes: HttpKubernetes, name: str) -> str:
        wish = json.loads(pod(name, self.reference, annotations={LAZY: self.lazy}))
        made = await kubernetes.create(PODS, NAMESPACE, wish)
        return str(made["metadata"]["uid"])

    async def _remove(self, names: Sequence[str]) -> None:
        at_once = {"gracePeriodSeconds": 0}
        async with self._kubernetes() as kubernetes, asyncio.TaskGroup() as tasks:
            for name in names:
                tasks.create_task(kubernetes.delete(PODS, NAMESPACE, name, options=at_once))

    def _received(self, uid: str) -> int:
        """Of the way to a pod, headers included."""
        place = network_namespace.path_of(self.story.installation.ledger().names.pod(uid))
        shown = SocketMaker(place).inside(Path("/proc/thread-self/net/dev").read_text)
        found = _RECEIVED.search(shown)
        return int(found[1]) if found else 0

    def _kubernetes(self) -> AbstractAsyncContextManager[HttpKubernetes]:
        return HttpKubernetes.from_kubeconfig(self.story.installation.data / "kubeconfig")


def pushed(story: Story, name: str) -> tuple[str, int]:
    """The image in our registry: what pods call it, and the bytes of all that it is made of."""
    place, shown = layout(IMAGES, name), story.installation.instance(REGISTRY)
    door = shown["loopback"].removeprefix("http://")
    login = json.loads(story.towline("credential", "create", REGISTRY, "-o", "json").out)
    user = ["--username", login["username"], "--password", login["password"]]
    path = f"{REPOSITORIES}/crowd:1"
    story.installation.towline("push", str(place), f"{door}/{path}", *user).succeeded()
    size = sum(blob.stat().st_size for blob in (place / "blobs" / "sha256").iterdir())
    return f"{shown['domain']}/{path}", size


def measured(chosen: argparse.Namespace) -> dict[str, object]:
    """One pod and the crowd in turn, so many times; medians."""
    alone, together = list[Crowd](), list[Crowd]()
    silent = Teller(Console(file=io.StringIO()))
    with (
        tempfile.TemporaryDirectory(prefix="tl-bench-") as folder,
        stage(Path(folder), silent) as story,
    ):
        story.link()
        reference, size = pushed(story, chosen.image)
        story.apply("default", namespace(NAMESPACE, release=REGISTRY))
        ground = Ground(story, reference, chosen.lazy)
        ground.warm_up(size)
        for number in range(chosen.runs):
            alone.append(ground.crowd(1))
            together.append(ground.crowd(chosen.pods))
            print(f"{number}: {alone[-1].last:.2f} s, {together[-1].last:.2f} s", file=sys.stderr)
    one, all_ = (statistics.median(each.last for each in found) for found in (alone, together))
    return {
        "pods": chosen.pods,
        "image_bytes": size,
        "one": round(one, 3),
        "last": round(all_, 3),
        "ratio": round(all_ / one, 3),
        "fetched": round(max(each.received for each in together) / size, 3),
        "fetched_by_one": round(max(each.received for each in alone) / size, 3),
        "runs": {
            "alone": [asdict(each) for each in alone],
            "together": [asdict(each) for each in together],
        },
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=20)
    parser.add_argument("--image", choices=("a", "b", "c"), default="b")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--lazy", choices=("auto", "off"), default="off")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    os.environ[_INDEXES] = "0" if chosen.lazy == "off" else "1"  # making them takes the cores
    result = measured(chosen)
    if chosen.json:
        print(json.dumps(result))
        return
    print(f"image {chosen.image}, medians of {chosen.runs}   load {os.getloadavg()[0]:.1f}")
    print(f"{'one pod runs after':40}{result['one']:>8} s")
    print(f"{f'the last of {chosen.pods} pods runs after':40}{result['last']:>8} s")
    print(f"{'by one pod':40}{result['ratio']:>8}")
    print(f"{'bytes fetched by bytes of the image':40}{result['fetched']:>8}")


if __name__ == "__main__":
    main()
