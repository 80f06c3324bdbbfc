"""One installation under the story's hands: its command line, its cluster, its processes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.command import Outcome, Unexpected, run
from towline.linux.ledger import Ledger

TOWLINE = Path(sys.executable).parent / "towline"
PATIENCE = 60.0  # seconds that anything asynchronous may take
DIAL_TIMEOUT = 2  # seconds; containerd's 30 would make the story long


@dataclass(frozen=True, slots=True)
class Installation:
    """Where it keeps its data, and which kubectl speaks to it."""

    data: Path
    kubectl_program: Path
    dial_timeout: int = DIAL_TIMEOUT

    def towline(self, *arguments: str, stdin: str = "") -> Outcome:
        """What our own command line answers."""
        environment = {
            "TOWLINE_DATA": str(self.data),
            "TOWLINE_DIAL_TIMEOUT": str(self.dial_timeout),
        }
        return run([str(TOWLINE), *arguments], environment=environment, stdin=stdin)

    def kubectl(self, *arguments: str, stdin: str = "") -> Outcome:
        """What kubectl answers."""
        environment = {
            "KUBECONFIG": str(self.data / "kubeconfig"),
            "KUBECACHEDIR": str(self.data / "kubectl-cache"),
        }
        return run([str(self.kubectl_program), *arguments], environment=environment, stdin=stdin)

    def apply(self, namespace: str, manifest: str) -> Outcome:
        """`kubectl apply` of one manifest, which must succeed."""
        return self.kubectl("-n", namespace, "apply", "-f", "-", stdin=manifest).succeeded()

    def instance(self, name: str) -> dict[str, Any]:
        """What `towline instance show` knows of a registry."""
        shown = self.towline("instance", "show", name, "-o", "json").succeeded()
        found: dict[str, Any] = json.loads(shown.out)
        return found

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """The pods of a namespace."""
        arguments = ["-n", namespace, "get", "pods", "-o", "json"]
        arguments += ["-l", selector] if selector else []
        found: list[dict[str, Any]] = json.loads(self.kubectl(*arguments).succeeded().out)["items"]
        return found

    def status(self) -> dict[str, Any]:
        """What `towline status` tells, whatever its exit code."""
        found: dict[str, Any] = json.loads(self.towline("status", "-o", "json").out)
        return found

    def role_pid(self, role: str) -> int:
        """The process of a role as `towline status` tells it, once it has one."""
        pids: list[int] = []

        def known() -> bool:
            roles = self.status()["roles"]
            pids[:] = [int(each["pid"]) for each in roles if each["name"] == role]
            return any(pids)

        until(f"process of the {role} role", known)
        return pids[0]

    def ledger(self) -> Ledger:
        """The marks of what it has made in the kernel."""
        ledger = Ledger.read(self.data / "ledger.json")
        if ledger is None:
            raise Unexpected("the agent has begun no ledger")
        return ledger

    def data_centre(self) -> str:
        """The name of the namespace in which external registries are."""
        return self.ledger().names.data_centre


def until(what: str, satisfied: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for the world; raises `Unexpected` naming `what` when it takes too long."""
    deadline = time.monotonic() + patience
    while not satisfied():
        if time.monotonic() > deadline:
            raise Unexpected(f"after {patience:.0f} s there is still no {what}")
        time.sleep(0.1)
