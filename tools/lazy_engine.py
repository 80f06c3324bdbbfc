"""The agent's sandbox in a process of its own, for `bench/lazy.py`.

    python -m tools.lazy_engine FOLDER NETNS NAME_SERVER DOMAIN CA_FILE

It says `ready`. For `{"image", "diff_ids"}` on its input it pulls the image in a pod of that namespace
and runs it, and says when it was pulled, when it had printed something, and when all of its layers were
on the disk and verified, each as a line of JSON.
When its input ends it takes everything away that it made.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).parent.parent))

from towline.cluster.node.provider import ContainerId, ContainerSpec, PodIdentity
from towline.diagnosis.survey import Records
from towline.linux.ledger import Ledger
from towline.linux.sweep import sweep
from towline.network.model import NetworkModel
from towline.pull.keyring import Keyring
from towline.pull.progress import NoProgress
from towline.resource.instance import Instance
from towline.sandbox.provider import Sandbox
from towline.sandbox.settings import SandboxSettings

ADDRESS = "10.99.7.2"
_SETTLED = 2.0  # seconds after which an agent that was started has everything ready
_LOOK = 0.02  # seconds between two looks whether all is there


@dataclass(frozen=True, slots=True)
class OneNamespace:
    """Pods that are all in one namespace, which is there already."""

    place: Path
    server: str
    pods: dict[str, str] = field(default_factory=dict)

    async def attach(self, uid: str, subnet_id: str, pod: PodIdentity | None = None) -> str:
        """Note it."""
        self.pods[uid] = ADDRESS
        return self.pods[uid]

    async def detach(self, uid: str) -> None:
        """Forget it."""
        self.pods.pop(uid, None)

    def standing(self) -> Mapping[str, str]:
        """Everybody who is attached."""
        return self.pods

    def namespace_path(self, uid: str) -> Path:
        """The one namespace."""
        return self.place

    def nameservers(self, uid: str) -> tuple[str, ...]:
        """The one name server."""
        return (self.server,)


async def main() -> None:
    """Serve the input."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    folder, place, server, domain, ca_file = sys.argv[1:]
    ledger = Ledger.open(Path(folder) / "ledger.json", Path(folder) / "sandbox")
    layers = Path(folder) / "layers"
    settings = SandboxSettings(
        ledger.folder,
        layers,
        ledger.cgroup,
        ledger.ropes_cgroup,
        ca_file=Path(ca_file),
    )
    try:
        network = OneNamespace(Path(place), server)
        async with Sandbox(network, settings, lambda: _records(domain)) as sandbox:
            uid = str(uuid.uuid4())
            await sandbox.open(PodIdentity(uid, "bench", "first", "subnet-1", "first", {}))
            async with asyncio.TaskGroup() as group:
                tidying = group.create_task(sandbox.keep_tidy())
                await asyncio.sleep(_SETTLED)
                print("ready", flush=True)
                while line := await asyncio.to_thread(sys.stdin.readline):
                    await _serve(sandbox, ContainerId(uid, "first", 0), line, layers)
                tidying.cancel()
            await sandbox.close(uid)
    finally:
        sweep(ledger)


def _records(domain: str) -> Records:
    """An installation that has this registry: what it says of its images is believed."""
    instance = Instance(
        id="tcr-bench",
        name="bench",
        edition="basic",
        domain=domain,
        public_address=ADDRESS,
        created_at="",
    )
    return Records(network=NetworkModel(instances=(instance,)))


async def _serve(sandbox: Sandbox, container: ContainerId, wish: str, layers: Path) -> None:
    asked = json.loads(wish)
    began = time.perf_counter()
    image = await sandbox.pull(container.pod_uid, asked["image"], Keyring(()), NoProgress())
    _tell(began, "pulled")
    await sandbox.start(ContainerSpec(container, image))
    ended = await sandbox.wait(container)
    output = sandbox.log(container).read_text()
    _tell(began, "output", code=ended.code, output=output[:1000])
    wanted = [layers / name.replace(":", "/") for name in asked["diff_ids"]]
    while not all(path.exists() for path in wanted):  # noqa: ASYNC110  # files tell nobody
        await asyncio.sleep(_LOOK)
    _tell(began, "local")


def _tell(began: float, what: str, **more: object) -> None:
    print(json.dumps({"what": what, "seconds": time.perf_counter() - began, **more}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
