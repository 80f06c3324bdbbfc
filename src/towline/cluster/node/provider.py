"""What a virtual node needs of the world to make a pod real.

The node decides; a provider obeys. A provider knows nothing of watches, resource versions or the API server.
Containers outlive the process that started them: after a restart the node asks for the `inventory` and goes on.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from towline.diagnosis.facts import Facts
from towline.diagnosis.plane import PodSeen
from towline.diagnosis.verdict import Verdict
from towline.kube.capability import USUAL
from towline.pull.attempt import Attempt
from towline.pull.image_cache import CacheMatch
from towline.pull.keyring import Keyring
from towline.pull.progress import Progress


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """Which pod, and what of it the outside of its containers depends on."""

    uid: str
    namespace: str
    name: str
    subnet_id: str
    hostname: str
    annotations: Mapping[str, str]
    """As they were when the pod was created; later edits have no effect."""
    cluster_id: str = ""
    """Whose pod it is; empty for the installation's own cluster."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is present for a pod."""

    reference: str
    """The normalised reference it was pulled by."""
    digest: str
    """The manifest's digest: what `status.containerStatuses[].imageID` names."""
    size: int
    """Compressed bytes, as the kubelet's `Pulled` event reports them."""
    user: str = ""
    """Who its processes are unless a pod says otherwise: `user[:group]`, or empty for root."""


@dataclass(frozen=True, slots=True)
class Missing:
    """An image that may be used before it is whole."""

    have: int
    """Bytes that are here of what it may be used without."""
    wanted: int


@dataclass(frozen=True, slots=True)
class Completion:
    """How an image came to its end that was used before it was whole."""

    size: int
    """Bytes."""
    seconds: float
    trouble: str = ""
    """Why it will never be whole: its containers have been ended. Empty when it is."""


@dataclass(frozen=True, slots=True)
class VolumeFiles:
    """A volume of fixed files (a Secret or ConfigMap): name to content."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ScratchVolume:
    """An emptyDir, shared by the containers of a pod under its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Mount:
    """One volume mount."""

    path: str
    source: VolumeFiles | ScratchVolume
    read_only: bool = False
    sub_path: str = ""
    """Which file or folder of the volume is shown; a folder of an emptyDir is made if need be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """None means unlimited."""

    cpu_millicores: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Privileges:
    """What a container's processes may do besides what their user may."""

    capabilities: tuple[str, ...] = USUAL
    may_gain: bool = True
    """Whether they may come by more than they have, by programs that are set-uid and the like."""
    groups: tuple[int, ...] = ()
    """Besides the user's own."""
    volumes_group: int | None = None
    """Whose the files of volumes are."""


@dataclass(frozen=True, slots=True)
class ContainerId:
    """One run of one container of a pod; `attempt` counts restarts from 0."""

    pod_uid: str
    name: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.pod_uid}-{self.name}-{self.attempt}"


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """How a container is to run; None for what the image's own config decides."""

    id: ContainerId
    image: Image
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str | None = None
    user: str | None = None
    """`uid[:gid]`, or `:gid` for the image's own user in another group."""
    privileges: Privileges = field(default_factory=Privileges)
    limits: Limits = field(default_factory=Limits)
    mounts: tuple[Mount, ...] = ()
    tty: bool = False
    read_only_root: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended. `code` is 128 + the signal's number when a signal ended it."""

    code: int
    reason: str
    """`Completed`, `Error`, `OOMKilled`, or `ContainerCannotRun`/`StartError` when it never ran."""
    message: str
    started_at: float
    """Seconds since the epoch; 0 when it never started."""
    finished_at: float


@dataclass(frozen=True, slots=True)
class Executed:
    """How a command inside a container ended."""

    code: int
    output: str
    """The last 10 KiB of what it wrote to both of its outputs."""


@dataclass(frozen=True, slots=True)
class StandingContainer:
    """A container found after a restart: still running when `exit` is None."""

    id: ContainerId
    image: Image
    started_at: float
    exit: Exit | None


