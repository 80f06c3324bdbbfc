"""What a chapter is given: an installation, the registries around it, and somebody who tells."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.images import MadeImage

from demo.command import Outcome, Unexpected
from demo.image import greeting, heavy, lay_out
from demo.installation import Installation, until
from demo.outside import Outside
from demo.teller import Teller
from demo.workload import pod

REGISTRY = "demo"
DOMAIN = "demo.tencentcloudcr.com"
NAMESPACE = "team"
"""The registry's namespace that all chapters push to."""


@dataclass(slots=True)
class Story:
    """The stage, the props and the narrator."""

    installation: Installation
    outside: Outside
    folder: Path
    teller: Teller
    _count: int = field(default=0)

    def tell(self, sentence: str) -> None:
        """Say what comes next."""
        self.teller.tell(sentence)

    def towline(self, *arguments: str) -> Outcome:
        """A command of ours, shown; it must succeed."""
        self.teller.command("towline " + shlex.join(arguments))
        return self.installation.towline(*arguments).succeeded()

    def kubectl(self, *arguments: str) -> Outcome:
        """A kubectl command, shown; it must succeed."""
        self.teller.command("kubectl " + shlex.join(arguments))
        return self.installation.kubectl(*arguments).succeeded()

    def apply(self, namespace: str, manifest: str) -> Outcome:
        """`kubectl apply`, shown."""
        parsed = json.loads(manifest)
        name = f"{parsed['kind'].lower()}/{parsed['metadata']['name']}"
        self.teller.command(f"kubectl -n {namespace} apply -f -   # {name}")
        return self.installation.apply(namespace, manifest)

    def link(self) -> None:
        """See to it that pods reach our registry, unless an earlier chapter has."""
        if not json.loads(self.installation.towline("link", "list", "-o", "json").succeeded().out):
            self.towline("link", "create", REGISTRY, "--resolve")

    def kill_everything(self) -> None:
        """SIGKILL to the supervisor, with which the kernel ends every role."""
        status = self.installation.status()
        self.teller.command(f"kill -9 {status['pid']}   # the supervisor of all roles")
        os.kill(int(status["pid"]), signal.SIGKILL)
        until("end of every role", lambda: not self.installation.status()["running"])

    def settle(self) -> None:
        """Wait until every role is ready, after one was killed."""
        until(
            "installation with all roles ready",
            lambda: self.installation.towline("status").code == 0,
        )

    def layout(self, made: MadeImage) -> Path:
        """The image in a folder of its own."""
        self._count += 1
        return lay_out(self.folder / f"layout-{self._count}", made)

    def push(
        self, repository: str, words: str, *, registry: str = REGISTRY, megabytes: int = 0
    ) -> str:
        """Push a new image, heavier by some megabytes, through a registry's loopback door.

        The answer is its name inside a VPC.
        """
        shown = self.installation.instance(registry)
        door = shown["loopback"].removeprefix("http://")
        login = json.loads(self.towline("credential", "create", registry, "-o", "json").out)
        made = heavy(words, megabytes) if megabytes else greeting(words)
        layout = str(self.layout(made))
        user = ["--username", login["username"], "--password", login["password"]]
        self.teller.command(f"towline push {layout} {door}/{repository}")
        self.installation.towline("push", layout, f"{door}/{repository}", *user).succeeded()
        return f"{shown['domain']}/{repository}"

    def run_pod(
        self,
        namespace: str,
        name: str,
        *images: str,
        annotations: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        """Apply a pod with a container for each image."""
        self.apply(namespace, pod(name, *images, annotations=annotations, secrets=secrets))

    def runs(self, namespace: str, name: str, patience: int = 60) -> None:
        """The pod must become ready."""
        self.kubectl(
            "-n",
            namespace,
            "wait",
            f"pod/{name}",
            "--for=condition=Ready",
            f"--timeout={patience}s",
        )

    def fails(self, namespace: str, name: str, *texts: str) -> str:
        """The pod must not start, and `kubectl describe` must say all of this; the message."""
        until(
            f"image error of pod {name}", lambda: bool(waiting_message(self.pod(namespace, name)))
        )
        described = self.kubectl("-n", namespace, "describe", "pod", name).out
        message = waiting_message(self.pod(namespace, name))
        self.teller.quote(message)
        for text in texts:
            if text not in described:
                raise Unexpected(f"`kubectl describe` does not say {text!r}:\n{described}")
        return message

    def pod(self, namespace: str, name: str) -> dict[str, Any]:
        """A pod as the API has it."""
        got = self.installation.kubectl("-n", namespace, "get", "pod", name, "-o", "json")
        found: dict[str, Any] = json.loads(got.succeeded().out)
        return found

    def remove_pod(self, namespace: str, name: str) -> None:
        """Delete a pod and wait until it is gone."""
        self.installation.kubectl("-n", namespace, "delete", "pod", name).succeeded()


def waiting_message(found: dict[str, Any]) -> str:
    """Why a container of the pod waits for its image; empty while that is not known."""
    for status in found.get("status", {}).get("containerStatuses", []):
        waiting = status.get("state", {}).get("waiting", {})
        if waiting.get("reason") in {"ErrImagePull", "ImagePullBackOff"}:
            return str(waiting.get("message", ""))
    return ""


def expect(found: object, wanted: object, what: str) -> None:
    """Two values that must be the same."""
    if found != wanted:
        raise Unexpected(f"{what}: {found!r} instead of {wanted!r}")
