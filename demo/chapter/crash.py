"""Any role may be killed at any moment: what was acknowledged is kept, and what was wanted is reached."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable

from demo.command import Outcome, Unexpected
from demo.image import greeting
from demo.installation import until
from demo.story import DOMAIN, REGISTRY, Story
from demo.workload import deployment, namespace

TITLE = "kill -9 of every role, in the middle of things"
NAMESPACE = "crash"
OBJECTS = 40


def tell(story: Story) -> None:
    """The registry during a push, the agent during a pull, the cluster during applies, the cloud."""
    story.link()
    story.apply("default", namespace(NAMESPACE, release=REGISTRY))
    _registry_during_a_push(story)
    _agent_during_a_pull(story)
    _cluster_during_applies(story)
    _cloud_between_calls(story)


def _registry_during_a_push(story: Story) -> None:
    story.tell("The registry is killed while an image is being pushed; the push is repeated.")
    layout = str(story.layout(greeting("pushed twice")))
    door = story.installation.instance(REGISTRY)["loopback"].removeprefix("http://")
    login = json.loads(story.towline("credential", "create", REGISTRY, "-o", "json").out)
    user = ("--username", login["username"], "--password", login["password"])

    def push() -> Outcome:
        return story.installation.towline("push", layout, f"{door}/team/crash:1", *user)

    _during(push, lambda: kill(story, "registry"))
    until("registry that takes the push", lambda: push().code == 0)


def _agent_during_a_pull(story: Story) -> None:
    story.tell("The agent is killed while pods are being started; they run all the same.")
    manifest = deployment("crash", f"{DOMAIN}/team/crash:1", 3)
    _during(lambda: story.apply(NAMESPACE, manifest), lambda: kill(story, "agent"))
    story.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/crash", "--timeout=120s")

    story.tell("Killed again, it finds its containers running and restarts none of them.")
    before = _started(story)
    kill(story, "agent")
    story.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/crash", "--timeout=60s")
    if _started(story) != before:
        raise Unexpected("a container was restarted because the agent was")


def _cluster_during_applies(story: Story) -> None:
    story.tell("The cluster's API is killed among creations; what it acknowledged is there.")
    acknowledged: list[str] = []

    def create() -> None:
        for number in range(OBJECTS):
            name = f"kept-{number}"
            made = story.installation.kubectl("-n", NAMESPACE, "create", "configmap", name)
            if made.code == 0:
                acknowledged.append(name)

    _during(create, lambda: kill(story, "cluster"))
    until(
        "API that answers",
        lambda: story.installation.kubectl("get", "--raw", "/readyz").code == 0,
    )
    listed = story.kubectl("-n", NAMESPACE, "get", "configmaps", "-o", "name").out
    lost = [name for name in acknowledged if f"configmap/{name}\n" not in listed]
    if lost or not acknowledged:
        raise Unexpected(f"of {len(acknowledged)} acknowledged objects these are lost: {lost}")
    story.kubectl("-n", NAMESPACE, "scale", "deployment/crash", "--replicas=1")
    story.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/crash", "--timeout=60s")


def _cloud_between_calls(story: Story) -> None:
    story.tell("The cloud is killed; the registries and links it was told of are all there.")
    before = story.towline("instance", "list", "-o", "json").out
    kill(story, "cloud")
    until(
        "cloud that answers",
        lambda: story.installation.towline("instance", "list", "-o", "json").out == before,
    )


def kill(story: Story, role: str) -> None:
    """SIGKILL to the process of a role."""
    pid = story.installation.role_pid(role)
    story.teller.command(f"kill -9 {pid}   # {role}")
    os.kill(pid, signal.SIGKILL)


def _during(work: Callable[[], object], interruption: Callable[[], None]) -> None:
    """Interrupt while the work is being done; the work may fail."""

    def attempt() -> None:
        with contextlib.suppress(Unexpected, subprocess.SubprocessError):
            work()

    thread = threading.Thread(target=attempt)
    thread.start()
    interruption()
    thread.join()


def _started(story: Story) -> dict[str, object]:
    return {
        found["metadata"]["name"]: [
            (status["restartCount"], status["state"]["running"]["startedAt"])
            for status in found["status"]["containerStatuses"]
        ]
        for found in story.installation.pods(NAMESPACE, "app=crash")
    }