@dataclass(frozen=True, slots=True)
class StandingPod:
    """A pod found after a restart."""

    uid: str
    address: str
    images: tuple[Image, ...]
    containers: tuple[StandingContainer, ...]
    cluster_id: str = ""
    """As its identity had it; empty as well when nobody wrote down what it was."""


class Sandboxes(Protocol):
    """Pods' own namespaces and addresses."""

    async def open(self, pod: PodIdentity) -> str:
        """Give the pod a network namespace; its IP address. Doing it twice is the same as once.

        Raises `Problem` when the subnet has no free address or the kernel refuses.
        """
        ...

    async def close(self, pod_uid: str) -> None:
        """Remove everything the pod had, its logs included. Doing it twice is the same as once."""
        ...

    async def inventory(self) -> tuple[StandingPod, ...]:
        """All pods that have something standing, whoever made it."""
        ...


class Images(Protocol):
    """Images as one pod may use them: nothing is shared between pods but verified bytes."""

    async def find(self, pod_uid: str, image: str) -> Image | None:
        """The image, if this pod has it already."""
        ...

    async def pull(self, pod_uid: str, image: str, keyring: Keyring, progress: Progress) -> Image:
        """Fetch the image from the pod's own network, and tell of its layers meanwhile.

        Raises `towline.pull.attempt.PullFailed`, whose text is containerd's.
        """
        ...

    async def missing(self, pod_uid: str, image: Image) -> Missing | None:
        """How much of an image that was pulled is still coming; None when it is whole."""
        ...

    async def completion(self, pod_uid: str, image: Image) -> Completion | None:
        """How the rest of it came, when it has come; None when nobody waits for it any more."""
        ...

    async def cache_for(self, pod_uid: str, images: tuple[str, ...]) -> CacheMatch | None:
        """The image cache that a pod's annotation asks for, with what it has of the pod's images.

        None when the pod does not ask, or leaves the choice to the provider and none fits.
        """
        ...


class Containers(Protocol):
    """Processes in a pod's namespaces."""

    async def start(self, spec: ContainerSpec) -> float:
        """Run it; the time at which it started, in seconds since the epoch.

        Raises `StartFailed` when the runtime refuses (no such file, permission denied, …).
        """
        ...

    async def wait(self, container: ContainerId) -> Exit:
        """How it ended, when it has ended. May be asked again."""
        ...

    async def stop(self, container: ContainerId, *, grace: float) -> None:
        """Send the image's stop signal, SIGKILL after `grace` seconds, and wait for the end."""
        ...

    def log(self, container: ContainerId) -> Path:
        """The container's log file, in CRI format. It exists from `start` until `close`."""
        ...


class Reach(Protocol):
    """Into a running pod: what probes and hooks need."""

    async def socket(self, pod_uid: str) -> socket.socket:
        """A new TCP socket of the pod's own network, neither connected nor blocking."""
        ...

    async def execute(self, container: ContainerId, command: tuple[str, ...]) -> Executed:
        """Run a command in a running container; who stops waiting for it kills it.

        Raises `StartFailed` when the runtime refuses.
        """
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """A pull that failed, or that hangs, or that somebody asks about."""

    uid: str
    """The pod's."""
    pod: PodSeen
    keyring: Keyring
    text: str = ""
    """What the runtime said; empty while it hangs."""
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of looking at a pull."""

    verdict: Verdict | None
    """Why it fails; None when nothing is found that would stop it."""
    facts: Facts
    """What it is concluded from."""


class Doctor(Protocol):
    """Looks at a pull from the pod's own network, with the pod's own credentials."""

    async def examine(self, case: Case) -> Finding:
        """Why it fails.

        Raises `Problem` when it cannot look, as when the pod is gone.
        """
        ...


class StartFailed(Exception):
    """The runtime would not start a container; the text is the runtime's own."""


class Provider(Sandboxes, Images, Containers, Reach, Doctor, Protocol):
    """All five, as the node is given them."""
