"""The agent's pull engine in a process of its own, for `bench/pull.py`.

    python -m tools.pull_engine FOLDER

It says `ready`; for a reference on its input it pulls the image in a pod, says `pulled`, runs it,
and prints what it printed as JSON. The pod is in the machine's own network, as the peers are. When
its input ends it takes everything away that it made.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from towline.cluster.node.provider import ContainerId, ContainerSpec, PodIdentity
from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT
from towline.linux.ledger import Ledger
from towline.linux.sweep import sweep
from towline.pull.keyring import Keyring
from towline.pull.progress import NoProgress
from towline.sandbox.provider import Sandbox
from towline.sandbox.settings import SandboxSettings

_ADDRESS = "127.0.0.1"


@dataclass(slots=True)
class HostNetwork:
    """Pods in the namespace of this process."""

    standing_pods: dict[str, str]

    async def attach(self, uid: str, subnet_id: str, pod: PodIdentity | None = None) -> str:
        """Note it."""
        self.standing_pods[uid] = _ADDRESS
        return _ADDRESS

    async def detach(self, uid: str) -> None:
        """Forget it."""
        self.standing_pods.pop(uid, None)

    def standing(self) -> Mapping[str, str]:
        """Everybody who is attached."""
        return self.standing_pods

    def namespace_path(self, uid: str) -> Path:
        """The namespace of this process, for others too."""
        return Path(f"/proc/{os.getpid()}/ns/net")

    def nameservers(self, uid: str) -> tuple[str, ...]:
        """None is needed."""
        return ()


async def main() -> None:
    """Serve the input."""
    folder = Path(sys.argv[1])
    ledger = Ledger.open(folder / "ledger.json", folder / "sandbox")
    settings = SandboxSettings(ledger.folder, folder / "layers", ledger.cgroup)
    try:
        async with Sandbox(HostNetwork({}), settings) as sandbox:
            uid = str(uuid.uuid4())
            policy = {REGISTRY_HTTP_ENDPOINT: "all"}
            await sandbox.open(PodIdentity(uid, "bench", "first", "subnet-1", "first", policy))
            print("ready", flush=True)
            for number, line in enumerate(sys.stdin):
                await _serve(sandbox, ContainerId(uid, "first", number), line.strip())
            await sandbox.close(uid)
    finally:
        sweep(ledger)


async def _serve(sandbox: Sandbox, container: ContainerId, reference: str) -> None:
    image = await sandbox.pull(container.pod_uid, reference, Keyring(()), NoProgress())
    print("pulled", flush=True)
    await sandbox.start(ContainerSpec(container, image))
    ended = await sandbox.wait(container)
    with sandbox.log(container).open("rb") as log:
        output = log.read(1000).decode(errors="replace")  # all of it would count as our memory
    print(json.dumps({"code": ended.code, "output": output}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
