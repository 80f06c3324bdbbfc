"""kubectl of several years speaks to the cluster, unmodified."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from pathlib import Path

from demo.command import Unexpected
from demo.story import DOMAIN, REGISTRY, Story
from demo.workload import deployment, namespace

TITLE = "kubectl 1.27, 1.30 and 1.33"
VERSIONS = ("1.27", "1.30", "1.33")
CACHE = Path(__file__).parent.parent.parent / ".cache" / "kubectl"


def tell(story: Story) -> None:
    """The same steps with each."""
    story.link()
    story.push("team/clients:1", "for every client")
    for version in VERSIONS:
        installation = dataclasses.replace(
            story.installation, kubectl_program=CACHE / version / "kubectl"
        )
        story.tell(f"kubectl {version}")
        told = dataclasses.replace(story, installation=installation)
        walk(told, f"client-{version.replace('.', '-')}")


def walk(story: Story, name: str) -> None:
    """Create, read, change, watch, wait and delete."""
    scoped = ("-n", name)
    story.kubectl("version")
    story.kubectl("api-resources")
    story.apply("default", namespace(name, release=REGISTRY))
    story.kubectl(
        *scoped, "create", "secret", "docker-registry", "login", "--docker-server=example.test",
        "--docker-username=u", "--docker-password=p",
    )  # fmt: skip
    story.kubectl(*scoped, "create", "configmap", "settings", "--from-literal=a=1")
    story.apply(name, deployment("web", f"{DOMAIN}/team/clients:1", 1))
    story.kubectl(*scoped, "rollout", "status", "deployment/web", "--timeout=90s")
    story.apply(name, deployment("web", f"{DOMAIN}/team/clients:1", 2))
    story.kubectl(*scoped, "wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
    story.kubectl(*scoped, "label", "deployment/web", "tier=front")
    story.kubectl(*scoped, "annotate", "deployment/web", "note=seen")
    story.kubectl(*scoped, "patch", "deployment/web", "--patch", '{"spec":{"replicas":1}}')
    for output in ("wide", "yaml", "json", "name"):
        story.kubectl(*scoped, "get", "pods,deployments,secrets", "-o", output)
    _watch(story, name)
    story.kubectl(*scoped, "describe", "deployment", "web")
    story.kubectl(*scoped, "describe", "pods")
    story.kubectl(*scoped, "logs", "deployment/web")
    story.kubectl(*scoped, "events")
    got = story.kubectl(*scoped, "get", "deployment", "web", "-o", "json").out
    story.installation.kubectl(*scoped, "replace", "-f", "-", stdin=got).succeeded()
    kept = json.loads(got)["metadata"]
    if kept["labels"].get("tier") != "front" or kept["annotations"].get("note") != "seen":
        raise Unexpected(f"label or annotation were lost: {kept}")
    story.kubectl("delete", "namespace", name, "--timeout=60s")


def _watch(story: Story, name: str) -> None:
    """A label that is set while somebody watches is seen by them."""
    command = (
        "-n",
        name,
        "get",
        "configmap",
        "settings",
        "-w",
        "-o",
        "name",
        "--request-timeout=3s",
    )
    seen: list[str] = []
    watcher = threading.Thread(target=lambda: seen.append(story.installation.kubectl(*command).out))
    watcher.start()
    while watcher.is_alive():
        story.installation.kubectl(
            "-n", name, "annotate", "configmap", "settings", f"at={time.time()}", "--overwrite"
        ).succeeded()
    if seen[0].count("configmap/settings\n") < 2:
        raise Unexpected(f"`kubectl get -w` saw no change: {seen[0]!r}")
