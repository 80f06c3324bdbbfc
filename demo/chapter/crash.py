"""Any role may be killed at any moment: what was acknowledged is kept, and what was wanted is reached."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from demo.command import Outcome, Unexpected
from demo.image import heavy
from demo.installation import PATIENCE, until
from demo.story import DOMAIN, REGISTRY, Story
from demo.teller import Teller
from demo.tencent import Account, Sdk
from demo.workload import config_map, deployment, namespace

TITLE = "kill -9 of every role, in the middle of things"
NAMESPACE = "crash"
OBJECTS = 30
NAMESPACES = 40  # of the registry; it may have 50
WRITERS = 8  # so many writes are under way at any moment
CUT = (
    "Connection aborted"  # what is said of a call whose answer was cut off; later ones are refused
)
MEGABYTES = 64  # a layer whose transfer lasts long enough to be hit


def tell(story: Story) -> None:
    """The registry during a push, the agent during a pull, the cluster during applies, the cloud."""
    story.link()
    story.apply("default", namespace(NAMESPACE, release=REGISTRY))
    _registry_during_a_push(story)
    _agent_during_a_pull(story)
    _agent_while_pods_run(story)
    _cluster_during_applies(story)
    _cloud_during_writes(story)
    _everything_at_once(story)


def _registry_during_a_push(story: Story) -> None:
    story.tell("The registry is killed while it takes in a layer; the push is repeated.")
    layout = str(story.layout(heavy("pushed twice", MEGABYTES)))
    door = story.installation.instance(REGISTRY)["loopback"].removeprefix("http://")
    login = json.loads(story.towline("credential", "create", REGISTRY, "-o", "json").out)
    user = ("--username", login["username"], "--password", login["password"])
    uploads = story.installation.data / "registry" / "uploads"
    acknowledged = story.push("team/kept:1", "acknowledged before")
    pushed: list[Outcome] = []

    def push() -> bool:
        pushed.append(story.installation.towline("push", layout, f"{door}/team/crash:1", *user))
        return pushed[-1].code == 0

    _kill_during(story, "registry", push, lambda: any(_sizes(uploads)))
    if pushed[0].code == 0:
        raise Unexpected("the push did not notice that the registry was killed")
    until("registry that takes the push", push)
    story.tell("What was pushed and acknowledged before runs.")
    story.run_pod(NAMESPACE, "kept", acknowledged)
    story.runs(NAMESPACE, "kept")
    story.remove_pod(NAMESPACE, "kept")


def _agent_during_a_pull(story: Story) -> None:
    story.tell("The agent is killed while it pulls; the pods run all the same.")
    wanted = deployment("crash", f"{DOMAIN}/team/crash:1", 3)
    partial = story.installation.data / "layers" / "partial"
    _kill_during(
        story, "agent", lambda: story.apply(NAMESPACE, wanted), lambda: any(_sizes(partial))
    )
    story.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/crash", "--timeout=120s")


def _agent_while_pods_run(story: Story) -> None:
    story.tell("Killed again, it finds its containers running and restarts none of them.")
    before = _started(story)
    kill(story, "agent")
    story.settle()
    story.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/crash", "--timeout=60s")
    if _started(story) != before:
        raise Unexpected(f"containers were restarted: {before} became {_started(story)}")


def _cluster_during_applies(story: Story) -> None:
    story.tell("The cluster's API is killed among applies; what it acknowledged is there.")
    acknowledged: list[str] = []

    def apply() -> None:
        for number in range(OBJECTS):
            name = f"kept-{number}"
            with contextlib.suppress(Unexpected):
                story.installation.apply(NAMESPACE, config_map(name))
                acknowledged.append(name)

    _kill_during(story, "cluster", apply, lambda: len(acknowledged) >= OBJECTS / 3)
    story.settle()
    listed = story.kubectl("-n", NAMESPACE, "get", "configmaps", "-o", "name").out
    lost = [name for name in acknowledged if f"configmap/{name}\n" not in listed]
    if len(acknowledged) == OBJECTS:
        raise Unexpected("no apply noticed that the cluster was killed")
    if lost or not acknowledged:
        raise Unexpected(f"of {len(acknowledged)} acknowledged objects these are lost: {lost}")
    story.tell(f"{len(acknowledged)} of {OBJECTS} applies were acknowledged, and none is lost.")
    story.kubectl("-n", NAMESPACE, "scale", "deployment/crash", "--replicas=1")
    until(
        "pod that is left alone", lambda: len(story.installation.pods(NAMESPACE, "app=crash")) == 1
    )


def _cloud_during_writes(story: Story) -> None:
    story.tell("The cloud is killed among signed writes; what it acknowledged is there.")
    before = story.towline("instance", "list", "-o", "json").out
    sdk = Sdk(Account.of(story.installation.data), Teller(Console(quiet=True)))
    registry = story.installation.instance(REGISTRY)["id"]
    acknowledged: list[str] = []
    failures: list[str] = []

    def create(name: str) -> None:
        try:
            sdk("tcr", "CreateNamespace", RegistryId=registry, NamespaceName=name, IsPublic=False)
            acknowledged.append(name)
        except TencentCloudSDKException as error:
            failures.append(str(error))

    def write() -> None:
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(create, (f"kept-{number}" for number in range(NAMESPACES))))

    story.teller.command(f"tcr.CreateNamespace   # SDK, {NAMESPACES} times, {WRITERS} at once")
    _kill_during(story, "cloud", write, lambda: len(acknowledged) >= NAMESPACES / 4)
    story.settle()
    if not any(CUT in failure for failure in failures):
        raise Unexpected(f"the cloud was killed in the midst of no write: {failures}")
    listed = json.loads(story.towline("namespace", "list", REGISTRY, "-o", "json").out)
    lost = set(acknowledged) - {each["name"] for each in listed}
    if lost:
        raise Unexpected(f"of {len(acknowledged)} acknowledged namespaces these are lost: {lost}")
    if story.towline("instance", "list", "-o", "json").out != before:
        raise Unexpected("the cloud has forgotten an instance")
    story.tell(f"{len(acknowledged)} of {NAMESPACES} writes were acknowledged, and none is lost.")


def _everything_at_once(story: Story) -> None:
    story.tell("Everything is killed at once; started again, it goes on with what still runs.")
    before = _started(story)
    story.kill_everything()
    story.towline("up", "--detach")
    story.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/crash", "--timeout=60s")
    if _started(story) != before:
        raise Unexpected(f"containers were restarted: {before} became {_started(story)}")


def kill(story: Story, role: str) -> None:
    """SIGKILL to the process of a role."""
    pid = story.installation.role_pid(role)
    story.teller.command(f"kill -9 {pid}   # {role}")
    _end(pid)


def _kill_during(
    story: Story, role: str, work: Callable[[], object], is_under_way: Callable[[], bool]
) -> None:
    """Begin the work, kill the role in the midst of it; the work may fail.

    Raises `Unexpected` when the work came to its end before the role did.
    """

    def attempt() -> None:
        with contextlib.suppress(Unexpected, subprocess.SubprocessError):
            work()

    pid, deadline = story.installation.role_pid(role), time.monotonic() + PATIENCE
    thread = threading.Thread(target=attempt)
    thread.start()
    while not is_under_way():
        if time.monotonic() > deadline:
            raise Unexpected(f"nothing that the {role} could be killed in the midst of")
        time.sleep(0.001)
    _end(pid)
    interrupted = is_under_way()
    story.teller.command(f"kill -9 {pid}   # {role}")
    thread.join()
    if not interrupted:
        raise Unexpected(f"the {role} had finished its work when it was killed")


def _end(pid: int) -> None:
    """SIGKILL to a process; it has ended when this returns."""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        ended, _, _ = select.select([process], [], [], PATIENCE)
    finally:
        os.close(process)
    if not ended:
        raise Unexpected(f"process {pid} outlives its SIGKILL")


def _sizes(folder: os.PathLike[str]) -> list[int]:
    """How large the files of a folder are that is being worked in."""
    sizes = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                sizes.append(entry.stat().st_size)
    return sizes


def _started(story: Story) -> dict[str, object]:
    return {
        found["metadata"]["name"]: [
            (status["restartCount"], status["state"]["running"]["startedAt"])
            for status in found["status"]["containerStatuses"]
        ]
        for found in story.installation.pods(NAMESPACE, "app=crash")
    }
